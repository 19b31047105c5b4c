"""From the number to live: connect, subscribe, check, activate, prove."""

from datetime import UTC, datetime, timedelta
from typing import Any, cast
from uuid import UUID

import pytest
from sqlalchemy import text
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from store.disconnecting import delete_integration
from store.errors import MetaUnavailableError, SealingError, UnavailableError
from store.integrations import set_state, verify_token_matches
from store.onboarding_answers import decline_proof, retry
from store.onboardings import HandedToken, NumberIds, start_by_hand
from tests.activities.signup import DiedError, Signup
from tests.rows import KEYED_HASH, RING, Number, change, conversation, queued, received, row
from tests.simulator.stage import served
from whatsapp.accounts import Accounts, Done


async def rows(signup: Signup, statement: str, **values: Any) -> list[Any]:
    async with signup.database.transaction() as connection:
        return list((await connection.execute(text(statement), values)).all())


async def number_of(signup: Signup) -> Number:
    """Its integration, as other tests' rows want it."""
    integration = await signup.integration()
    return Number(
        signup.organization_id,
        signup.agent_flow_id,
        integration.id,
        integration.waba_id,
        integration.phone_number_id,
        integration.phone_number,
        "",
    )


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
    types = [event.type for event in await rows(signup, "SELECT type FROM events ORDER BY id")]
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
    assert len(await rows(signup, "SELECT id FROM integrations")) == 1


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


async def test_a_subscription_that_is_there_is_left_alone_and_not_called_ours(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.meta.add_waba(number.waba_id, subscribed=True)
    await signup.go(to="subscribe")
    assert await signup.meta.count("subscribe") == 0
    assert (await signup.row()).subscribed_by_us is False
    await signup.end()
    assert await signup.meta.count("unsubscribe") == 0


async def test_a_worker_that_dies_after_subscribing_has_subscribed_once_and_knows_that_it_did(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="connect")
    with pytest.raises(DiedError):
        await signup.dying_after("subscribe").take("subscribe")
    assert (await signup.take("subscribe")).state == "done"
    assert await signup.meta.count("subscribe") == 1
    await signup.end()
    assert await signup.meta.count("unsubscribe") == 1


@pytest.mark.parametrize("fault", ["drop", "cut", "server_error"])
async def test_a_subscription_whose_answer_was_lost_is_found_and_not_made_twice(signup: Signup, fault: str) -> None:
    await signup.prepared()
    await signup.go(to="connect")
    await signup.meta.add_fault(fault, call="subscribe", count=1)
    with pytest.raises(MetaUnavailableError):
        await signup.take("subscribe")
    told = await signup.step("subscribe")
    assert (told.state, told.attempts) == ("running", 1)
    assert told.says
    assert (await signup.take("subscribe")).state == "done"
    assert await signup.meta.count("subscribe") == 1


class Forgetful:
    """Meta's side when it says that it has done something and has not."""

    def __init__(self, accounts: Accounts, call: str) -> None:
        self._accounts = accounts
        self._call = call

    def __getattr__(self, name: str) -> Any:
        async def done(*_: Any, **__: Any) -> Done:
            return Done()

        return done if name == self._call else getattr(self._accounts, name)


@pytest.mark.parametrize(("call", "url"), [("subscribe", ""), ("set_number_callback", "https://own.example/hook")])
async def test_what_meta_says_it_has_done_is_read_back_before_it_is_believed(
    signup: Signup, call: str, url: str
) -> None:
    await signup.prepared()
    await signup.go(to="connect")
    forgetful = signup.with_desk(accounts=cast("Accounts", Forgetful(signup.desk.accounts, call)))
    with pytest.raises(MetaUnavailableError, match="does not show it yet"):
        await forgetful.with_rules(callback_override_url=url).take("subscribe")
    assert (await signup.step("subscribe")).state == "running"


async def test_a_token_that_dies_between_steps_ends_the_onboarding_in_words(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="connect")
    await signup.meta.change_tokens(waba_id=number.waba_id, revoked=458)
    outcome = await signup.take("subscribe")
    assert (outcome.state, outcome.code) == ("failed", "token_invalid")
    await signup.end("failed", outcome.code, outcome.says)
    shown = await signup.shown()
    assert shown.error is not None
    assert (shown.state, shown.error.code) == ("failed", "token_invalid")
    assert "Start again" in shown.error.next_step


async def test_a_permission_that_is_gone_waits_for_its_repair(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="connect")
    await signup.meta.add_fault("refuse", call="subscribed_apps", code=200, http_status=403, count=1)
    outcome = await signup.take("subscribe")
    assert (outcome.state, outcome.waiting_for) == ("waiting", "retry")
    assert (await signup.step("subscribe")).meta_code == 200
    await retry(signup.database, **signup.names)
    assert (await signup.take("subscribe")).state == "done"


async def test_a_subscription_that_meta_refused_is_not_called_ours(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go(to="connect")
    await signup.meta.add_fault("refuse", call="subscribe", code=200, http_status=403, count=1)
    outcome = await signup.take("subscribe")
    assert (outcome.state, outcome.waiting_for) == ("waiting", "retry")
    await signup.meta.add_waba(number.waba_id, subscribed=True)  # by somebody else, meanwhile
    await signup.end()
    assert await signup.meta.count("unsubscribe") == 0


async def test_the_numbers_own_address_is_set_after_the_bare_subscription_and_read_back(signup: Signup) -> None:
    async def challenge(request: Request) -> Response:
        if not await verify_token_matches(signup.database, KEYED_HASH, request.query_params["hub.verify_token"]):
            return Response(status_code=403)
        return PlainTextResponse(request.query_params["hub.challenge"])

    number = await signup.prepared()
    async with served(Starlette(routes=[Route("/hook", challenge)])) as url:
        house = signup.with_rules(callback_override_url=f"{url}/hook")
        assert (await house.go(to="subscribe")).state == "done"
        assert (await signup.meta.number(number.phone_number_id))["override_callback_uri"] == f"{url}/hook"
        assert (await signup.integration()).callback_url == f"{url}/hook"
        await change(signup.database, "UPDATE onboarding_steps SET state = 'running' WHERE step = 'subscribe'")
        assert (await house.take("subscribe")).state == "done"
        assert await signup.meta.count("change_number") == 1


async def test_an_address_that_meta_cannot_verify_waits_for_its_repair(signup: Signup) -> None:
    await signup.prepared()
    async with served(Starlette(routes=[])) as url:
        house = signup.with_rules(callback_override_url=f"{url}/hook")
        outcome = await house.go(to="subscribe")
    assert (outcome.state, outcome.waiting_for) == ("waiting", "retry")
    assert f"{url}/hook" in ((await signup.step("subscribe")).next_step or "")


async def test_what_blocks_sending_is_named_and_the_number_goes_live_all_the_same(signup: Signup) -> None:
    number = await signup.prepared(name_status="DECLINED")
    error = {"error_code": 141006, "error_description": "There is an error with the payment method."}
    await signup.meta.add_waba(number.waba_id, health={"can_send_message": "BLOCKED", "errors": [error]})
    assert (await signup.go()).step == "prove"
    shown = await signup.shown()
    assert shown.state == "live"
    assert {(one.code, one.severity) for one in shown.blockers} == {("payment", "error"), ("display_name", "error")}
    assert all(one.next_step for one in shown.blockers)


async def test_the_facts_of_the_number_are_kept(signup: Signup) -> None:
    await signup.prepared(quality_rating="GREEN", verified_name="Bakery")
    await signup.go(to="check")
    integration = await signup.integration()
    assert (integration.number_status, integration.quality, integration.verified_name) == (
        "CONNECTED",
        "GREEN",
        "Bakery",
    )
    assert integration.checked_at is not None


async def test_what_came_in_while_it_was_connected_is_looked_at_once_it_is_live(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="check")
    number = await number_of(signup)
    conversation_id = await conversation(signup.database, number)
    await received(signup.database, number, conversation_id)
    assert (await row(signup.database, "conversations", conversation_id)).due_at is None
    await signup.take("activate")
    assert (await row(signup.database, "conversations", conversation_id)).due_at is not None


async def test_a_schedule_that_temporal_does_not_take_is_tried_again(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="check")
    signup.schedules.is_away = True
    with pytest.raises(UnavailableError):
        await signup.take("activate")
    assert (await signup.shown()).state == "running"
    signup.schedules.is_away = False
    assert (await signup.take("activate")).state == "done"
    assert (await signup.shown()).state == "live"
    events = await rows(signup, "SELECT type FROM events WHERE type LIKE '%.live'")
    assert sorted(event.type for event in events) == ["integration.live", "onboarding.live"]


async def test_a_first_message_proves_the_number_and_ends_the_onboarding(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    number = await number_of(signup)
    message_id = await received(signup.database, number, await conversation(signup.database, number))
    assert (await signup.take("prove")).state == "done"
    shown = await signup.shown()
    assert (shown.proof.kind, shown.proof.wamid) == ("inbound", f"wamid.in.{message_id}")
    assert (shown.state, shown.waiting_for) == ("live", None)
    assert shown.ended_at is not None
    assert (await signup.standing()).left == []


async def test_a_message_from_before_the_activation_proves_nothing(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="check")
    number = await number_of(signup)
    await received(signup.database, number, await conversation(signup.database, number))
    assert (await signup.go()).state == "waiting"


async def test_a_template_proves_the_number_once_it_is_delivered(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    number = await number_of(signup)
    conversation_id = await conversation(signup.database, number)
    message_id = await queued(signup.database, number, conversation_id, type="template", delivery="sent")
    assert (await signup.take("prove")).state == "waiting"
    await change(signup.database, "UPDATE messages SET delivery = 'delivered' WHERE id = :id", id=message_id)
    assert (await signup.take("prove")).state == "done"
    assert (await signup.shown()).proof.kind == "template"


async def test_a_declined_proof_and_one_nobody_gives_leave_the_number_live(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    await decline_proof(signup.database, **signup.names)
    assert (await signup.take("prove")).state == "done"
    assert ((await signup.shown()).state, (await signup.shown()).proof.kind) == ("live", "declined")
    await signup.prepared()
    await signup.go()
    assert (await signup.take("prove", gives_up=True)).state == "done"
    assert ((await signup.shown()).state, (await signup.shown()).proof.kind) == ("live", None)
    assert (await signup.integration()).state == "live"


async def test_the_rows_know_that_a_proof_was_waited_for_long_enough_whichever_run_asks(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    waited = (
        "UPDATE onboardings SET waited = interval '3 days', waiting_since = clock_timestamp() - CAST(:d AS interval)"
    )
    await change(signup.database, waited, d=timedelta(days=3.9))
    assert (await signup.take("prove")).state == "waiting"
    await change(signup.database, waited, d=timedelta(days=4))
    assert (await signup.take("prove")).state == "done"
    assert (await signup.shown()).state == "live"


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


async def reconnect(signup: Signup, number: Any) -> UUID:
    """Another onboarding for the number of the first; the integration of the first."""
    known: UUID = (await signup.integration()).id
    await signup.start(number)
    return known


async def test_a_reconnect_replaces_the_token_keeps_conversations_and_releases_what_was_held(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go()
    before = await number_of(signup)
    conversation_id = await conversation(signup.database, before)
    await queued(signup.database, before, conversation_id)
    owner = {"organization_id": signup.organization_id, "integration_id": before.integration_id}
    await set_state(signup.database, state="held", reason="token", **owner)
    known = await reconnect(signup, number)
    old = (await row(signup.database, "integrations", known)).access_token_sealed
    await signup.go(to="check")
    integration = await signup.integration()
    assert integration.id == known
    assert (integration.state, integration.state_reason) == ("held", "token")
    assert integration.access_token_sealed != old
    await signup.take("activate")
    assert (await signup.integration()).state == "live"
    assert (await row(signup.database, "conversations", conversation_id)).due_at is not None
    assert await signup.meta.count("register") == 1


async def test_a_number_that_lost_its_registration_is_registered_by_a_reconnect_and_checked_at_once(
    signup: Signup,
) -> None:
    number = await signup.prepared()
    await signup.go()
    owner = {"organization_id": signup.organization_id, "integration_id": (await signup.integration()).id}
    await set_state(signup.database, state="stopped", reason="stopped", **owner)  # as sending does after a 133010
    lost = {"platform_type": "NOT_APPLICABLE", "throughput_level": "NOT_APPLICABLE"}
    await signup.meta.set_number(number.phone_number_id, registered=False, status="DISCONNECTED", **lost)
    assert signup.schedules.triggered == []
    known = await reconnect(signup, number)
    assert (await signup.go()).step == "prove"
    assert await signup.meta.count("register") == 2
    assert (await signup.meta.number(number.phone_number_id))["status"] == "CONNECTED"
    assert (await signup.integration()).state == "stopped", "what Meta has stopped, only a check releases"
    assert signup.schedules.triggered == [str(known)]


async def test_a_reconnect_of_another_number_than_the_sign_in_gives_is_refused(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    known = (await signup.integration()).id
    other = await signup.meta.prepare_number()
    await signup.start(other, reconnects_id=known)
    assert (await signup.go(to="find")).code == "other_number"


async def test_a_number_whose_holder_has_a_dead_token_is_taken_over(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go()
    before = await number_of(signup)
    message_id = await queued(signup.database, before, await conversation(signup.database, before))
    owner = {"organization_id": signup.organization_id, "integration_id": before.integration_id}
    await set_state(signup.database, state="held", reason="token", **owner)
    other = await signup.of_another()
    await other.start(number)
    assert (await other.go()).step == "prove"
    assert (await other.integration()).state == "live"
    lost = await row(signup.database, "integrations", before.integration_id)
    assert (lost.state, lost.access_token_sealed, lost.verify_token_hash) == ("disconnected", None, None)
    message = await row(signup.database, "messages", message_id)
    assert message.state == "cancelled"
    assert "token" in message.reason


async def test_a_number_that_is_disconnected_while_its_proof_is_awaited_has_nothing_left_to_prove(
    signup: Signup,
) -> None:
    await signup.prepared()
    await signup.go()
    integration = await signup.integration()
    secrets = ("access_token_sealed", "access_token_last4", "verify_token_sealed", "verify_token_hash", "pin_sealed")
    assert None not in [getattr(integration, name) for name in secrets]
    gone = await delete_integration(
        signup.database, RING, organization_id=signup.organization_id, integration_id=integration.id
    )
    assert gone.waba_used is False
    wiped = await signup.integration()
    assert [name for name in secrets if getattr(wiped, name) is not None] == []
    assert (await signup.row()).due_at <= datetime.now(UTC)
    assert (await signup.take("prove")).state == "skipped"
    assert (await signup.shown()).ended_at is not None


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
