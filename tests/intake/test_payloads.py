"""Every collected webhook body through intake, once as a stranger's and once as the number's it names."""

from pathlib import Path
from typing import Any

import orjson

from store.engine import Database
from tests.intake.letters import outcomes, take_in
from tests.rows import change, connected_number, rows


def _places(body: bytes) -> list[tuple[str, str | None]]:
    """The WABA id and the phone_number_id of each change."""
    found = []
    for entry in orjson.loads(body)["entry"]:
        for part in entry["changes"]:
            value: dict[str, Any] = part["value"]
            waba = value.get("waba_info", {}).get("waba_id") or entry["id"]
            found.append((str(waba), value.get("metadata", {}).get("phone_number_id")))
    return found


async def test_every_body_of_strangers_is_quarantined_with_its_reason(database: Database, payloads: Path) -> None:
    files = sorted(payloads.glob("*.json"))
    assert files
    await take_in(database, *(file.read_bytes() for file in files))
    assert (await outcomes(database)).keys() <= {"quarantined", "parked"}
    for item in await rows(database, "SELECT * FROM webhook_items"):
        if item.outcome == "quarantined":
            assert item.reason.startswith(("No number ", "Meta's own sample"))
    assert await rows(database, "SELECT * FROM messages") == []


async def test_every_body_of_our_own_number_is_applied(database: Database, payloads: Path) -> None:
    mine = await connected_number(database)
    for file in sorted(payloads.glob("*.json")):
        body = file.read_bytes()
        ((waba_id, phone_number_id),) = set(_places(body))
        await change(database, "UPDATE wabas SET waba_id = :waba_id", waba_id=waba_id)
        await change(
            database,
            "UPDATE integrations SET waba_id = :waba_id, phone_number_id = :number WHERE id = :id",
            waba_id=waba_id,
            number=phone_number_id or "none",
            id=mine.integration_id,
        )
        await take_in(database, body)
        (event,) = await rows(database, "SELECT * FROM webhook_events ORDER BY id DESC LIMIT 1")
        reasons = await rows(database, "SELECT reason FROM webhook_items WHERE webhook_event_id = :id", id=event.id)
        assert event.state == "done", file.name
        assert event.applied + event.duplicate > 0, (file.name, reasons)
        assert event.parked + event.quarantined == 0, (file.name, reasons)
    assert await rows(database, "SELECT * FROM error_reports") == []
