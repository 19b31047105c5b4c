"""An onboarding that learns of a higher limit of Meta's lets go what waited for room by the lower one."""

from store.claims import Unclaimed, claim
from tests.activities.signup import Signup
from tests.rows import change, conversation, queued, row


async def test_a_reconnect_that_finds_a_higher_limit_lets_go_what_waited_for_room(signup: Signup) -> None:
    prepared = await signup.prepared()
    await signup.go()
    number = await signup.number()
    await change(signup.database, "UPDATE integrations SET messaging_limit = 'TIER_0'")
    conversation_id = await conversation(signup.database, number, opened=None)
    waits = await queued(
        signup.database, number, conversation_id, type="template", content={"template": {"name": "hi"}}
    )
    assert isinstance(await claim(signup.database, waits), Unclaimed)
    assert (await row(signup.database, "messages", waits)).hold == "portfolio"
    await change(signup.database, "UPDATE conversations SET due_at = NULL")
    await signup.start(prepared)
    await signup.go(to="check")
    assert (await row(signup.database, "messages", waits)).hold is None
    assert (await row(signup.database, "conversations", conversation_id)).due_at is not None
