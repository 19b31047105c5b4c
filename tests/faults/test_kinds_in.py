"""Every kind of message from the simulator through a whole installation to whoever reads it over the API."""

import json
from dataclasses import dataclass
from typing import Any

import httpx

from tests.faults.house import House, new_customers
from tests.intake.kinds_in import ABOUT_ANOTHER, FILES, KINDS_IN, NOT_ANSWERED, ORIGINAL

FILE = b"\xff\xd8\xff\xe0" + bytes(range(256)) * 64
LONG = "kind_" * 30
INVENTED: dict[str, Any] = {
    "hologram": {"frames": [1, 2.5, None], "of": {"what": "a cake", "says": "Größe 🍰"}},
    "scent": "of rye",
    "wave": [{"at": 1}, {"at": 2}],
    "sigh": None,
    LONG: {"id": "1013859600285441", "mime_type": "image/jpeg"},
}
"""By their types: what nobody knows yet, in shapes that no kind has."""


@dataclass(frozen=True, slots=True)
class Told:
    """What a customer sent, as Meta passed it on."""

    type: str
    parts: dict[str, Any]
    wamid: str


async def test_each_kind_a_customer_can_send_and_each_nobody_knows_yet_is_kept_whole_answered_and_shown(
    house: House,
) -> None:
    names = [*KINDS_IN, *INVENTED]
    customers = dict(zip(names, new_customers(len(names)), strict=True))
    unexpected = await house.rows("SELECT id FROM error_reports")
    told = {name: await _told(house, name, customers[name]) for name in names}
    most = len(told) + len(ABOUT_ANOTHER) + len(FILES & ABOUT_ANOTHER)
    await house.until(lambda: _all_is_done(house, most), within=60, what="all are applied, fetched and answered")
    found = await house.rows("SELECT id, wamid, state FROM messages WHERE integration_id = :line AND direction = 'in'")
    by_wamid = {row.wamid: row for row in found}
    headers = {"Authorization": f"Bearer {house.line.api_key}"}
    async with httpx.AsyncClient(base_url=house.stack.api_url, headers=headers, trust_env=False) as api:
        for name, one in told.items():
            row = by_wamid[one.wamid]
            assert row.state == ("kept" if name in NOT_ANSWERED else "in_turn"), name
            shown = (await api.get(f"/api/v1/whatsapp/messages/{row.id}")).json()["message"]
            assert shown["type"] == one.type[:100], name
            assert one.parts.items() <= shown["content"].items(), name
            assert shown["in_words"], name
            assert (shown["about"] is None) == (name not in ABOUT_ANOTHER), name
            if name in INVENTED:
                assert shown["in_words"].startswith("A message of a kind that is not shown here: "), name
            if name in FILES:
                file = await api.get(f"/api/v1/whatsapp/media/{shown['file']['id']}/content")
                assert file.content == FILE, name
            else:
                assert shown["file"] is None, name
    assert await house.rows("SELECT id FROM error_reports") == unexpected


async def _told(house: House, name: str, customer: str) -> Told:
    """Have it sent; who sends every other kind is known by a BSUID alone."""
    number, sent = house.line.phone_number_id, dict(KINDS_IN.get(name, {"type": name, name: INVENTED.get(name)}))
    whom = {"wa_id": customer} if int(customer) % 2 else {"wa_id": None, "user_id": f"DE.{customer}"}
    if name in ABOUT_ANOTHER:
        original = await house.simulator.customer_sends(number, type="text", content={"body": "before"}, **whom)
        sent = json.loads(json.dumps(sent).replace(ORIGINAL, original))
    kind = sent.pop("type", "unknown")
    if name in FILES - ABOUT_ANOTHER:
        part = sent[kind]
        kept = {key: part[key] for key in ("filename", "caption", "voice") if key in part}
        wamid = await house.simulator.customer_sends_file(
            number, kind=kind, data=FILE, mime_type=part["mime_type"], **whom, **kept
        )
        return Told(kind, {}, wamid)
    if name in FILES:  # an edit gives its message another file
        await house.simulator.customer_sends_file(number, kind="image", data=FILE, mime_type="image/jpeg", **whom)
        sent["edit"]["message"]["image"]["id"] = (await house.simulator.files())[-1].media_id
        del sent["edit"]["message"]["image"]["sha256"]
    content = sent.pop(kind, None)
    wamid = await house.simulator.customer_sends(number, type=kind, content=content, extra=sent, **whom)
    return Told(kind, sent if content is None else sent | {kind: content}, wamid)


async def _all_is_done(house: House, most: int) -> bool:
    (left,) = await house.rows(
        "SELECT (SELECT count(*) FROM messages WHERE integration_id = :line AND direction = 'in') AS came, "
        "(SELECT count(*) FROM messages WHERE integration_id = :line AND state IN ('received', 'queued', 'sending')) "
        "+ (SELECT count(*) FROM media WHERE integration_id = :line AND state = 'waiting') AS open"
    )
    return bool(left.came == most and left.open == 0)
