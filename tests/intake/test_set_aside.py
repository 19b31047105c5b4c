"""What cannot be applied is set aside alone, with the reason, and applied once it can be."""

from dataclasses import replace

import pytest
from sqlalchemy.exc import ProgrammingError

from intake.batches import process
from intake.reprocess import reprocess
from store.engine import Database
from store.webhook_events import Outcome
from tests.intake.letters import CONVERSATIONS, MESSAGES, Letters, arrive, envelope, outcomes, take_in
from tests.rows import change, connected_number, rows


async def test_what_is_not_ours_is_quarantined_with_the_reason_and_processed_once_its_number_is_connected(
    database: Database,
) -> None:
    mine = await connected_number(database)
    coming = replace(mine, waba_id="7715550002", phone_number_id="9915550002")
    other_waba = replace(mine, waba_id="771")
    sample = replace(mine, waba_id="0", phone_number_id="123456123")
    alert = {"field": "account_alerts", "value": {"entity_type": "BUSINESS", "alert_info": {}}}
    await take_in(
        database,
        Letters(coming).message("early"),
        Letters(other_waba).message(),
        Letters(sample).message(),
        envelope({"id": "7715550002", "changes": [alert]}),
        envelope({"id": mine.waba_id, "changes": [alert]}),
    )
    assert await outcomes(database) == {"applied": 1, "quarantined": 4}
    kept = await rows(database, "SELECT * FROM webhook_items ORDER BY webhook_event_id")
    assert [item.reason for item in kept] == [
        "No number with this phone_number_id is connected.",
        "The number with this phone_number_id is connected with another WABA id.",
        "Meta's own sample, sent by the Test button of the app dashboard: it is of no number.",
        "No number of this WABA is connected.",
    ]
    assert await rows(database, MESSAGES) == []
    assert not await reprocess(database, outcome=Outcome.QUARANTINED)

    await connected_number(database, digits="15550002")
    assert await reprocess(database, outcome=Outcome.QUARANTINED) == {Outcome.APPLIED: 2}
    assert await outcomes(database) == {"applied": 3, "quarantined": 2}
    (message,) = await rows(database, MESSAGES)
    assert message.content == {"text": {"body": "early"}}
    (conversation,) = await rows(database, CONVERSATIONS)
    assert conversation.due_at is not None
    assert len(await rows(database, "SELECT * FROM webhook_items")) == 2


async def test_one_poisoned_item_is_parked_alone_and_applied_once_it_can_be(database: Database) -> None:
    letters = Letters(await connected_number(database))
    await change(database, "ALTER TABLE messages ADD CONSTRAINT poison CHECK (content #>> '{text,body}' <> 'poison')")
    said = [letters.said("one"), letters.said("poison"), letters.said("three")]
    await take_in(database, letters.message("before"), letters.body(letters.change(*said)), letters.message("after"))
    assert await outcomes(database) == {"applied": 4, "parked": 1}
    (item,) = await rows(database, "SELECT * FROM webhook_items")
    (report,) = await rows(database, "SELECT * FROM error_reports")
    assert (item.place, item.kind, item.outcome) == (1, "messages.text", "parked")
    assert str(report.id) in item.reason
    assert item.organization_id == letters.number.organization_id
    assert not any("poison" in line for line in report.trace)

    await change(database, "ALTER TABLE messages DROP CONSTRAINT poison")
    assert await reprocess(database, outcome=Outcome.PARKED) == {Outcome.APPLIED: 1}
    assert await outcomes(database) == {"applied": 5}
    (owned,) = await rows(
        database,
        "SELECT applied, parked FROM webhook_event_organizations WHERE webhook_event_id = :id",
        id=item.webhook_event_id,
    )
    assert tuple(owned) == (3, 0)


async def test_a_body_that_cannot_be_read_is_parked_and_what_follows_is_applied(database: Database) -> None:
    letters = Letters(await connected_number(database))
    await take_in(database, b"\xff\xfe not json", letters.message())
    assert await outcomes(database) == {"applied": 1, "parked": 1}
    (item,) = await rows(database, "SELECT * FROM webhook_items")
    assert item.reason == "the body is no JSON"


async def test_nothing_is_done_and_nothing_parked_while_the_schema_is_not_ours(database: Database) -> None:
    letters = Letters(await connected_number(database))
    await arrive(database, letters.message())
    await change(database, "ALTER TABLE messages RENAME COLUMN content TO contents")
    with pytest.raises(ProgrammingError):
        await process(database, limit=10)
    await change(database, "ALTER TABLE messages RENAME COLUMN contents TO content")
    assert (await process(database, limit=10)).events == 1
    assert await outcomes(database) == {"applied": 1}
