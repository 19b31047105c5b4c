"""Whether a message has the outer shape that Graph takes; `simulator.kinds` looks at what it says."""

import re
from typing import Any

from simulator.refusals import RefusedError

_LONGEST_CALLBACK_DATA = 512
_PHONE = re.compile(r"\+?[ ()./-]*[0-9][0-9 ()./-]*")
"""Meta takes a number as people write it; letters, as of a BSUID, are none."""


def check_envelope(payload: dict[str, Any]) -> None:
    """Refuse what Graph refuses whatever a message says; one without a type is a text.

    Raises:
        RefusedError: Graph does not take it.
    """
    if payload.get("recipient_type", "individual") != "individual":
        raise RefusedError(100, details="recipient_type must be individual")
    to = payload.get("to") or ""
    if not to and not _is_text(payload.get("recipient")):
        raise RefusedError(100, details="The parameter to is required")
    if to and not (_is_text(to) and _PHONE.fullmatch(to)):
        raise RefusedError(100, details="The parameter to is not a phone number")
    if payload.get("category") is not None:
        raise RefusedError(100, details="Direct Send is not enabled for this account")
    callback_data = payload.get("biz_opaque_callback_data", "")
    if not isinstance(callback_data, str) or len(callback_data) > _LONGEST_CALLBACK_DATA:
        raise RefusedError(100, details="biz_opaque_callback_data must be at most 512 characters long")
    kind = payload.setdefault("type", "text")
    if not _is_text(kind):
        raise RefusedError(131009, details="Param type must be a string.")


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)
