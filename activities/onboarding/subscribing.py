"""Our app is subscribed to the number's account, bare first, then what is overridden for the number; read back."""

from dataclasses import dataclass, field

from activities.onboarding.desk import Desk, PassingError, done, failed, refusal, said_by, waiting
from store.connecting import secrets_of, subscribed
from store.endings import ENDINGS
from store.onboarding_posts import subscribing
from store.onboarding_steps import StepEnd, Taken
from whatsapp.accounts import Done, NumberFacts, Refused
from whatsapp.signup_failures import SubscribeFailure, subscribe_failure


@dataclass(frozen=True, slots=True)
class _Number:
    """What the calls are about."""

    waba_id: str
    phone_number_id: str
    token: str = field(repr=False)
    verify_token: str = field(repr=False)


async def subscribe(desk: Desk, taken: Taken) -> StepEnd:
    """Make sure that Meta sends us what happens to the number."""
    row = taken.row
    secrets = await secrets_of(desk.database, desk.ring, row.integration_id)
    if secrets.access_token is None:
        ending = ENDINGS["disconnected"]
        return failed("disconnected", ending.says, ending.next_step)
    number = _Number(row.waba_id, row.phone_number_id, secrets.access_token, secrets.verify_token or "")
    there = await _is_subscribed(desk, number)
    if isinstance(there, StepEnd):
        return there
    if not there:
        refused = await _subscribe(desk, taken, number)
        if refused is not None:
            return refused
    url = desk.rules.callback_override_url
    refused = await _override(desk, number, url) if url else None
    if refused is not None:
        return refused
    await subscribed(desk.database, row.integration_id, callback_url=url or None)
    return done("Meta sends what happens to the number here." if not there else "Our app was subscribed already.")


async def _is_subscribed(desk: Desk, number: _Number) -> bool | StepEnd:
    answer = await desk.accounts.subscriptions(number.waba_id, number.token)
    if not isinstance(answer, list):
        return refusal(answer, "tell which apps are subscribed")
    return any(one.app_id == desk.rules.app_id for one in answer)


async def _subscribe(desk: Desk, taken: Taken, number: _Number) -> StepEnd | None:
    """Subscribe, noted before: should the answer be lost, it is known by whom the app was subscribed."""
    await subscribing(desk.database, taken.row.id, by_us=True)
    answer = await desk.accounts.subscribe(number.waba_id, number.token)
    if not isinstance(answer, Done):
        end = refusal(answer, "subscribe our app")
        await subscribing(desk.database, taken.row.id, by_us=False)
        return end
    there = await _is_subscribed(desk, number)
    if there is False:
        raise PassingError("Meta took the subscription and does not show it yet.")
    return there if isinstance(there, StepEnd) else None


async def _override(desk: Desk, number: _Number, url: str) -> StepEnd | None:
    """Have the number's webhooks sent to the address of the settings, unless they are already."""
    facts = await desk.accounts.number(number.phone_number_id, number.token)
    if not isinstance(facts, NumberFacts):
        return refusal(facts, "show the number")
    if facts.callback_override == url:
        return None
    answer = await desk.accounts.set_number_callback(
        number.phone_number_id, number.token, url=url, verify_token=number.verify_token
    )
    if not isinstance(answer, Done):
        if isinstance(answer, Refused) and subscribe_failure(answer) is SubscribeFailure.CALLBACK:
            says = "Meta called the address for this number's webhooks and did not get the answer it wants."
            next_step = f"Make sure that {url} can be reached from the internet. Then have it tried again."
            return waiting("retry", says, next_step, said=said_by(answer))
        return refusal(answer, "send this number's webhooks to its own address")
    facts = await desk.accounts.number(number.phone_number_id, number.token)
    if isinstance(facts, NumberFacts) and facts.callback_override != url:
        raise PassingError("Meta took the number's own address and does not show it yet.")
    return None
