"""A number that was disconnected comes back by name with its conversations, and never with another number's token."""

from uuid import UUID

from store.disconnecting import delete_integration
from tests.activities.signup import Signup
from tests.activities.test_onboarding_connect import number_of
from tests.rows import RING, change, conversation, row


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
    conversation_id = await conversation(signup.database, await number_of(signup))
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
