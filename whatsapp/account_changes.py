"""What Meta says of an account or a number beside its messages (section 4.3): one value per event, its words kept open.

`items.account` puts them beside the notice they came in; what they mean for a number is decided where it is applied.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from whatsapp.foreign import UnreadableError, identifier, instant, mapping, number, objects, text
from whatsapp.template_changes import TemplateChange, read_template_change

LONGEST_WORDS = 500
HISTORY_DECLINED = 2593109

_TIERS = {250: "TIER_250", 2_000: "TIER_2K", 10_000: "TIER_10K", 100_000: "TIER_100K"}
"""Meta's document names tiers where its example shows figures."""

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Restriction:
    """Something that an account may not do for a while."""

    type: str
    expires_at: datetime | None


@dataclass(frozen=True, slots=True)
class AccountUpdate:
    """`account_update`: restrictions, bans, and who has access to the account."""

    event: str
    restrictions: tuple[Restriction, ...] = ()
    ban_state: str | None = None
    """DISABLE, REINSTATE or SCHEDULE_FOR_DISABLE."""
    ban_date: str | None = None
    """English text, as it comes."""
    violation: str | None = None
    waba_id: str | None = None
    """The customer's account, which in PARTNER_* is not the entry's id."""
    business_id: str | None = None
    """The portfolio that owns it."""
    app_id: str | None = None
    disconnected_by: str | None = None
    disconnected_why: str | None = None


@dataclass(frozen=True, slots=True)
class AccountAlert:
    """`account_alerts`."""

    type: str | None
    severity: str | None
    status: str | None
    description: str | None
    entity_type: str | None
    entity_id: str | None


@dataclass(frozen=True, slots=True)
class AccountReview:
    """`account_review_update`."""

    decision: str


@dataclass(frozen=True, slots=True)
class NumberUpdate:
    """`phone_number_quality_update`, which by now tells of throughput and limits."""

    event: str | None
    messaging_limit: str | None


@dataclass(frozen=True, slots=True)
class NameUpdate:
    """`phone_number_name_update`."""

    decision: str
    name: str | None
    rejection_reason: str | None


@dataclass(frozen=True, slots=True)
class Capability:
    """`business_capability_update`."""

    messaging_limit: str | None
    numbers_per_business: int | None
    numbers_per_waba: int | None


@dataclass(frozen=True, slots=True)
class Security:
    """`security`: somebody changed or asks to reset the number's PIN."""

    event: str
    requester: str | None


@dataclass(frozen=True, slots=True)
class HistoryProgress:
    """One chunk of `history` was sent; at 100 percent it was the last."""

    phase: int | None
    chunk_order: int | None
    progress: int | None


@dataclass(frozen=True, slots=True)
class HistoryRefused:
    """No `history` comes: by 2593109 the business declined to share it."""

    code: int | None
    detail: str | None


AccountChange = (
    AccountUpdate
    | AccountAlert
    | AccountReview
    | NumberUpdate
    | NameUpdate
    | Capability
    | Security
    | HistoryProgress
    | HistoryRefused
    | TemplateChange
)


def read_change(field: str, value: Json) -> AccountChange | None:
    """What a value of this field says; None for fields that are none of an account's, or say nothing that is known."""
    build = _FIELDS.get(field)
    return build(value) if build else read_template_change(field, value)


def history_progress(metadata: Json) -> HistoryProgress:
    """How far `history` has come."""
    return HistoryProgress(*(number(metadata.get(key)) for key in ("phase", "chunk_order", "progress")))


def history_refused(error: Json) -> HistoryRefused:
    """Why no `history` comes."""
    details = mapping(error.get("error_data")).get("details")
    return HistoryRefused(number(error.get("code")), _words(details) or _words(error.get("message")))


def _account_update(value: Json) -> AccountUpdate | None:
    event, ban, info = _words(value.get("event")), mapping(value.get("ban_info")), mapping(value.get("waba_info"))
    disconnection = mapping(value.get("disconnection_info"))
    if event is None:
        return None
    restrictions = objects(value.get("restriction_info"))
    return AccountUpdate(
        event=event,
        restrictions=tuple(
            Restriction(_words(part.get("restriction_type")) or "UNKNOWN", _instant(part.get("expiration")))
            for part in restrictions
        ),
        ban_state=_words(ban.get("waba_ban_state")),
        ban_date=_words(ban.get("waba_ban_date")),
        violation=_words(mapping(value.get("violation_info")).get("violation_type")),
        waba_id=_id(info.get("waba_id")),
        business_id=_id(info.get("owner_business_id")),
        app_id=_id(info.get("partner_app_id")),
        disconnected_by=_words(disconnection.get("initiated_by")),
        disconnected_why=_words(disconnection.get("reason")),
    )


def _alert(value: Json) -> AccountAlert:
    # Older payloads carry the alert's keys flat.
    alert = mapping(value.get("alert_info")) or value
    return AccountAlert(
        type=_words(alert.get("alert_type")),
        severity=_words(alert.get("alert_severity")),
        status=_words(alert.get("alert_status")),
        description=_words(alert.get("alert_description")),
        entity_type=_words(value.get("entity_type")),
        entity_id=_id(value.get("entity_id")),
    )


def _review(value: Json) -> AccountReview | None:
    decision = _words(value.get("decision"))
    return AccountReview(decision) if decision else None


def _number_update(value: Json) -> NumberUpdate:
    limit = _tier(value.get("max_daily_conversations_per_business")) or _tier(value.get("current_limit"))
    return NumberUpdate(_words(value.get("event")), limit)


def _name_update(value: Json) -> NameUpdate | None:
    decision = _words(value.get("decision"))
    name, reason = _words(value.get("requested_verified_name")), _words(value.get("rejection_reason"))
    return NameUpdate(decision, name, reason) if decision else None


def _capability(value: Json) -> Capability:
    limit = _tier(value.get("max_daily_conversations_per_business"))
    return Capability(
        limit or _tier(value.get("max_daily_conversation_per_phone")),
        number(value.get("max_phone_numbers_per_business")),
        number(value.get("max_phone_numbers_per_waba")),
    )


def _security(value: Json) -> Security | None:
    event = _words(value.get("event"))
    return Security(event, _words(value.get("requester"))) if event else None


_FIELDS: dict[str, Callable[[Json], AccountChange | None]] = {
    "account_update": _account_update,
    "account_alerts": _alert,
    "account_review_update": _review,
    "business_capability_update": _capability,
    "phone_number_name_update": _name_update,
    "phone_number_quality_update": _number_update,
    "security": _security,
}


def _tier(value: Any) -> str | None:
    count = number(value)
    if count is None:
        return _words(value)
    return _TIERS.get(count, str(count)) if count >= 0 else "TIER_UNLIMITED"


def _words(value: Any) -> str | None:
    found = text(value)
    return found[:LONGEST_WORDS].strip() or None if found else None


def _id(value: Any) -> str | None:
    try:
        return identifier(value)
    except UnreadableError:
        return None


def _instant(value: Any) -> datetime | None:
    try:
        return instant(value)
    except UnreadableError:
        return None
