"""What Meta's facts say of a number, in findings: pure. Codes have their headings in docs/checks.md."""

from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from store.findings import Found, Severity
from whatsapp import signup
from whatsapp.account_facts import AppSubscription, NumberFacts, TokenFacts
from whatsapp.calls import Refused
from whatsapp.errors import Verdict

WHATSAPP = "whatsapp_business_account"
"""The object of WhatsApp's webhooks in an app's subscriptions."""
RENEW_FROM = timedelta(days=20)
_STAGES: tuple[tuple[timedelta, Severity], ...] = (
    (timedelta(days=1), "error"),
    (timedelta(days=7), "warning"),
    (timedelta(days=14), "notice"),
)
_RECONNECT = "Connect the number again, or store a new access token."
_OPERATOR = "Whoever runs Holdfast sets this in Meta's dashboard (the app, WhatsApp, Configuration): "
_MANAGER = "Look at the number in WhatsApp Manager (Account tools, Phone numbers)."
_GONE_STATUSES = frozenset({"BANNED", "DISCONNECTED", "DELETED", "UNLINKED", "MIGRATED"})
"""Nothing can be sent with these; what is merely unusual is told, and sending finds out."""
_LIMITED_STATUSES = frozenset({"FLAGGED", "RESTRICTED", "RATE_LIMITED"})
_BAD_NAMES = {"DECLINED": "was declined", "EXPIRED": "has expired"}
_PER_SECOND = {"STANDARD": 80, "HIGH": 1000}
_COEXISTENCE_PER_SECOND = 20


def no_token() -> Found:
    """Nothing to ask Meta with."""
    return Found("token", "token_missing", "error", "No access token is stored for this number.", _RECONNECT)


def dead_token(detail: str | None) -> Found:
    """Meta no longer takes it."""
    says = "Meta says that the access token is not valid, or no longer. Messages come in, none leave."
    return Found("token", "token_invalid", "error", says, _RECONNECT, detail)


def other_app(facts: TokenFacts) -> Found:
    """It was made for somebody else's app."""
    says = f"The access token belongs to another app ({facts.app_id or 'unknown'})."
    return Found("token", "token_of_another_app", "error", says, "Store a token that was made for our app.")


def scopes(facts: TokenFacts) -> Found | None:
    """Whether it may do what we need."""
    missing = signup.missing_scopes(facts.scopes)
    if not missing:
        return None
    says = f"The access token lacks {' and '.join(missing)}."
    return Found(
        "scopes", "scopes_missing", "error", says, "Connect the number again and grant all that Meta asks for."
    )


def access_lost(refused: Refused, verdict: Verdict) -> Found:
    """The token is good, and yet Meta shows it the number or its account no more."""
    says = "The access token no longer gives access to this number or its account."
    return Found("scopes", "access_lost", "error", says, verdict.next_step, _words(refused))


def expiry(expires_at: datetime | None, now: datetime, *, renewal: str = "") -> Found | None:
    """The stage of a token's end: one finding whose severity rises 14, 7 and 1 days before."""
    if expires_at is None:
        return None
    left = expires_at - now
    severity = next((severity for stage, severity in _STAGES if left <= stage), None)
    if severity is None:
        return None
    days = max(0, -(-left // timedelta(days=1)))
    says = f"The access token ends on {expires_at:%Y-%m-%d at %H:%M} UTC, {_in_days(days)}.{renewal}"
    told = {"days_left": days, "expires_at": expires_at.isoformat()}
    return Found("expiry", "token_expires", severity, says, f"{_RECONNECT} Until then nothing changes.", told_with=told)


def renewed(expires_at: datetime | None) -> Found:
    """A token that ends soon was replaced by one that lives longer."""
    until = f" until {expires_at:%Y-%m-%d}" if expires_at else ""
    says = f"The access token was about to end and has been renewed{until}."
    return Found("expiry", "token_renewed", "notice", says, "Nothing to do.", repaired=True)


def _in_days(days: int) -> str:
    return "within a day" if days <= 1 else f"in {days} days"


def app(subscriptions: Sequence[AppSubscription], callbacks: Collection[str], *, coexistence: bool) -> list[Found]:
    """Whether our app gets WhatsApp's webhooks at all: the first cause of "nothing arrives"."""
    ours = next((one for one in subscriptions if one.object == WHATSAPP), None)
    wanted = next(iter(callbacks))
    if ours is None:
        says = "Our app at Meta is not subscribed to WhatsApp's webhooks: nothing arrives, from no number."
        step = f"{_OPERATOR}callback URL {wanted} with META_VERIFY_TOKEN, then subscribe to the fields."
        return [Found("app", "app_not_subscribed", "error", says, step)]
    return [found for found in (_callback(ours, callbacks), _inactive(ours), _fields(ours, coexistence)) if found]


def _callback(ours: AppSubscription, callbacks: Collection[str]) -> Found | None:
    if (ours.callback_url or "").rstrip("/") in callbacks:
        return None
    says = f"Meta sends our app's webhooks to {ours.callback_url or 'no address'}, not to this Holdfast."
    step = f"{_OPERATOR}callback URL {next(iter(callbacks))}. If that is wrong, correct CONSOLE_PUBLIC_URL."
    return Found("app", "app_callback_differs", "error", says, step)


def _inactive(ours: AppSubscription) -> Found | None:
    if ours.active:
        return None
    says = "Our app's subscription to WhatsApp's webhooks is switched off at Meta."
    step = f"{_OPERATOR}verify and save the callback URL once more, which switches it on."
    return Found("app", "app_subscription_inactive", "error", says, step)


def _fields(ours: AppSubscription, coexistence: bool) -> Found | None:  # noqa: FBT001 - whose fields, by its name
    missing = signup.missing_fields(ours.fields, coexistence=coexistence)
    if not missing:
        return None
    severity: Severity = "error" if "messages" in missing else "warning"
    says = f"Our app does not get these webhook fields: {', '.join(missing)}."
    return Found("app", "app_fields_missing", severity, says, f"{_OPERATOR}subscribe to {', '.join(missing)}.")


def app_refused(refused: Refused) -> Found:
    """Meta does not take our app's own credentials."""
    says = "Meta does not accept Holdfast's app: its token and its webhooks could not be checked."
    step = "Whoever runs Holdfast compares META_APP_ID and META_APP_SECRET with the app at Meta."
    return Found("app", "app_refused", "error", says, step, _words(refused))


def not_subscribed(*, repaired: bool, refused: Refused | None = None) -> Found:
    """Our app is not among those that get the account's webhooks."""
    says = "Our app was not subscribed to the account's webhooks: nothing arrived from its numbers."
    if repaired:
        step = "Nothing to do: it was subscribed again. What customers wrote meanwhile did not arrive."
        return Found("subscription", "subscription_missing", "error", says, step, repaired=True)
    step = "Connect the number again: Meta did not let us subscribe."
    return Found("subscription", "subscription_missing", "error", says, step, _words(refused))


def override_lost(wanted: str, *, repaired: bool, refused: Refused | None = None) -> Found:
    """The number's webhooks were to go to an address of its own, and did not."""
    says = f"Meta did not send this number's webhooks to {wanted}."
    step = "Nothing to do: the address was set again." if repaired else f"Make {wanted} answer Meta's verification."
    return Found("subscription", "callback_override_lost", "error", says, step, _words(refused), repaired=repaired)


def callback_elsewhere(facts: NumberFacts, callbacks: Collection[str]) -> Found | None:
    """Somebody has Meta send the number's webhooks to an address that is not ours."""
    there = facts.callback_override or facts.waba_callback_override
    if there is None or there.rstrip("/") in callbacks:
        return None
    says = f"Meta sends this number's webhooks to {there}, not to this Holdfast: nothing arrives."
    step = "Take the override away (subscribe again without one), or name it in META_CALLBACK_OVERRIDE_URL."
    return Found("subscription", "callback_elsewhere", "error", says, step)


def number(facts: NumberFacts) -> list[Found]:
    """Its registration, status and display name."""
    return [found for found in (_standing(facts), _name(facts)) if found]


def must_stop(facts: NumberFacts) -> bool:
    """Nothing can be sent with it."""
    return facts.needs_registering or facts.status in _GONE_STATUSES


def unrestricted(facts: NumberFacts) -> bool:
    """Connected, and nothing that a message depends on is blocked."""
    return facts.is_connected and not (facts.health is not None and facts.health.can_send == "BLOCKED")


def _standing(facts: NumberFacts) -> Found | None:
    if facts.needs_registering:
        says = "The number is not registered for the Cloud API (any more): it can neither send nor receive."
        return Found(
            "number", "number_not_registered", "error", says, "Connect the number again: it is registered then."
        )
    if facts.status in (None, "CONNECTED"):
        return None
    if facts.status in _LIMITED_STATUSES:
        says = f"Meta limits the number (status {facts.status}): it may answer, and begin fewer conversations."
        return Found("number", "number_limited", "warning", says, _MANAGER)
    says = f"Meta does not have the number connected (status {facts.status})."
    return Found("number", "number_not_connected", "error", says, _MANAGER)


def _name(facts: NumberFacts) -> Found | None:
    happened = _BAD_NAMES.get(facts.name_status or "")
    if happened is None:
        return None
    says = f"The display name {happened} at Meta: customers see the phone number instead."
    return Found("number", "name_not_approved", "warning", says, "Ask for another display name in WhatsApp Manager.")


def quality(facts: NumberFacts) -> Found | None:
    """Customers block or report the number."""
    severity: Severity | None = {"YELLOW": "notice", "RED": "warning"}.get(facts.quality or "")  # type: ignore[assignment]
    if severity is None:
        return None
    says = f"Meta rates the number's quality {facts.quality}: customers block or report its messages."
    step = "Write only to customers who expect it; low quality lowers the limit of new conversations."
    return Found("quality", "quality_low", severity, says, step)


def per_second(facts: NumberFacts) -> int | None:
    """Messages per second that Meta allows, sent and received together; None: not told."""
    if facts.is_coexistence:
        return _COEXISTENCE_PER_SECOND
    return _PER_SECOND.get(facts.throughput or "")


def unreadable(refused: Refused, verdict: Verdict) -> Found:
    """Meta refuses to show the number, for a reason of its own."""
    says = f"Meta does not show the number: {verdict.meaning}"
    return Found("number", "number_unreadable", "error", says, verdict.next_step or _MANAGER, _words(refused))


def _words(refused: Refused | None) -> str | None:
    if refused is None:
        return None
    code = f"{refused.code}/{refused.subcode}" if refused.subcode else f"{refused.code}"
    return f"{code}: {refused.detail or refused.title or ''} (trace {refused.fbtrace_id})"
