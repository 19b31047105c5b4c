"""What Meta says of the number: stored, and what blocks sending named in words. None of it fails the onboarding."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from datetime import UTC, datetime

from activities.onboarding.desk import Desk, failed, refusal
from store.connecting import secrets_of
from store.endings import ENDINGS
from store.onboarding_steps import StepEnd, Taken
from whatsapp.account_facts import CONNECTED, HealthEntity, HealthError
from whatsapp.accounts import NumberFacts

_SEVERITY = {"BLOCKED": "error", "LIMITED": "warning"}
_KNOWN = {
    141006: (
        "payment",
        "The WhatsApp Business account has no valid payment method.",
        "Add one in WhatsApp Manager (Billing).",
    ),
    141010: (
        "business_verification",
        "The business is not verified at Meta.",
        "Verify it in Meta's Business settings (Security centre).",
    ),
}
_NAMES = {
    "DECLINED": ("error", "Meta declined the display name.", "Change it in WhatsApp Manager, then connect again."),
    "EXPIRED": ("error", "The display name's approval has expired.", "Submit the name again in WhatsApp Manager."),
    "PENDING_REVIEW": ("notice", "Meta is reviewing the display name.", "Wait: customers see the number until then."),
}
_SEE_THERE = "See WhatsApp Manager."
_STANDARD = 80
_PER_SECOND = {"STANDARD": 80, "HIGH": 1000}


@dataclass(frozen=True, slots=True)
class _Blocker:
    code: str
    severity: str
    says: str
    next_step: str


async def check(desk: Desk, taken: Taken) -> StepEnd:
    """Read the number and name what stands in its way."""
    row = taken.row
    held = await secrets_of(desk.database, desk.ring, row.integration_id)
    if held.access_token is None:
        ending = ENDINGS["disconnected"]
        return failed("disconnected", ending.says, ending.next_step)
    number = await desk.accounts.number(row.phone_number_id, held.access_token)
    if not isinstance(number, NumberFacts):
        return refusal(number, "show the number")
    found = list({blocker.code: blocker for blocker in _blockers(number)}.values())
    return StepEnd(
        "done",
        " ".join(blocker.says for blocker in found) or "Nothing stands in the number's way.",
        next_step=" ".join(blocker.next_step for blocker in found) or None,
        changes={"blockers": [asdict(blocker) for blocker in found], "verified_name": number.verified_name},
        integration={
            "verified_name": number.verified_name,
            "number_status": number.status,
            "quality": number.quality,
            "messaging_limit": number.messaging_limit,
            "throughput": number.throughput,
            "checked_at": datetime.now(UTC),
        },
        per_second=None if row.coexistence else _PER_SECOND.get(number.throughput or "", _STANDARD),
    )


def _blockers(number: NumberFacts) -> Iterator[_Blocker]:
    if number.status not in (None, CONNECTED):
        says = f"The number's state at Meta is {number.status}, not {CONNECTED}: it cannot send."
        yield _Blocker("number_status", "error", says, "Look at the number in WhatsApp Manager.")
    if number.name_status in _NAMES:
        severity, says, next_step = _NAMES[number.name_status or ""]
        yield _Blocker("display_name", severity, says, next_step)
    for entity in number.health.entities if number.health else ():
        yield from _of_entity(entity)


def _of_entity(entity: HealthEntity) -> Iterator[_Blocker]:
    severity = _SEVERITY.get(entity.can_send or "")
    if severity is None:
        return
    # A business that is LIMITED may well send (section 3.1).
    severity = "notice" if (entity.type, severity) == ("BUSINESS", "warning") else severity
    what = entity.type.replace("_", " ").lower()
    if not entity.errors:
        does = "blocks" if severity == "error" else "limits"
        yield _Blocker(
            f"health_{entity.type.lower()}", severity, f"Meta {does} sending: the {what}.", "See WhatsApp Manager."
        )
    for error in entity.errors:
        yield _of_error(error, what, severity)


def _of_error(error: HealthError, what: str, severity: str) -> _Blocker:
    if error.code in _KNOWN:
        code, says, next_step = _KNOWN[error.code]
        return _Blocker(code, severity, says, next_step)
    says = f"Meta says of the {what}: {error.description or 'something is wrong'}"
    return _Blocker(f"health_{error.code or what}", severity, says, error.solution or _SEE_THERE)
