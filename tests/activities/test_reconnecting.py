"""A number that is known already: connected again with its conversations or taken over, never with a foreign token."""

from uuid import UUID

from store.disconnecting import delete_integration
from store.integrations import set_state
from tests.activities.signup import Signup
from tests.rows import RING, change, conversation, queued, row


async def test_a_reconnect_replaces_the_token_keeps_conversations_and_releases_what_was_held(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go()
    before = await signup.number()
    conversation_id = await conversation(signup.database, before)
    await queued(signup.database, before, conversation_id)
    owner = {"organization_id": signup.organization_id, "integration_id": before.integration_id}
    await set_state(signup.database, state="held", reason="token", **owner)
    known = (await signup.integration()).id
    await signup.start(number)
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
    known = (await signup.integration()).id
    await signup.start(number)
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
    before = await signup.number()
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


async def _gone(signup: Signup) -> UUID:
    """A number that was connected once, with a conversation, and is no longer."""
    integration_id: UUID = (await signup.integration()).id
    await delete_integration(
        signup.database, RING, organization_id=signup.organization_id, integration_id=integration_id
    )
    assert (await row(signup.database, "integrations", integration_id)).state == "disconnected"
    return integration_id


async def test_a_disconnected_number_that_is_named_is_connected_again_with_its_conversations(signup: Signup) -> None:
    number = await signup.prepared()
    await signup.go()
    conversation_id = await conversation(signup.database, await signup.number())
    known = await _gone(signup)
    await signup.start(number, reconnects_id=known)
    assert (await signup.go()).step == "prove"
    assert (await signup.integration()).id == known
    again = await row(signup.database, "integrations", known)
    assert (again.state, again.disconnected_at) == ("live", None)
    assert (await row(signup.database, "conversations", conversation_id)).integration_id == known


async def test_a_disconnected_number_is_not_connected_again_with_another_number(signup: Signup) -> None:
    await signup.prepared()
    await signup.go()
    known = await _gone(signup)
    other = await signup.meta.prepare_number()
    await signup.start(other, reconnects_id=known)
    assert (await signup.go()).code == "other_number"
    gone = await row(signup.database, "integrations", known)
    assert (gone.state, gone.access_token_sealed) == ("disconnected", None)


async def test_whatever_the_onboarding_names_another_numbers_token_never_gets_to_a_disconnected_one(
    signup: Signup,
) -> None:
    await signup.prepared()
    await signup.go()
    known = await _gone(signup)
    await signup.start(await signup.meta.prepare_number())
    await signup.go(to="find")
    await change(
        signup.database, "UPDATE onboardings SET reconnects_id = :known WHERE id = :id",
        known=known, id=signup.onboarding_id,
    )  # fmt: skip
    assert (await signup.take("connect")).state == "done"
    assert (await signup.integration()).id != known
    assert (await row(signup.database, "integrations", known)).access_token_sealed is None
