import asyncio
from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest
from sqlalchemy import text

from store import oauth_states
from store.audit import By
from store.disconnecting import delete_integration, is_waba_used
from store.errors import InvalidRequestError, NotFoundError, NotWaitedForError, NumberTakenError
from store.ids import new_id
from store.integrations import update_integration, verify_token_matches
from store.key_rotation import reseal
from store.oauth_states import StateExpiredError, StateOtherBrowserError, StateUnknownError, StateUsedError
from store.onboarding_answers import ask_cancel, decline_proof, give_pin, retry
from store.onboarding_changes import changes
from store.onboardings import HandedToken, Hints, NumberIds, OnboardingRunningError, start_by_hand, start_onboarding
from store.paging import PageRequest
from store.reading_integrations import list_integrations, read_integration
from store.reading_onboardings import list_onboardings, read_onboarding
from store.sealing import KeyRing, new_key
from tests.rows import change
from tests.store.conftest import Tenants


async def started(tenants: Tenants, owner: UUID, **options: Any) -> UUID:
    given: dict[str, Any] = {
        "way": "frontend",
        "code": "AQcode",
        "agent_flow_id": await tenants.agent_flow(owner),
    } | options
    return await start_onboarding(tenants.database, tenants.ring, organization_id=owner, **given)


async def by_hand(tenants: Tenants, owner: UUID, phone_number_id: str = "42", **options: Any) -> UUID:
    return await start_by_hand(
        tenants.database,
        tenants.ring,
        organization_id=owner,
        agent_flow_id=await tenants.agent_flow(owner),
        number=NumberIds("1001", phone_number_id, "+15550001111"),
        token=HandedToken("EAAhanded"),
        **options,
    )


async def waits(tenants: Tenants, onboarding_id: UUID, what: str | None) -> None:
    await change(
        tenants.database,
        "UPDATE onboardings SET waiting_for = :what, waiting_since = clock_timestamp(), due_at = NULL WHERE id = :id",
        what=what,
        id=onboarding_id,
    )


async def one(tenants: Tenants, statement: str) -> Any:
    async with tenants.database.transaction() as connection:
        return (await connection.execute(text(statement))).one()


async def test_an_onboarding_begins_due_with_its_code_sealed_and_nine_steps(tenants: Tenants) -> None:
    owner = await tenants.organization()
    onboarding_id = await started(tenants, owner, hints=Hints("FINISH", "1001"))
    row = await one(tenants, "SELECT * FROM onboardings")
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
    row = await one(tenants, "SELECT * FROM onboardings")
    assert (row.waiting_for, row.waiting_since) == (None, None)
    assert row.due_at is not None
    assert row.waited > timedelta(0)
    assert b"123456" not in row.pin_sealed
    noted = await one(tenants, "SELECT * FROM audit_log WHERE action = 'onboarding.pin_given'")
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


async def test_who_watches_hears_of_each_change_and_of_the_end(tenants: Tenants) -> None:
    owner = await tenants.organization()
    onboarding_id = await started(tenants, owner)
    watching = changes(tenants.database, onboarding_id)
    async with asyncio.timeout(10):
        first = await anext(watching)
        await waits(tenants, onboarding_id, "retry")
        begun = asyncio.get_running_loop().time()
        await retry(tenants.database, organization_id=owner, onboarding_id=onboarding_id)
        assert await anext(watching) > first
        assert asyncio.get_running_loop().time() - begun < 1.5
        await change(
            tenants.database,
            "UPDATE onboardings SET ended_at = clock_timestamp(), changed_at = clock_timestamp()",
        )
        await anext(watching)
        with pytest.raises(StopAsyncIteration):
            await anext(watching)


async def test_who_watches_goes_on_after_postgres_has_hung_up_on_everybody(tenants: Tenants) -> None:
    owner = await tenants.organization()
    onboarding_id = await started(tenants, owner)
    watching = changes(tenants.database, onboarding_id)
    async with asyncio.timeout(15):
        await anext(watching)
        await change(
            tenants.database,
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = current_database() "
            "AND pid <> pg_backend_pid()",
        )
        changed = asyncio.ensure_future(anext(watching))
        await asyncio.sleep(0.2)
        for _ in range(5):
            try:
                await ask_cancel(tenants.database, organization_id=owner, onboarding_id=onboarding_id)
                break
            except Exception:  # noqa: BLE001, S112 - the pool's connections are dead; each is found out once
                continue
        await changed
    await watching.aclose()


async def state_for(tenants: Tenants, owner: UUID, browser: str = "cookie") -> str:
    return await oauth_states.begin(
        tenants.database,
        tenants.keyed_hash,
        organization_id=owner,
        agent_flow_id=await tenants.agent_flow(owner),
        browser=browser,
        redirect_uri="https://holdfast.example/callback",
    )


async def used(tenants: Tenants, state: str, browser: str = "cookie", **options: Any) -> oauth_states.OAuthState:
    return await oauth_states.use(tenants.database, tenants.keyed_hash, state=state, browser=browser, **options)


async def test_a_state_works_once_even_when_it_comes_ten_times_at_once(tenants: Tenants) -> None:
    owner = await tenants.organization()
    state = await state_for(tenants, owner)
    # Connections that are still to be opened would come one after the other.
    await asyncio.gather(*(one(tenants, "SELECT pg_sleep(0.2)") for _ in range(10)))
    outcomes = await asyncio.gather(*(used(tenants, state) for _ in range(10)), return_exceptions=True)
    assert sum(isinstance(outcome, oauth_states.OAuthState) for outcome in outcomes) == 1
    assert sum(isinstance(outcome, StateUsedError) for outcome in outcomes) == 9
    row = await one(tenants, "SELECT * FROM oauth_states")
    assert state.encode() not in row.state_hash


async def test_each_wrong_state_is_refused_in_its_own_words(tenants: Tenants) -> None:
    owner, stranger = await tenants.organization(), await tenants.organization()
    state = await state_for(tenants, owner)
    with pytest.raises(StateUnknownError):
        await used(tenants, "made up")
    with pytest.raises(StateUnknownError):
        await used(tenants, state, organization_id=stranger)
    with pytest.raises(StateOtherBrowserError):
        await used(tenants, state, "another cookie")
    await change(tenants.database, "UPDATE oauth_states SET expires_at = clock_timestamp()")
    with pytest.raises(StateExpiredError):
        await used(tenants, state)
    await change(tenants.database, "UPDATE oauth_states SET expires_at = clock_timestamp() + interval '1 minute'")
    assert (await used(tenants, state, organization_id=owner)).organization_id == owner


async def test_a_changed_integration_knows_its_new_verify_token_and_shows_four_characters_of_its_token(
    tenants: Tenants,
) -> None:
    owner = await tenants.organization()
    number = await tenants.number(owner, access_token="EAAsecret1234", verify_token="old")
    flow = await tenants.agent_flow(owner)
    await update_integration(
        tenants.database,
        tenants.ring,
        tenants.keyed_hash,
        organization_id=owner,
        integration_id=number,
        enabled=False,
        agent_flow_id=flow,
        verify_token="new",
        unknown_policy="resend",
    )
    shown = await read_integration(tenants.database, owner, number)
    assert (shown.enabled, shown.agent_flow_id, shown.unknown_policy) == (False, flow, "resend")
    assert shown.token is not None
    assert shown.token.last4 == "1234"
    assert "secret" not in repr(shown)
    await update_integration(
        tenants.database, tenants.ring, tenants.keyed_hash, organization_id=owner, integration_id=number, enabled=True
    )
    assert await verify_token_matches(tenants.database, tenants.keyed_hash, "new")
    assert not await verify_token_matches(tenants.database, tenants.keyed_hash, "old")
    foreign = await tenants.agent_flow(await tenants.organization())
    with pytest.raises(NotFoundError):
        await update_integration(
            tenants.database,
            tenants.ring,
            tenants.keyed_hash,
            organization_id=owner,
            integration_id=number,
            agent_flow_id=foreign,
        )


async def test_a_deleted_number_leaves_its_record_no_secret_and_is_free_for_another_organization(
    tenants: Tenants,
) -> None:
    owner, florist = await tenants.organization(), await tenants.organization()
    number = await tenants.number(owner, phone_number_id="42")
    other = await tenants.number(owner, phone_number_id="43")
    gone = await delete_integration(tenants.database, tenants.ring, organization_id=owner, integration_id=number)
    assert gone.waba_used
    shown = await list_integrations(tenants.database, owner, PageRequest())
    assert [one.id for one in shown.items] == [other]
    shown = await list_integrations(tenants.database, owner, PageRequest(), disconnected=True)
    assert [(one.state, one.token) for one in shown.items if one.id == number] == [("disconnected", None)]
    row = await one(tenants, "SELECT * FROM integrations WHERE phone_number_id = '42'")
    assert [row.access_token_sealed, row.verify_token_sealed, row.verify_token_hash, row.pin_sealed] == [None] * 4
    assert await tenants.number(florist, phone_number_id="42")
    await delete_integration(tenants.database, tenants.ring, organization_id=owner, integration_id=number)
    with pytest.raises(NotFoundError):
        await delete_integration(tenants.database, tenants.ring, organization_id=florist, integration_id=other)
    assert await is_waba_used(tenants.database, "1001", besides=other)


async def test_the_secrets_of_onboardings_move_to_the_rings_new_key(tenants: Tenants) -> None:
    owner = await tenants.organization()
    onboarding_id = await by_hand(tenants, owner, verify_token="chosen")
    old = tenants.ring
    both = KeyRing.parse([f"new:{new_key()}"])
    both = KeyRing(both.sealing_key_id, {**both.keys, **old.keys})
    assert await reseal(tenants.database, both) == 2
    row = await one(tenants, "SELECT * FROM onboardings")
    alone = KeyRing(both.sealing_key_id, {both.sealing_key_id: both.keys[both.sealing_key_id]})
    assert alone.open(row.token_sealed, table="onboardings", column="token_sealed", row=onboarding_id) == "EAAhanded"
