"""Messages that a test puts into a webhook by itself: from then on replies and reactions may refer to them."""

from typing import Any

import orjson

from simulator.figures import whole
from simulator.world import World


def note_body(world: World, body: bytes) -> None:
    """Note the messages of a whole webhook body, as far as it can be read."""
    try:
        content = orjson.loads(body)
    except orjson.JSONDecodeError:
        return
    for entry in _rows(content, "entry"):
        for change in _rows(entry, "changes"):
            note_value(world, change.get("value"))


def note_value(world: World, value: Any) -> None:
    """Note the messages of one change."""
    now = world.clock.now()
    for message in (*_rows(value, "messages"), *_rows(value, "message_echoes")):
        wamid, kind, stamp = message.get("id"), message.get("type"), whole(message.get("timestamp"))
        if isinstance(wamid, str):
            world.emitted[wamid] = (str(kind), now if stamp is None else stamp)


def _rows(content: Any, key: str) -> list[dict[str, Any]]:
    found = content.get(key) if isinstance(content, dict) else None
    return [one for one in found if isinstance(one, dict)] if isinstance(found, list) else []
