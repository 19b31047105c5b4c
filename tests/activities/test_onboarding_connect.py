"""From the found number to its integration, and the whole way: every step once, known from the rows alone."""

from datetime import UTC, datetime

import pytest

from store.errors import SealingError
from store.integrations import verify_token_matches
from store.onboardings import HandedToken, NumberIds, start_by_hand
from tests.activities.signup import Signup
from tests.rows import KEYED_HASH, RING, change, rows


async def test_a_code_becomes_a_live_number(signup: Signup) -> None:
    number = await signup.prepared()
    outcome = await signup.go()
    assert (outcome.step, outcome.waiting_for) == ("prove", "proof")
    shown, integration = await signup.shown(), await signup.integration()
    assert (shown.state, integration.state, integration.enabled) == ("live", "live", True)
    assert [step.state for step in shown.steps] == ["done"] * 8 + ["waiting"]
    assert shown.proof.link == f"https://wa.me/{number.display_phone_number}"
    assert signup.schedules.ensured == [(str(integration.id), signup.desk.rules.check_every)]
    assert (await signup.meta.number(number.phone_number_id))["status"] == "CONNECTED"
    assert [await signup.meta.count(call) for call in ("exchange", "subscribe", "register")] == [1, 1, 1]
    types = [event.type for event in await rows(signup.database, "SELECT type FROM events ORDER BY id")]
    assert types == ["integration.live", "onboarding.live", "onboarding.waiting"]


async def test_once_connected_the_secrets_are_the_integrations_alone(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="connect")
    onboarding, integration = await signup.row(), await signup.integration()
    assert (onboarding.token_sealed, onboarding.code_sealed, integration.state) == (None, None, "connecting")
    opened = RING.open(
        integration.access_token_sealed, table="integrations", column="access_token_sealed", row=integration.id
    )
    assert integration.access_token_last4 == opened[-4:]
    place = {"table": "integrations", "column": "verify_token_sealed", "row": integration.id}
    verify_token = RING.open(integration.verify_token_sealed, **place)
    assert await verify_token_matches(signup.database, KEYED_HASH, verify_token)


async def test_connected_twice_there_is_one_integration(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="connect")
    await change(signup.database, "UPDATE onboarding_steps SET state = 'running' WHERE step = 'connect'")
    assert (await signup.take("connect")).state == "done"
    assert len(await rows(signup.database, "SELECT id FROM integrations")) == 1


async def test_a_token_that_was_moved_to_another_number_does_not_open(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="connect")
    stolen = (await signup.integration()).access_token_sealed
    await signup.prepared()
    await signup.go(to="connect")
    await change(signup.database, "UPDATE integrations SET access_token_sealed = :token", token=stolen)
    with pytest.raises(SealingError):
        await signup.take("subscribe")
    assert await signup.meta.count("subscribe") == 0


async def test_a_token_by_hand_takes_the_same_way_from_the_connection_on(signup: Signup) -> None:
    number = await signup.meta.prepare_number()
    token = await signup.meta.issue_token(number.waba_id)
    ids = NumberIds(number.waba_id, number.phone_number_id, f"+{number.display_phone_number}", number.business_id)
    signup.onboarding_id = await start_by_hand(
        signup.database,
        RING,
        organization_id=signup.organization_id,
        agent_flow_id=signup.agent_flow_id,
        number=ids,
        token=HandedToken(token, scopes=("whatsapp_business_management", "whatsapp_business_messaging")),
        verify_token="chosen by a person",
        enabled=False,
    )
    assert (await signup.go()).step == "prove"
    shown, integration = await signup.shown(), await signup.integration()
    assert [step.state for step in shown.steps][:4] == ["skipped"] * 3 + ["done"]
    assert all(step.says for step in shown.steps[:3])
    assert (integration.state, integration.enabled) == ("live", False)
    assert await signup.meta.count("exchange") == 0
    assert integration.access_token_last4 == token[-4:]


async def test_a_step_that_is_done_is_not_done_again(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    before = len(await signup.meta.calls())
    for step in ("exchange", "inspect", "find", "connect", "subscribe", "register", "check", "activate"):
        assert (await signup.take(step)).state == "done"
    assert len(await signup.meta.calls()) == before


async def test_where_it_stands_is_read_from_the_rows_alone(signup: Signup) -> None:
    await signup.prepared(pin="123456")
    assert (await signup.standing()).left[0] == "exchange"
    await signup.go()
    await change(
        signup.database,
        "UPDATE onboardings SET waited = interval '1 day', waiting_since = clock_timestamp() - interval '2 days'",
    )
    standing = await signup.standing()
    assert (standing.state, standing.left) == ("running", ["register", "check", "activate", "prove"])
    assert standing.patience_left is not None
    assert 3.9 < standing.patience_left.total_seconds() / 86400 <= 4
    assert (await signup.row()).due_at > datetime.now(UTC)
