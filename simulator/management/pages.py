"""Lists in pages, by cursors."""

import base64

from simulator.figures import whole
from simulator.management.call import Call, Json
from simulator.refusals import RefusedError

_PAGE = 25


def page(call: Call, rows: list[Json]) -> Json:
    """The part of a list that the call asks for, as Graph hands it out."""
    limit = whole(call.text("limit")) or _PAGE
    begin = _place(call.text("after")) + 1 if call.text("after") else 0
    shown = rows[begin : begin + limit]
    if not shown:
        return {"data": []}
    last = begin + len(shown) - 1
    paging: Json = {"cursors": {"before": _cursor(begin), "after": _cursor(last)}}
    if last + 1 < len(rows):
        paging["next"] = f"https://graph.facebook.com/{call.object_id}?after={_cursor(last)}"
    return {"data": shown, "paging": paging}


def _cursor(place: int) -> str:
    return base64.urlsafe_b64encode(f"place:{place}".encode()).decode()


def _place(cursor: str) -> int:
    try:
        return int(base64.urlsafe_b64decode(cursor.encode()).decode().removeprefix("place:"))
    except ValueError as error:
        raise RefusedError(100, message="(#100) Invalid cursors values") from error
