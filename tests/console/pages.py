"""Every page in each of its states: what has to be there for it, and its address."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta

from sqlalchemy import insert

from store.ids import new_id
from store.integrations import set_state
from store.tables import event_endpoints
from tests.console import states, undecided
from tests.console.numbers import finding, number
from tests.console.stage import Console
from tests.people import person

State = Callable[[Console], Awaitable[str]]


async def home_empty(_: Console) -> str:
    return "/console"


async def home_full(console: Console) -> str:
    await number(console)
    held = await number(console, "+49 30 7654321")
    await set_state(
        console.database, organization_id=console.organization_id, integration_id=held, state="held", reason="token"
    )
    await finding(console, held)
    await number(console, "+49 30 5555555", enabled=False, verified_name=None, quality=None, checked_at=None)
    await states.waiting(console, "pin", "register")
    await undecided.undecided(console, "+49 30 2222222")
    async with console.database.transaction() as connection:
        silent = {
            "id": new_id(),
            "organization_id": console.organization_id,
            "url": "https://shop.example.com/events/from/holdfast/with/a/long/address",
            "secret_sealed": b"",
            "enabled": False,
            "disabled_reason": "It answered 500 for a day.",
            "disabled_at": datetime.now(UTC) - timedelta(days=1),
        }
        await connection.execute(insert(event_endpoints).values(silent))
    return "/console"


async def connecting(_: Console) -> str:
    return "/console/connect"


async def running(console: Console) -> str:
    onboarding_id = await states.begun(console)
    await states.standing_at(console, onboarding_id, "subscribe", "running", attempts=3)
    await states.changed(console, onboarding_id, **states.number())
    return f"/console/onboardings/{onboarding_id}"


async def choosing(console: Console) -> str:
    says = "Several numbers can be connected."
    return f"/console/onboardings/{await states.waiting(console, 'number', 'find', says=says)}"


async def pin(console: Console) -> str:
    says = "The number has two-step verification."
    return f"/console/onboardings/{await states.waiting(console, 'pin', 'register', says=says)}"


async def wrong_pin(console: Console) -> str:
    shown = {
        "says": "Meta says the PIN is wrong.",
        "next_step": "Enter the one set in WhatsApp Manager, or reset it there.",
        "meta_code": 133005,
        "meta_detail": "Two step verification PIN Mismatch",
        "fbtrace_id": "AbCdEfGhIjKlMnOpQrStUv",
        "attempts": 2,
    }
    return f"/console/onboardings/{await states.waiting(console, 'pin', 'register', **shown)}"


async def locked(console: Console) -> str:
    shown = {
        "says": "Meta takes no more registrations of this number: ten were tried within 72 hours.",
        "next_step": "Wait until Meta takes the next one.",
        "meta_code": 133016,
        "meta_detail": "Account register deregister rate limit exceeded",
    }
    onboarding_id = await states.waiting(console, "retry", "register", **shown)
    until = datetime.now(UTC) + timedelta(hours=71, minutes=30)
    await states.changed(console, onboarding_id, register_not_before=until)
    return f"/console/onboardings/{onboarding_id}"


async def retrying(console: Console) -> str:
    shown = {
        "says": "The callback did not answer Meta.",
        "next_step": "See that the address is reachable, then try again.",
    }
    return f"/console/onboardings/{await states.waiting(console, 'retry', 'subscribe', **shown)}"


async def proving(console: Console) -> str:
    onboarding_id = await states.waiting(console, "proof", "prove")
    blocker = {
        "code": "payment_missing",
        "severity": "warning",
        "says": "Templates cannot be sent: the WhatsApp account has no payment method.",
        "next_step": "Add one in WhatsApp Manager, Billing. Answers to customers are not affected.",
    }
    pin_made = {"pin_origin": "made", "pin_sealed": b"sealed", "registered_by_us": True}
    values = {"state": "live", "blockers": [blocker], "integration_id": await number(console)}
    await states.changed(console, onboarding_id, **values, **pin_made)
    return f"/console/onboardings/{onboarding_id}"


async def live(console: Console) -> str:
    values = {"proof": "inbound", "proved_at": datetime.now(UTC), "integration_id": await number(console)}
    return f"/console/onboardings/{await states.ended(console, 'live', 'prove', **values, **states.number())}"


async def failed(console: Console) -> str:
    why = {
        "error_code": "code_expired",
        "error_detail": "Meta's code came too late: it is valid for 30 seconds.",
        "next_step": "Start again: sign in at Meta once more.",
    }
    return f"/console/onboardings/{await states.ended(console, 'failed', 'exchange', **why)}"


async def cancelled(console: Console) -> str:
    return f"/console/onboardings/{await states.ended(console, 'cancelled', 'subscribe', **states.number())}"


async def cancelling(console: Console) -> str:
    onboarding_id = await states.begun(console)
    await states.standing_at(console, onboarding_id, "register", "running")
    await states.changed(console, onboarding_id, cancel_requested_at=datetime.now(UTC), **states.number())
    return f"/console/onboardings/{onboarding_id}"


async def recovered(console: Console) -> str:
    return f"/console/onboardings/{await states.waiting(console, 'code', 'exchange')}"


async def listed(console: Console) -> str:
    for make in (failed, live, pin, cancelled):
        await make(console)
    return "/console/onboardings"


async def listed_none(_: Console) -> str:
    return "/console/onboardings?state=failed"


async def integration(console: Console) -> str:
    integration_id = await number(console)
    old = {
        "code": "quality_low",
        "severity": "warning",
        "says": "The quality was RED.",
        "cleared_at": datetime.now(UTC),
    }
    await finding(console, integration_id, **old)
    return f"/console/integrations/{integration_id}"


async def integration_held(console: Console) -> str:
    integration_id = await number(console, access_token_expires_at=datetime.now(UTC) + timedelta(days=6))
    owned = {"organization_id": console.organization_id, "integration_id": integration_id}
    await set_state(console.database, **owned, state="held", reason="token")
    await finding(console, integration_id)
    return f"/console/integrations/{integration_id}"


async def integration_gone(console: Console) -> str:
    integration_id = await number(console, disconnected_at=datetime.now(UTC))
    owned = {"organization_id": console.organization_id, "integration_id": integration_id}
    await set_state(console.database, **owned, state="disconnected", reason="The number was disconnected.")
    return f"/console/integrations/{integration_id}"


async def messages_none(_: Console) -> str:
    return "/console/messages"


async def messages_listed(console: Console) -> str:
    await undecided.undecided(console)
    await undecided.undecided(console, "+49 30 7654321", content={"text": {"body": "Yes"}})
    return "/console/messages"


async def message_undecided(console: Console) -> str:
    return f"/console/messages/{await undecided.undecided(console)}"


async def message_awaited(console: Console) -> str:
    return f"/console/messages/{await undecided.awaited(console)}"


async def message_settled(console: Console) -> str:
    return f"/console/messages/{await undecided.settled(console)}"


async def people(console: Console) -> str:
    await person(console.database, console.organization_id, f"ben{console.email}", name="Ben Osei")
    return "/console/people"


async def nowhere(_: Console) -> str:
    return "/console/no/such/page"


STATES: list[State] = [
    home_empty, home_full, connecting, running, choosing, pin, wrong_pin, locked, retrying, proving, live, failed,
    cancelled, cancelling, recovered, listed, listed_none, integration, integration_held, integration_gone, people,
    messages_none, messages_listed, message_undecided, message_awaited, message_settled, nowhere,
]  # fmt: skip
