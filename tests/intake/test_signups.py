"""Finished signups whose code never came, and what proves a number live."""

from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import event, insert

from intake.reprocess import reprocess
from store.engine import Database
from store.ids import new_id
from store.tables import onboardings
from store.webhook_events import Outcome
from tests.intake.letters import Letters, envelope, outcomes, take_in
from tests.rows import Number, change, connected_number, rows
from tests.rows import row as read

WABA, BUSINESS = "5511", "5522"


def finished(waba_id: str = WABA, business_id: str = BUSINESS) -> bytes:
    value = {
        "event": "PARTNER_APP_INSTALLED",
        "waba_info": {"waba_id": waba_id, "owner_business_id": business_id, "partner_app_id": "1"},
    }
    entry = {"id": "2949482758682047", "time": int(datetime.now(UTC).timestamp())}
    return envelope(entry | {"changes": [{"field": "account_update", "value": value}]})


async def onboarding(database: Database, number: Number, **columns: Any) -> UUID:
    onboarding_id = new_id()
    owner = {"organization_id": number.organization_id, "agent_flow_id": number.agent_flow_id}
    ended = {"ended_at": datetime.now(UTC)} if columns.get("state") == "failed" else {}
    async with database.transaction() as connection:
        await connection.execute(insert(onboardings).values(id=onboarding_id, way="popup", **owner, **ended, **columns))
    return onboarding_id


async def recovered(database: Database) -> list[Any]:
    return await rows(database, "SELECT * FROM onboardings WHERE way = 'recovery'")


async def reasons(database: Database) -> list[str]:
    return [one.reason for one in await rows(database, "SELECT reason FROM webhook_items")]


@pytest.mark.parametrize(
    ("code", "hints"),
    [
        ("code_lost", {"waba_id": WABA}),
        ("code_expired", {"waba_id": WABA, "business_id": "other"}),
        ("code_used", {"business_id": BUSINESS}),
    ],
)
async def test_a_signup_whose_code_was_lost_waits_for_a_new_one(
    database: Database, code: str, hints: dict[str, str]
) -> None:
    number = await connected_number(database)
    await onboarding(database, number, state="failed", error_code=code, hints=hints)
    await take_in(database, finished(), finished())
    (found,) = await recovered(database)
    assert (found.organization_id, found.agent_flow_id) == (number.organization_id, number.agent_flow_id)
    assert (found.state, found.step, found.waiting_for) == ("running", "exchange", "code")
    assert found.hints == {"waba_id": WABA, "business_id": BUSINESS}
    assert found.due_at is not None
    steps = await rows(
        database, "SELECT step, state, says FROM onboarding_steps WHERE onboarding_id = :id ORDER BY position",
        id=found.id,
    )  # fmt: skip
    assert [(one.step, one.state) for one in steps[:2]] == [("exchange", "waiting"), ("inspect", "pending")]
    assert len(steps) == 9
    assert "never reached us" in steps[0].says
    assert await outcomes(database) == {"applied": 2}
    (told,) = await rows(database, "SELECT * FROM events")
    assert (told.type, told.data["waiting_for"]) == ("onboarding.waiting", "code")
    (noted,) = await rows(database, "SELECT * FROM audit_log")
    assert (noted.actor, noted.action) == ("meta", "onboarding.started")


@pytest.mark.parametrize(
    "columns",
    [
        {"state": "failed", "error_code": "code_lost", "hints": {"waba_id": "other", "business_id": BUSINESS}},
        {"state": "failed", "error_code": "code_lost", "hints": {}},
        {"state": "failed", "error_code": "no_number", "hints": {"waba_id": WABA}},
        {"state": "running", "hints": {"waba_id": WABA}},
    ],
)
async def test_a_signup_that_cannot_be_attributed_stays_with_its_reason(
    database: Database, columns: dict[str, Any]
) -> None:
    await onboarding(database, await connected_number(database), **columns)
    await take_in(database, finished())
    assert await recovered(database) == []
    assert await outcomes(database) == {"quarantined": 1}
    (reason,) = await reasons(database)
    assert reason.startswith("No number of this WABA is connected")
    assert ("under way" in reason) is (columns["state"] == "running")


async def test_a_signup_told_while_its_onboarding_runs_is_recovered_once_that_has_lost_its_code(
    database: Database,
) -> None:
    number = await connected_number(database)
    running = await onboarding(database, number, hints={"waba_id": WABA})
    await take_in(database, finished())
    assert not await reprocess(database, outcome=Outcome.QUARANTINED)
    lost = "UPDATE onboardings SET state = 'failed', error_code = 'code_lost', ended_at = clock_timestamp()"
    await change(database, f"{lost} WHERE id = :id", id=running)
    assert await reprocess(database, outcome=Outcome.QUARANTINED) == {Outcome.APPLIED: 1}
    assert len(await recovered(database)) == 1
    assert not await reprocess(database, outcome=Outcome.QUARANTINED)


async def test_a_signup_of_a_connected_account_is_no_news(database: Database) -> None:
    number = await connected_number(database)
    await onboarding(database, number, state="failed", error_code="code_lost", hints={"waba_id": number.waba_id})
    await take_in(database, finished(number.waba_id))
    assert await outcomes(database) == {"applied": 1}
    assert await recovered(database) == []


async def proving(database: Database, number: Number, **columns: Any) -> UUID:
    return await onboarding(
        database, number, integration_id=number.integration_id, **{"state": "live", "step": "prove", **columns}
    )


async def is_due(database: Database, onboarding_id: UUID) -> bool:
    return (await read(database, "onboardings", onboarding_id)).due_at is not None


async def test_a_first_message_wakes_the_onboarding_that_waits_for_its_proof(database: Database) -> None:
    number, other = await connected_number(database), await connected_number(database, digits="15550002")
    waiting, others = await proving(database, number), await proving(database, other)
    body = Letters(number).message(wamid="wamid.first")
    await take_in(database, body)
    assert await is_due(database, waiting)
    assert not await is_due(database, others)
    await change(database, "UPDATE onboardings SET due_at = NULL")
    await take_in(database, body)
    assert not await is_due(database, waiting), "a repeated message proves nothing new"


async def test_a_message_that_comes_while_the_number_is_being_activated_wakes_the_onboarding_too(
    database: Database,
) -> None:
    number = await connected_number(database)
    waiting = await proving(database, number, step="activate", state="running")
    await take_in(database, Letters(number).message())
    assert await is_due(database, waiting), "it may look for a proof before this message is there for it"


async def test_a_delivered_message_wakes_it_too_and_a_sent_one_does_not(database: Database) -> None:
    number = await connected_number(database)
    waiting, letters = await proving(database, number), Letters(number)
    await take_in(database, letters.statuses(letters.status("wamid.x", "sent")))
    assert not await is_due(database, waiting)
    await take_in(database, letters.statuses(letters.status("wamid.x", "delivered")))
    assert await is_due(database, waiting)


@pytest.mark.parametrize("columns", [{"ended_at": datetime.now(UTC)}, {"step": "register", "state": "running"}])
async def test_an_onboarding_that_awaits_no_proof_is_not_woken(database: Database, columns: dict[str, Any]) -> None:
    number = await connected_number(database)
    waiting = await proving(database, number, **columns)
    await take_in(database, Letters(number).message())
    assert not await is_due(database, waiting)


async def test_where_no_proof_is_awaited_a_batch_costs_no_statement_for_it(database: Database) -> None:
    number, statements = await connected_number(database), []

    def note(*arguments: Any) -> None:
        statements.append(str(arguments[2]))

    letters = Letters(number)
    await take_in(database, letters.message())
    event.listen(database.engine.sync_engine, "before_cursor_execute", note)
    try:
        await take_in(database, letters.message())
        quiet = len(statements)
        assert not any("UPDATE onboardings" in statement for statement in statements)
        await proving(database, number)
        statements.clear()
        await take_in(database, letters.message())
        assert len(statements) == quiet + 1
    finally:
        event.remove(database.engine.sync_engine, "before_cursor_execute", note)
