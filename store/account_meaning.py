"""What Meta's words on an account or a number mean for a number of ours: pure decisions, one for each kind of event.

What is not listed here is understood and means nothing for whether a number may send: it is kept with its body.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Literal

from store.findings import Found, Severity
from whatsapp.account_changes import (
    HISTORY_DECLINED,
    AccountAlert,
    AccountChange,
    AccountReview,
    AccountUpdate,
    Capability,
    HistoryProgress,
    HistoryRefused,
    NameUpdate,
    NumberUpdate,
    Restriction,
    Security,
)

FULL_THROUGHPUT = 1000
"""Messages a second of an upgraded number."""

CODES = frozenset(
    {
        "access_removed",
        "account_alert",
        "account_deleted",
        "account_disabled",
        "account_rejected",
        "account_restricted",
        "account_to_be_disabled",
        "account_violation",
        "history_declined",
        "name_rejected",
        "offboarded",
        "pin_reset_requested",
    }
)
"""Of all findings of subject `account`; each has a heading in docs/checks.md."""

_BAN = frozenset({"account_disabled", "account_to_be_disabled", "account_restricted"})
_ACCESS = frozenset({"access_removed", "offboarded"})
_MANAGER = "Look at the account in WhatsApp Manager, and appeal there."
_RECONNECT = "Connect the number again; what waits is then sent in order, as far as it is not stale."
_WHOLE = 100


@dataclass(frozen=True, slots=True)
class Move:
    """Whether the number may send."""

    to: Literal["held", "stopped", "live"]
    reason: str | None = None
    """As `integrations.state_reason` has it: `permission`, or words."""
    frees: Literal["held", "stopped"] | None = None
    """Of a release: what it ends."""


@dataclass(frozen=True, slots=True)
class Meaning:
    """What follows for a number."""

    label: str = ""
    """The event in a word, for the record: `DISABLED_UPDATE.REINSTATE`."""
    move: Move | None = None
    found: Found | None = None
    clears: frozenset[str] = frozenset()
    """Findings that are gone by this."""
    facts: Mapping[str, str] = field(default_factory=dict)
    """Columns of the number that Meta told anew."""
    per_second: int | None = None
    note: str | None = None
    """What to keep in the audit log, once."""


def meaning_of(change: AccountChange, now: datetime) -> Meaning:  # noqa: PLR0911 - one line for each kind
    """What a change means for a number that it is about."""
    match change:
        case AccountUpdate():
            return _account_update(change, now)
        case AccountAlert():
            return _alert(change)
        case AccountReview():
            return _review(change)
        case NumberUpdate():
            return _number_update(change)
        case NameUpdate():
            return _name_update(change)
        case Capability():
            return Meaning(facts=_known(messaging_limit=change.messaging_limit))
        case Security():
            return _security(change)
        case HistoryProgress():
            return Meaning(note="integration.history_complete" if change.progress == _WHOLE else None)
        case HistoryRefused():
            return Meaning(found=_history_refused(change))
        case _:
            return Meaning()  # of a template: `store.template_events` applies it


def _account_update(change: AccountUpdate, now: datetime) -> Meaning:
    match change.event:
        case "ACCOUNT_RESTRICTION":
            return _restriction(change, now)
        case "DISABLED_UPDATE":
            return _ban(change)
        case "ACCOUNT_RECONNECTED":
            return Meaning(change.event, Move("live", frees="held"), clears=_ACCESS)
        case "ACCOUNT_VIOLATION":
            return Meaning(change.event, found=_violation(change))
        case _:
            return _end(change)


def _end(change: AccountUpdate) -> Meaning:
    """The account, or our access to it, is gone."""
    match change.event:
        case "ACCOUNT_DELETED":
            found = _error("account_deleted", "Meta says that the WhatsApp Business account was deleted.", _RECONNECT)
            return Meaning(change.event, _stop(found), found)
        case "PARTNER_REMOVED" | "PARTNER_APP_UNINSTALLED":
            return Meaning(change.event, Move("held", "permission"), _access_removed(change))
        case "ACCOUNT_OFFBOARDED":
            says = "The number was taken off the platform in the WhatsApp Business app."
            found = _error("offboarded", says, "Connect it again, in the app or here.")
            return Meaning(change.event, Move("held", found.says), found)
        case _:
            return Meaning()


def _restriction(change: AccountUpdate, now: datetime) -> Meaning:
    active = [one for one in change.restrictions if one.expires_at is None or one.expires_at > now]
    if not active:
        return Meaning()
    listed = ", ".join(one.type + (f" until {one.expires_at:%Y-%m-%d %H:%M} UTC" if one.expires_at else "")
                       for one in active)  # fmt: skip
    stops = any(_stops(one) for one in active)
    what = "Meta does not let the account send." if stops else "Meta restricts the account; replies go on."
    found = Found("account", "account_restricted", "error" if stops else "warning", what, _MANAGER, listed)
    return Meaning(change.event, _stop(found) if stops else None, found)


def _stops(restriction: Restriction) -> bool:
    """Whether replies are refused too. Without business-initiated messages templates fail, each with Meta's reason."""
    return "MESSAGING" in restriction.type and "BIZ_INITIATED" not in restriction.type


def _ban(change: AccountUpdate) -> Meaning:
    label = f"{change.event}.{change.ban_state}"
    if change.ban_state == "REINSTATE":
        return Meaning(label, Move("live", frees="stopped"), clears=_BAN)
    if change.ban_state == "DISABLE":
        found = _error("account_disabled", "Meta has disabled the WhatsApp Business account.", _MANAGER)
        return Meaning(label, _stop(found), found)
    if change.ban_state == "SCHEDULE_FOR_DISABLE":
        says = "Meta is going to disable the WhatsApp Business account."
        return Meaning(label, found=_error("account_to_be_disabled", says, _MANAGER, change.ban_date))
    return Meaning()


def _violation(change: AccountUpdate) -> Found:
    says = "Meta says that the account breaks a policy. Going on may restrict or disable it."
    return Found("account", "account_violation", "warning", says, _MANAGER, change.violation)


def _access_removed(change: AccountUpdate) -> Found:
    words = [word for word in (change.event, change.disconnected_why, change.disconnected_by) if word]
    says = "The business has taken away our access to its WhatsApp account."
    if change.disconnected_why:
        says = "The number's connection to the platform was ended, in the WhatsApp Business app or by Meta."
    return _error("access_removed", says, _RECONNECT, ", ".join(words))


def _alert(change: AccountAlert) -> Meaning:
    if (change.status or "").upper() in {"RESOLVED", "INACTIVE", "NONE"}:
        return Meaning(clears=frozenset({"account_alert"}))
    severities: dict[str, Severity] = {"CRITICAL": "error", "WARNING": "warning", "INFORMATIONAL": "notice"}
    severity = severities.get((change.severity or "").upper(), "notice")
    words = ": ".join(word for word in (change.type, change.description) if word)
    says = "Meta has an alert for this account."
    return Meaning(found=Found("account", "account_alert", severity, says, _MANAGER, words or None))


def _review(change: AccountReview) -> Meaning:
    if change.decision == "APPROVED":
        return Meaning(clears=frozenset({"account_rejected"}))
    if change.decision == "REJECTED":
        return Meaning(found=_error("account_rejected", "Meta's review has rejected the account.", _MANAGER))
    return Meaning()


def _number_update(change: NumberUpdate) -> Meaning:
    facts = _known(messaging_limit=change.messaging_limit)
    if change.event == "THROUGHPUT_UPGRADE":
        return Meaning(facts=facts | {"throughput": "HIGH"}, per_second=FULL_THROUGHPUT)
    return Meaning(facts=facts)


def _name_update(change: NameUpdate) -> Meaning:
    if change.decision == "APPROVED":
        return Meaning(facts=_known(verified_name=change.name), clears=frozenset({"name_rejected"}))
    if change.decision == "REJECTED":
        says = "Meta has rejected the number's display name."
        next_step = "Choose another one in WhatsApp Manager that says who the business is."
        return Meaning(found=Found("account", "name_rejected", "warning", says, next_step, change.rejection_reason))
    return Meaning()


def _security(change: Security) -> Meaning:
    if change.event == "PIN_RESET_REQUEST":
        says = "Somebody asked Meta to reset the number's two-step verification PIN."
        next_step = "If nobody of the business did, look at who has access to the account in WhatsApp Manager."
        return Meaning(found=Found("account", "pin_reset_requested", "warning", says, next_step))
    if change.event in {"PIN_CHANGED", "PIN_REQUEST_SUCCESS"}:
        return Meaning(clears=frozenset({"pin_reset_requested"}), note=f"integration.{change.event.lower()}")
    return Meaning()


def _history_refused(change: HistoryRefused) -> Found:
    says = "Meta could not send the past messages of this number."
    if change.code == HISTORY_DECLINED:
        says = "The business did not want to share its past messages."
    next_step = "Nothing to do: new messages come and go all the same."
    return Found("account", "history_declined", "notice", says, next_step, change.detail)


def _error(code: str, says: str, next_step: str, meta_detail: str | None = None) -> Found:
    return Found("account", code, "error", says, next_step, meta_detail)


def _stop(found: Found) -> Move:
    return Move("stopped", found.says)


def _known(**facts: str | None) -> dict[str, Any]:
    return {name: value for name, value in facts.items() if value is not None}
