"""Every page in each of its states: at both widths, light and dark, sound by axe, silent in the log, at home."""

import re
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, datetime, timedelta
from html import unescape
from typing import Any, cast
from urllib.parse import urlsplit
from uuid import UUID

import pytest
from sqlalchemy import insert, update

from simulator.client import SimulatorClient
from store.ids import new_id
from store.integrations import connect_number, set_state
from store.people import create_person
from store.tables import event_endpoints, findings, integrations
from tests.console import states, undecided
from tests.console.stage import CHEAP, NARROW, PASSWORD, WIDE, Console, Installation, Scheme, Watched, fits, is_sound
from tests.rows import KEYED_HASH, RING

LOOKS: list[tuple[int, Scheme]] = [(WIDE, "light"), (WIDE, "dark"), (NARROW, "light"), (NARROW, "dark")]
State = Callable[[Console], Awaitable[str]]


async def number(console: Console, phone_number: str = "+49 30 1234567", **columns: Any) -> UUID:
    """A connected number; answers its integration's id."""
    place = new_id().int % 10**12
    integration_id = await connect_number(
        console.database,
        RING,
        KEYED_HASH,
        organization_id=console.organization_id,
        agent_flow_id=console.agent_flow_id,
        waba_id="102290129340398",
        phone_number=phone_number,
        phone_number_id=f"106{place}",
        access_token="EAAlongtoken7Xk2",
        verify_token=f"verify-{place}",
    )
    facts = {
        "verified_name": "Bakery Nord",
        "quality": "GREEN",
        "messaging_limit": "TIER_2K",
        "throughput": "STANDARD",
        "number_status": "CONNECTED",
        "checked_at": datetime.now(UTC) - timedelta(hours=3),
    }
    async with console.database.transaction() as connection:
        row = update(integrations).where(integrations.c.id == integration_id)
        await connection.execute(row.values(facts | columns))
    return integration_id


async def finding(console: Console, integration_id: UUID, **columns: Any) -> None:
    now = datetime.now(UTC)
    values = {
        "id": new_id(),
        "organization_id": console.organization_id,
        "integration_id": integration_id,
        "subject": "token",
        "code": "token_dead",
        "severity": "error",
        "says": "Meta no longer accepts the access token of this number: messages come in, none leave.",
        "next_step": "Connect the number again, or enter a new token: what waits then leaves in order.",
        "meta_detail": "(190/460) The session has been invalidated because the user changed the password.",
        "first_seen_at": now - timedelta(hours=2),
        "last_seen_at": now - timedelta(minutes=4),
    }
    async with console.database.transaction() as connection:
        await connection.execute(insert(findings).values(values | columns))


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
    await create_person(
        console.database,
        CHEAP,
        organization_id=console.organization_id,
        email=f"ben{console.email}",
        name="Ben Osei",
        password=PASSWORD,
    )
    return "/console/people"


async def nowhere(_: Console) -> str:
    return "/console/no/such/page"


STATES: list[State] = [
    home_empty, home_full, connecting, running, choosing, pin, wrong_pin, locked, retrying, proving, live, failed,
    cancelled, cancelling, recovered, listed, listed_none, integration, integration_held, integration_gone, people,
    messages_none, messages_listed, message_undecided, message_awaited, message_settled, nowhere,
]  # fmt: skip


@pytest.fixture(scope="session")
async def glass(installation: Installation, meta: SimulatorClient) -> AsyncIterator[Watched]:
    """One page for all of them: most of what a new one costs is axe being read."""
    context = await installation.browser.new_context(base_url=installation.url, reduced_motion="reduce")
    context.set_default_timeout(8000)
    watched = Watched(await context.new_page(), {urlsplit(url).netloc for url in (installation.url, meta.base_url)})
    watched.begin()
    yield watched
    await context.close()


@pytest.mark.parametrize("make", STATES, ids=lambda make: cast("Any", make).__name__)
async def test_a_page_is_sound_at_both_widths_light_and_dark(console: Console, glass: Watched, make: State) -> None:
    page, path = glass.page, await make(console)
    await console.enter(page)
    await page.goto(path)
    if make is connecting:
        await page.locator("#go:not([aria-disabled])").wait_for()
    for width, scheme in LOOKS:
        await page.set_viewport_size({"width": width, "height": 900 if width == WIDE else 844})
        await page.emulate_media(color_scheme=scheme)
        # What axe finds hangs on colours and on widths, not on both together.
        look = is_sound if (width == WIDE) == (scheme == "light") else fits
        await look(page, f"{make.__name__}-{width}-{scheme}")
    glass.is_clean()


async def test_the_first_page_names_what_is_wrong_with_a_number_and_which_software_hears_no_events(
    console: Console,
) -> None:
    await home_full(console)
    other = await number(console, "+49 30 8888888")
    gone, notice = {"cleared_at": datetime.now(UTC), "says": "It was so."}, {"severity": "notice", "says": "Mind."}
    await finding(console, other, code="gone", **gone)
    await finding(console, other, code="small", **notice)
    async with console.caller() as client:
        page = unescape((await client.get("/console")).text)
    for told in (
        "Meta no longer accepts the access token of this number",
        "enter a new token: what waits then leaves in order.",
        "Your software hears no events any more",
        "It answered 500 for a day.",
    ):
        assert told in page
    titles = re.findall(r'<div class="banner (\w+)">.*?<strong>(.*?)</strong>', page, re.DOTALL)
    assert [tone for tone, title in titles if title.startswith("Meta no longer accepts")] == ["bad"]
    assert "It was so." not in page
    assert "Mind." not in page
