"""What a cancelled or failed onboarding takes back, and which secrets go with it."""

from dataclasses import asdict
from typing import Any

import pytest

from store.disconnecting import delete_integration
from store.errors import NotWaitedForError
from store.onboarding_answers import ask_cancel, give_pin
from store.onboardings import HandedToken, NumberIds, start_by_hand
from tests.activities.signup import Signup
from tests.rows import RING, value

SECRETS = ("code_sealed", "token_sealed", "verify_token_sealed", "pin_sealed")
INTEGRATION_SECRETS = ("access_token_sealed", "verify_token_hash", "verify_token_sealed", "pin_sealed")


async def test_a_cancelled_onboarding_takes_everything_back_newest_first(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go()
    await ask_cancel(signup.database, **signup.names)
    standing = await signup.standing()
    assert standing.cancelled
    ended = await signup.end()
    assert ended.state == "cancelled"
    assert ended.undone == ["prove", "activate", "register", "subscribe", "connect"]
    assert await signup.changes_at_meta() == ["subscribe", "register", "deregister", "unsubscribe"]
    onboarding, integration = await signup.row(), await signup.integration()
    assert [getattr(integration, name) for name in INTEGRATION_SECRETS] == [None] * 4
    assert (onboarding.state, integration.state) == ("cancelled", "disconnected")
    assert (onboarding.due_at, onboarding.waiting_for) == (None, None)
    assert (await signup.meta.number(number.phone_number_id))["registered"] is False
    with pytest.raises(NotWaitedForError):
        await ask_cancel(signup.database, **signup.names)


async def test_a_code_that_nobody_has_exchanged_is_wiped_with_the_end(signup: Signup) -> None:
    await signup.prepared()
    assert (await signup.row()).code_sealed is not None
    await signup.end()
    assert (await signup.row()).code_sealed is None


async def test_a_number_that_was_disconnected_before_its_activation_is_not_called_live(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="check")
    integration_id = (await signup.integration()).id
    owner = {"organization_id": signup.organization_id, "integration_id": integration_id}
    await delete_integration(signup.database, RING, **owner)
    outcome = await signup.take("activate")
    assert (outcome.state, outcome.code) == ("failed", "disconnected")
    assert ((await signup.integration()).state, signup.schedules.ensured) == ("disconnected", [])


@pytest.mark.parametrize("reached", ["exchange", "inspect", "find", "connect", "subscribe", "register", "check"])
async def test_wherever_it_is_cancelled_nothing_is_left_and_the_number_is_free(signup: Signup, reached: Any) -> None:
    number = await signup.prepared()
    await signup.go(to=reached)
    ended = await signup.end()
    assert ended.state == "cancelled"
    assert not await signup.is_subscribed(number.waba_id)
    assert (await signup.meta.number(number.phone_number_id))["registered"] is False
    onboarding = await signup.row()
    assert [getattr(onboarding, name) for name in SECRETS[:3]] == [None] * 3
    assert onboarding.ended_at is not None
    await signup.start(number)
    assert (await signup.go()).step == "prove"


async def test_what_was_entered_by_hand_is_wiped_when_it_ends_before_there_is_an_integration(signup: Signup) -> None:
    number = await signup.meta.prepare_number()
    ids = NumberIds(number.waba_id, number.phone_number_id, f"+{number.display_phone_number}", number.business_id)
    signup.onboarding_id = await start_by_hand(
        signup.database,
        RING,
        organization_id=signup.organization_id,
        agent_flow_id=signup.agent_flow_id,
        number=ids,
        token=HandedToken("a token", scopes=()),
        verify_token="chosen by a person",
    )
    before = await signup.row()
    assert None not in (before.token_sealed, before.verify_token_sealed)
    await signup.end()
    after = await signup.row()
    assert (after.state, after.token_sealed, after.verify_token_sealed) == ("cancelled", None, None)


async def test_a_persons_pin_is_wiped_with_the_end(signup: Signup) -> None:
    await signup.prepared(pin="246810")
    await signup.go(to="register")
    await give_pin(signup.database, RING, pin="246810", **signup.names)
    await signup.end()
    onboarding = await signup.row()
    assert [getattr(onboarding, name) for name in SECRETS] == [None] * 4


async def test_an_onboarding_that_nobody_answered_fails_with_words_and_tells_the_business(signup: Signup) -> None:
    await signup.prepared(pin="246810")
    await signup.go()
    await signup.end("failed", "gave_up_waiting", "Nobody answered in time: it waited for a PIN.")
    shown = await signup.shown()
    assert shown.error is not None
    assert (shown.state, shown.error.code) == ("failed", "gave_up_waiting")
    assert "PIN" in shown.error.detail
    assert shown.error.next_step
    assert shown.steps[5].state == "failed"
    told = await value(signup.database, "SELECT data FROM events WHERE type = 'onboarding.failed'")
    assert told == {"onboarding_id": str(shown.id), "state": "failed", **asdict(shown.error)}


async def test_a_number_that_is_deleted_while_it_is_connected_cancels_its_onboarding(signup: Signup) -> None:
    await signup.prepared()
    await signup.go(to="subscribe")
    integration = await signup.integration()
    await delete_integration(
        signup.database, RING, organization_id=signup.organization_id, integration_id=integration.id
    )
    assert (await signup.standing()).cancelled
    assert (await signup.take("register")).code == "disconnected"
    assert (await signup.end()).state == "cancelled"


async def test_secrets_are_in_no_sentence(signup: Signup) -> None:
    number = await signup.prepared(pin="246810")
    await signup.go()
    token = next(one["text"] for one in await signup.meta.tokens() if one["waba_ids"] == [number.waba_id])
    await signup.meta.add_fault("refuse", call="register", code=100, details=f"Bad {token} and 246810", count=1)
    await give_pin(signup.database, RING, pin="246810", **signup.names)
    told = repr(await signup.take("register")) + repr(await signup.shown())
    assert "Bad" in told
    assert token not in told
    assert "246810" not in told
