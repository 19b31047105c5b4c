"""Onboardings as rows: how one begins, what is answered to it, and by whom."""

import asyncio
from datetime import timedelta
from typing import Any

import pytest

from store.audit import By
from store.errors import InvalidRequestError, NotFoundError, NotWaitedForError, NumberTakenError
from store.ids import new_id
from store.onboarding_answers import ask_cancel, decline_proof, give_pin, retry
from store.onboardings import Hints, OnboardingRunningError
from store.paging import PageRequest
from store.reading.onboardings import list_onboardings, read_onboarding
from tests.rows import rows
from tests.store.conftest import Tenants
from tests.store.connecting import by_hand, started, waits


async def test_an_onboarding_begins_due_with_its_code_sealed_and_nine_steps(tenants: Tenants) -> None:
    owner = await tenants.organization()
    onboarding_id = await started(tenants, owner, hints=Hints("FINISH", "1001"))
    (row,) = await rows(tenants.database, "SELECT * FROM onboardings")
    assert b"AQcode" not in row.code_sealed
    assert row.due_at is not None
    shown = await read_onboarding(tenants.database, owner, onboarding_id)
    assert [step.state for step in shown.steps] == ["pending"] * 9
    assert "AQcode" not in repr(shown)
    assert (shown.state, shown.step, row.hints) == ("running", "exchange", {"event": "FINISH", "waba_id": "1001"})


async def test_an_onboarding_needs_a_code_and_an_agent_flow_of_its_own(tenants: Tenants) -> None:
    owner = await tenants.organization()
    for code in (None, "", "x" * 5000):
        with pytest.raises(InvalidRequestError):
            await started(tenants, owner, code=code)
    foreign = await tenants.agent_flow(await tenants.organization())
    with pytest.raises(NotFoundError):
        await started(tenants, owner, agent_flow_id=foreign)
    number = await tenants.number(await tenants.organization())
    with pytest.raises(NotFoundError):
        await started(tenants, owner, reconnects_id=number)


async def test_another_organization_neither_sees_nor_moves_an_onboarding(tenants: Tenants) -> None:
    owner, stranger = await tenants.organization(), await tenants.organization()
    onboarding_id = await started(tenants, owner)
    await waits(tenants, onboarding_id, "pin")
    names: dict[str, Any] = {"organization_id": stranger, "onboarding_id": onboarding_id}
    with pytest.raises(NotFoundError):
        await read_onboarding(tenants.database, stranger, onboarding_id)
    with pytest.raises(NotFoundError):
        await give_pin(tenants.database, tenants.ring, pin="123456", **names)
    with pytest.raises(NotFoundError):
        await ask_cancel(tenants.database, **names)
    assert (await list_onboardings(tenants.database, stranger, PageRequest())).items == []
    assert (await read_onboarding(tenants.database, owner, onboarding_id)).waiting_for == "pin"


async def test_an_answer_is_taken_once_makes_the_row_due_and_is_in_the_audit_log(tenants: Tenants) -> None:
    owner = await tenants.organization()
    onboarding_id = await started(tenants, owner)
    names: dict[str, Any] = {"organization_id": owner, "onboarding_id": onboarding_id}
    key_id = new_id()
    await waits(tenants, onboarding_id, "pin")
    gives = [give_pin(tenants.database, tenants.ring, pin="123456", actor=By("key", key_id), **names) for _ in range(5)]
    outcomes = await asyncio.gather(*gives, return_exceptions=True)
    assert [outcome for outcome in outcomes if outcome is None] == [None]
    assert sum(isinstance(outcome, NotWaitedForError) for outcome in outcomes) == 4
    (row,) = await rows(tenants.database, "SELECT * FROM onboardings")
    assert (row.waiting_for, row.waiting_since) == (None, None)
    assert row.due_at is not None
    assert row.waited > timedelta(0)
    assert b"123456" not in row.pin_sealed
    (noted,) = await rows(tenants.database, "SELECT * FROM audit_log WHERE action = 'onboarding.pin_given'")
    assert (noted.actor, noted.actor_id, noted.subject_id, noted.detail) == ("key", key_id, onboarding_id, None)


@pytest.mark.parametrize("waiting_for", [None, "number", "pin", "retry", "proof"])
async def test_only_what_is_waited_for_is_taken(tenants: Tenants, waiting_for: str | None) -> None:
    owner = await tenants.organization()
    names: dict[str, Any] = {"organization_id": owner, "onboarding_id": await started(tenants, owner)}
    for what, act in {"retry": retry, "proof": decline_proof}.items():
        await waits(tenants, names["onboarding_id"], waiting_for)
        if what == waiting_for:
            await act(tenants.database, **names)
            continue
        with pytest.raises(NotWaitedForError):
            await act(tenants.database, **names)


async def test_what_is_being_cancelled_takes_no_answer_any_more(tenants: Tenants) -> None:
    owner = await tenants.organization()
    names: dict[str, Any] = {"organization_id": owner, "onboarding_id": await started(tenants, owner)}
    await waits(tenants, names["onboarding_id"], "retry")
    await ask_cancel(tenants.database, **names)
    await ask_cancel(tenants.database, **names)
    with pytest.raises(NotWaitedForError, match="cancelled"):
        await retry(tenants.database, **names)


async def test_by_hand_a_held_number_and_one_being_connected_are_refused(tenants: Tenants) -> None:
    owner, stranger = await tenants.organization(), await tenants.organization()
    await tenants.number(stranger, phone_number_id="41")
    with pytest.raises(NumberTakenError):
        await by_hand(tenants, owner, "41")
    first = await by_hand(tenants, owner, "42", verify_token="chosen")
    with pytest.raises(OnboardingRunningError):
        await by_hand(tenants, stranger, "42")
    shown = await read_onboarding(tenants.database, owner, first)
    assert (shown.step, [step.state for step in shown.steps][:4]) == ("connect", ["skipped"] * 3 + ["pending"])
    assert "EAAhanded" not in repr(shown)


async def test_onboardings_are_listed_page_by_page_and_by_state(tenants: Tenants) -> None:
    owner = await tenants.organization()
    ids = [await started(tenants, owner) for _ in range(3)]
    first = await list_onboardings(tenants.database, owner, PageRequest(limit=2))
    rest = await list_onboardings(tenants.database, owner, PageRequest(first.next_cursor, limit=2))
    assert [found.id for found in first.items + rest.items] == ids[::-1]
    assert all(len(found.steps) == 9 for found in first.items)
    assert (await list_onboardings(tenants.database, owner, PageRequest(), state="live")).items == []
