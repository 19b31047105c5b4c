"""What Meta's webhooks say of templates, and what becomes of our rows."""

import itertools
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from store.engine import Database
from tests.intake.letters import Letters, ago, envelope, take_in
from tests.rows import Number, change, connected_number, conversation, events, queued, rows
from tests.rows import row as read
from tests.templates import at_meta, synced, template_row

STATUS = "message_template_status_update"
QUALITY = "message_template_quality_update"
CATEGORY = "template_category_update"
COMPONENTS = "message_template_components_update"


def told(
    number: Number, field: str, value: dict[str, Any], *, at: datetime | None = None, meta_id: str | None = None
) -> bytes:
    about = {
        "message_template_id": int(meta_id or at_meta().id),
        "message_template_name": "shipped",
        "message_template_language": "en-US",
    }
    entry = {"id": number.waba_id, "changes": [{"field": field, "value": about | value}]}
    return envelope(entry | {"time": int((at or datetime.now(UTC)).timestamp())})


async def known(database: Database, **template: Any) -> Number:
    """A number whose account's template was read an hour ago."""
    number = await connected_number(database)
    await synced(database, number, at_meta(**template), since=timedelta(hours=1))
    return number


async def is_asked(database: Database, number: Number) -> bool:
    return (await read(database, "integrations", number.integration_id)).check_due_at is not None


async def test_a_rejection_is_kept_with_its_reason_and_told(database: Database) -> None:
    number = await known(database, status="PENDING")
    rejection = {"reason": "Parameters stand side by side.", "recommendation": "Separate them."}
    value = {"event": "REJECTED", "reason": "INVALID_FORMAT", "rejection_info": rejection}
    await take_in(database, told(number, STATUS, value))

    template = await template_row(database)
    assert (template.status, template.says) == ("REJECTED", "Parameters stand side by side. Separate them.")
    ((kind, data),) = await events(database)
    assert kind == "template.status_changed"
    assert (data["status"], data["previous_status"], data["reason"]) == ("REJECTED", "PENDING", template.says)
    assert not await is_asked(database, number)


@pytest.mark.parametrize(
    ("event", "status"),
    [
        ("APPROVED", "APPROVED"),
        ("PAUSED", "PAUSED"),
        ("DISABLED", "DISABLED"),
        ("IN_APPEAL", "IN_APPEAL"),
        ("REINSTATED", "APPROVED"),
        ("PENDING_DELETION", "PENDING_DELETION"),
        ("ARCHIVED", "ARCHIVED"),
        ("DELETED", "DELETED"),
        ("FLAGGED", "REJECTED"),
    ],
)
async def test_each_event_gives_its_status(database: Database, event: str, status: str) -> None:
    number = await known(database, status="REJECTED")
    await take_in(database, told(number, STATUS, {"event": event, "reason": "NONE"}))
    template = await template_row(database)
    assert (template.status, template.says, template.deleted) == (status, None, event == "DELETED")
    assert not await is_asked(database, number)


async def test_a_word_of_tomorrow_changes_nothing_and_meta_is_asked(database: Database) -> None:
    number = await known(database)
    await take_in(database, told(number, STATUS, {"event": "MOTHBALLED", "reason": "NONE"}))
    assert (await template_row(database)).status == "APPROVED"
    assert await is_asked(database, number)


async def test_an_older_event_that_comes_late_changes_nothing(database: Database) -> None:
    number = await known(database)
    await take_in(database, told(number, STATUS, {"event": "PAUSED"}, at=ago(minutes=10)))
    await take_in(database, told(number, STATUS, {"event": "APPROVED"}, at=ago(minutes=20)))
    assert (await template_row(database)).status == "PAUSED"
    assert len(await events(database)) == 1


async def test_an_event_that_comes_again_is_told_once(database: Database) -> None:
    number = await known(database)
    paused = told(number, STATUS, {"event": "PAUSED"}, at=ago(minutes=10))
    await take_in(database, paused, paused)
    await take_in(database, paused)
    assert len(await events(database)) == 1
    assert not await is_asked(database, number)


async def test_an_event_from_before_the_last_reading_changes_nothing(database: Database) -> None:
    number = await connected_number(database)
    await synced(database, number, at_meta())
    await take_in(database, told(number, STATUS, {"event": "PAUSED"}, at=ago(minutes=10)))
    assert (await template_row(database)).status == "APPROVED"


async def test_an_event_since_a_reading_began_outlasts_it(database: Database) -> None:
    number = await known(database)
    await take_in(database, told(number, STATUS, {"event": "PAUSED"}))
    await synced(database, number, at_meta(status="APPROVED"))
    assert (await template_row(database)).status == "PAUSED"


async def test_of_two_events_of_the_same_second_meta_tells_which_is_true(database: Database) -> None:
    number = await known(database)
    at = ago(minutes=1)
    await take_in(database, told(number, STATUS, {"event": "PAUSED"}, at=at))
    await take_in(database, told(number, STATUS, {"event": "DISABLED"}, at=at))
    assert await is_asked(database, number)


async def test_any_order_of_a_templates_events_ends_alike(database: Database) -> None:
    number = await known(database, status="PENDING")
    life = ["APPROVED", "PAUSED", "APPROVED", "DISABLED"]
    bodies = [told(number, STATUS, {"event": event}, at=ago(minutes=30 - place)) for place, event in enumerate(life)]
    bodies.append(told(number, QUALITY, {"new_quality_score": "RED"}, at=ago(minutes=5)))
    bodies.append(told(number, QUALITY, {"new_quality_score": "GREEN"}, at=ago(minutes=6)))
    for place, order in enumerate(itertools.islice(itertools.permutations(bodies), 0, 720, 97)):
        await change(
            database,
            "UPDATE templates SET status = 'PENDING', quality = NULL, told_at = NULL, quality_told_at = NULL",
        )
        await take_in(database, *order) if place % 2 else [await take_in(database, body) for body in order]
        template = await template_row(database)
        assert (template.status, template.quality) == ("DISABLED", "RED")


async def test_quality_and_category_are_applied(database: Database) -> None:
    number = await known(database)
    await take_in(database, told(number, QUALITY, {"previous_quality_score": "GREEN", "new_quality_score": "YELLOW"}))
    await take_in(
        database,
        told(number, CATEGORY, {"new_category": "UTILITY", "correct_category": "MARKETING"}, at=ago(seconds=30)),
    )
    early = await template_row(database)
    assert (early.quality, early.category, early.correct_category) == ("YELLOW", "UTILITY", "MARKETING")
    await take_in(database, told(number, CATEGORY, {"previous_category": "UTILITY", "new_category": "MARKETING"}))
    moved = await template_row(database)
    assert (moved.category, moved.correct_category) == ("MARKETING", None)
    assert [kind for kind, _ in await events(database)] == ["template.category_changed"]


@pytest.mark.parametrize(
    ("field", "value"),
    [(COMPONENTS, {"message_template_element": "Hi"}), (STATUS, {"event": "APPROVED"}), (QUALITY, {})],
)
async def test_an_unknown_template_is_asked_for(database: Database, field: str, value: dict[str, Any]) -> None:
    number = await connected_number(database)
    value |= {"new_quality_score": "RED"} if field == QUALITY else {}
    await take_in(database, told(number, field, value))
    assert await is_asked(database, number)
    assert await rows(database, "SELECT * FROM templates") == []


async def test_edited_components_are_read_anew(database: Database) -> None:
    number = await known(database)
    await take_in(database, told(number, COMPONENTS, {"message_template_element": "Hi"}))
    assert await is_asked(database, number)


async def test_an_event_of_the_template_before_does_not_touch_the_one_that_was_made_anew(database: Database) -> None:
    number = await known(database)
    await take_in(database, told(number, STATUS, {"event": "DELETED"}, meta_id="77"))
    assert not (await template_row(database)).deleted
    assert await is_asked(database, number)


async def test_an_account_is_not_asked_for_more_often_than_once_a_minute(database: Database) -> None:
    number = await connected_number(database)
    await synced(database, number, at_meta())
    await take_in(database, told(number, STATUS, {"event": "APPROVED"}, meta_id="77"))
    due = (await read(database, "integrations", number.integration_id)).check_due_at
    assert timedelta(seconds=45) < due - datetime.now(UTC) <= timedelta(minutes=1)


async def test_every_organization_of_an_account_hears_of_it(database: Database) -> None:
    number = await known(database)
    other = await connected_number(database, digits="15550002")
    await change(database, "UPDATE wabas SET waba_id = :waba_id", waba_id=number.waba_id)
    await change(database, "UPDATE integrations SET waba_id = :waba_id", waba_id=number.waba_id)
    about = Number(other.organization_id, other.agent_flow_id, other.integration_id, number.waba_id, "", "", "")
    await synced(database, about, at_meta(), since=timedelta(hours=1))
    await take_in(database, told(number, STATUS, {"event": "PAUSED"}))
    assert [one.status for one in await rows(database, "SELECT status FROM templates")] == ["PAUSED", "PAUSED"]
    assert len(await events(database)) == 2


@pytest.mark.parametrize("code", [132015, 132001, 131026])
async def test_a_failed_message_whose_template_is_to_blame_has_the_templates_read(
    database: Database, code: int
) -> None:
    number = await known(database)
    conversation_id = await conversation(database, number)
    sent = await queued(
        database, number, conversation_id, type="template", state="accepted", attempt=1, wamid="wamid.out.1"
    )
    await change(
        database,
        "INSERT INTO message_attempts (message_id, attempt, organization_id, state, claimed_at, wamid) "
        "VALUES (:id, 1, :organization_id, 'accepted', now(), 'wamid.out.1')",
        id=sent,
        organization_id=number.organization_id,
    )
    letters = Letters(number)
    await take_in(database, letters.statuses(letters.status("wamid.out.1", "failed", code=code)))
    assert (await read(database, "messages", sent)).state == "failed"
    assert await is_asked(database, number) is (code != 131026)
