"""Whether Graph takes the content of a message: every kind, by one door."""

from simulator.kinds.attachments import KINDS, check_attachment
from simulator.kinds.interactive import check_interactive
from simulator.kinds.params import MISSING, NOT_VALID, Param
from simulator.kinds.plain import check_contacts, check_location, check_reaction, check_text
from simulator.kinds.sending import LateFailure, Sending
from simulator.kinds.templates import check_template
from simulator.refusals import RefusedError

_UNSUPPORTED = 131051
_CHECKS = {
    "text": check_text,
    "location": check_location,
    "reaction": check_reaction,
    "interactive": check_interactive,
    "template": check_template,
}


def check_content(sending: Sending) -> LateFailure | None:
    """Check what a message says and refers to; how it fails later, if it does.

    Raises:
        RefusedError: Graph does not take it.
    """
    kind = sending.payload["type"]
    if kind not in {*_CHECKS, *KINDS, "contacts"}:
        raise RefusedError(_UNSUPPORTED, details=f"Message type {kind!r} is not supported")
    if not sending.payload.get(kind):
        raise RefusedError(MISSING, details=f"Parameter {kind} is required")
    _check_context(sending)
    if kind == "contacts":
        check_contacts(sending.payload["contacts"])
        return None
    if not isinstance(sending.payload[kind], dict):
        raise RefusedError(NOT_VALID, details=f"Param {kind} must be an object.")
    content = Param(kind, sending.payload[kind])
    if kind in KINDS:
        check_attachment(sending, kind, content)
    else:
        _CHECKS[kind](sending, content)
    return sending.late


def _check_context(sending: Sending) -> None:
    """A reply goes to a message of the same conversation that Meta still has."""
    context = sending.payload.get("context")
    if context is None:
        return
    wamid = context.get("message_id") if isinstance(context, dict) else None
    known = sending.message(wamid) if isinstance(wamid, str) else None
    if known is None or sending.is_past(known):
        raise RefusedError(NOT_VALID, details="context.message_id must be the id of a message of this conversation")
