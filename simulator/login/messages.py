"""What the popup posts to its opener: the signup's message as a JSON string, and the SDK's own, which is none."""

import json
from typing import Any
from urllib.parse import urlencode

from simulator.login.endings import EndingOrder, Login

_EVENTS = {
    "finish": "FINISH",
    "no_code": "FINISH",
    "finish_only_waba": "FINISH_ONLY_WABA",
    "coexistence": "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING",
    "cancel": "CANCEL",
    "report": "CANCEL",
    "error": "ERROR",
}
_SESSION = "f34b51dab5e0498"


def posts(order: EndingOrder, login: Login, *, callback_id: str, now: float) -> list[str]:
    """The messages in the order they are posted."""
    message = _message(order, login, now)
    callback = urlencode({"cb": callback_id} | ({"code": login.code} if login.code else {}))
    if message is None:
        return [callback]
    return [callback, message] if order.callback_first else [message, callback]


def _message(order: EndingOrder, login: Login, now: float) -> str | None:
    event = _EVENTS.get(order.kind)
    if event is None:
        return None
    return json.dumps({"data": _data(order, login, now), "type": "WA_EMBEDDED_SIGNUP", "event": event})


def _data(order: EndingOrder, login: Login, now: float) -> dict[str, Any]:
    if order.kind == "cancel":
        return {"current_step": order.step}
    if order.kind in {"report", "error"}:
        told = {"error_message": "Your verified name violates WhatsApp guidelines.", "error_code": "524126"}
        return told | {"session_id": _SESSION, "timestamp": str(int(now))}
    data: dict[str, Any] = {"waba_id": login.waba_id, "business_id": login.business_id}
    if login.phone_number_ids and order.names_number:
        data = {"phone_number_id": login.phone_number_ids[0]} | data
    return data
