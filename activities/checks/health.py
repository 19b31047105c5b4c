"""Meta's health of a number, in findings: what blocks or limits sending, and whose it is."""

from collections.abc import Iterator

from store.findings import Found, Severity
from whatsapp.account_facts import Health, HealthEntity, HealthError

WHOSE = {
    "PHONE_NUMBER": "The number",
    "WABA": "The WhatsApp Business account",
    "BUSINESS": "The business portfolio",
    "APP": "Our app at Meta",
}
"""The entities that a message depends on. Templates and flows are none of the number's own."""
KNOWN = {
    141006: ("has no valid means of payment", "Add or correct the payment method in Meta's billing settings."),
    141010: ("is not verified by Meta", "Finish business verification in Meta's security centre."),
    138024: ("has trouble with SIP, which is about calls", "Look at the number's call settings in WhatsApp Manager."),
}
"""Meta's codes that have been seen; any other is told in Meta's words."""
_MANAGER = "Look at the account's overview in WhatsApp Manager."
_SEVERITY: dict[str, Severity] = {"BLOCKED": "error", "LIMITED": "warning"}


def judge(health: Health | None) -> list[Found]:
    """One finding for each thing that Meta names; templates and flows are none of the number's own."""
    if health is None:
        return []
    found: dict[str, Found] = {}
    for one in (one for entity in health.entities if entity.type in WHOSE for one in _of(entity)):
        found.setdefault(one.code, one)
    return list(found.values())


def _of(entity: HealthEntity) -> Iterator[Found]:
    severity = _SEVERITY.get(entity.can_send or "")
    if severity is None:
        return
    for error in entity.errors:
        yield _error(entity, error, severity)
    if not entity.errors:
        verb = "blocks" if severity == "error" else "limits"
        says = f"{WHOSE[entity.type]} {verb} sending, as Meta says; it names no reason."
        detail = "; ".join(entity.additional) or None
        yield Found("health", f"health_{entity.type.lower()}", severity, says, _MANAGER, detail)


def _error(entity: HealthEntity, error: HealthError, severity: Severity) -> Found:
    meaning, step = KNOWN.get(error.code or 0, (None, None))
    words = error.description or "blocks or limits sending"
    says = f"{WHOSE[entity.type]} {meaning}." if meaning else f"{WHOSE[entity.type]}: {words}"
    detail = ": ".join(part for part in (str(error.code), error.description, error.solution) if part)
    code = f"health_{error.code}" if error.code else f"health_{entity.type.lower()}"
    return Found("health", code, severity, says, step or error.solution or _MANAGER, detail)
