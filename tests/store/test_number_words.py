"""What the numbers page says of each number: its reason once, whoever else knows it."""

import pytest

from activities.checks import judging
from store import findings
from store.engine import Database
from store.findings import Found, Owner
from store.integrations import set_state
from store.number_states import BY_SENDING
from store.status import _TOLD_BY, number_statuses
from tests.docs.reference import sections
from tests.rows import Number, connected_number

_STOPPED = Found("account", BY_SENDING, "error", "Meta restricts the account.", "Look there.")
_WORDS = "The number was taken off the platform in the WhatsApp Business app."
_OFFBOARDED = Found("account", "offboarded", "error", _WORDS, "Connect it again.")
_PAYMENT = Found("health", "health_141006", "error", "No means of payment.", "Pay.")


async def _words(database: Database, number: Number) -> str:
    (status,) = await number_statuses(database, number.organization_id)
    return status.in_words


async def _found(database: Database, number: Number, found: Found) -> None:
    async with database.transaction() as connection:
        await findings.see(connection, Owner(number.integration_id, number.organization_id), found)


@pytest.mark.parametrize(
    ("state", "reason", "found", "said"),
    [
        ("held", "token", judging.dead_token(None), "not valid"),
        ("stopped", "stopped", _STOPPED, "restricts"),
        ("held", _WORDS, _OFFBOARDED, "taken off"),
    ],
)
async def test_a_reason_that_a_finding_tells_is_told_once_with_what_helps(
    database: Database, state: str, reason: str, found: Found, said: str
) -> None:
    number = await connected_number(database)
    ids = {"organization_id": number.organization_id, "integration_id": number.integration_id}
    await set_state(database, **ids, state=state, reason=reason)  # type: ignore[arg-type]
    assert "Reason: " in await _words(database, number)
    await _found(database, number, found)
    words = await _words(database, number)
    assert "Reason: " not in words
    assert words.count(said) == words.lower().count("messages come in, none leave") == 1
    assert words.endswith(f"{found.says} {found.next_step}")


async def test_a_reason_that_no_finding_tells_is_told_beside_them(database: Database) -> None:
    number = await connected_number(database)
    ids = {"organization_id": number.organization_id, "integration_id": number.integration_id}
    await set_state(database, **ids, state="held", reason="token")
    await _found(database, number, _PAYMENT)
    words = await _words(database, number)
    assert "Reason: Meta says that the access token is not valid" in words
    assert "No means of payment." in words


def test_the_findings_that_tell_a_reason_are_findings() -> None:
    assert set().union(*_TOLD_BY.values()) <= sections("checks.md").keys()
