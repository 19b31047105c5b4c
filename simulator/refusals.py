"""Meta's errors in Meta's shapes: answers of Graph and the `errors` of a failed status."""

import secrets
from dataclasses import dataclass
from typing import Any

import orjson
from starlette.responses import Response

_HREF = "https://developers.facebook.com/documentation/business-messaging/whatsapp/support/error-codes/"

_KNOWN: dict[int, tuple[int, str]] = {
    0: (401, "AuthException"),
    1: (500, "API Unknown"),
    2: (503, "API Service"),
    3: (500, "API Method"),
    4: (400, "API Too Many Calls"),
    10: (403, "API Permission Denied"),
    33: (400, "Parameter value is not valid"),
    100: (400, "Invalid parameter"),
    101: (400, "Error validating application. Cannot get application info due to a system error."),
    190: (401, "Access token has expired"),
    200: (403, "API Permission"),
    368: (403, "Temporarily blocked for policies violations"),
    80007: (400, "Rate limit issues"),
    130403: (400, "User is blocked"),
    130429: (400, "Rate limit hit"),
    130472: (400, "User's number is part of an experiment"),
    130497: (403, "Business account is restricted from messaging users in this country"),
    131000: (500, "Something went wrong"),
    131005: (403, "Access denied"),
    131008: (400, "Required parameter is missing"),
    131009: (400, "Parameter value is not valid"),
    131016: (503, "Service unavailable"),
    131021: (400, "Recipient cannot be sender"),
    131026: (400, "Message undeliverable"),
    131030: (400, "Recipient phone number not in allowed list"),
    131031: (403, "Account has been locked"),
    131042: (400, "Business eligibility payment issue"),
    131045: (500, "Incorrect certificate"),
    131047: (400, "Re-engagement message"),
    131048: (400, "Spam rate limit hit"),
    131049: (400, "This message was not delivered to maintain healthy ecosystem engagement"),
    131050: (400, "User has stopped marketing messages"),
    131051: (400, "Unsupported message type"),
    131052: (400, "Media download error"),
    131053: (400, "Media upload error"),
    131056: (400, "Business account, consumer account pair rate limit hit"),
    131057: (500, "Account in maintenance mode"),
    131062: (400, "Recipient not allowed"),
    132000: (400, "Number of parameters does not match the expected number of params"),
    132001: (404, "Template name does not exist in the translation"),
    132005: (400, "Translated text too long"),
    132007: (400, "Template Character Policy Violated"),
    132012: (400, "Parameter format does not match format in the created template"),
    132015: (400, "Template is Paused"),
    132016: (400, "Template is Disabled"),
    133004: (503, "Server temporarily unavailable"),
    133005: (400, "Two-step verification PIN Mismatch"),
    133006: (400, "Phone number re-verification needed"),
    133008: (400, "Too many two-step verification PIN guesses"),
    133009: (400, "Two-step verification PIN guessed too fast"),
    133010: (400, "Phone number not registered"),
    133016: (400, "Account register / deregister rate limit exceeded"),
    2200: (400, "Callback verification failed"),
    2593107: (400, "Synchronization request limit exceeded"),
    2593108: (400, "Synchronization request made outside of the allowed time window"),
    135000: (400, "Generic user error"),
}
_TRANSIENT = frozenset({1, 2, 4, 80007, 130429, 131016, 131056, 133004})
_DETAILS = {
    131047: "Message failed to send because more than 24 hours have passed since the customer last replied",
    131056: "Too many messages sent from this phone number to the same phone number in a short period of time",
    130429: "Cloud API message throughput has been reached",
}


@dataclass(eq=False)
class RefusedError(Exception):
    """A call that Graph refuses. Only code and details mean anything to a caller; HTTP statuses vary at Meta too."""

    code: int
    details: str = ""
    subcode: int | None = None
    message: str | None = None
    http_status: int | None = None
    is_transient: bool | None = None
    kind: str = "OAuthException"
    user_title: str | None = None
    user_message: str | None = None

    def response(self) -> Response:
        """The answer as Graph gives it."""
        http_status, title = _KNOWN.get(self.code, (400, "Error"))
        transient = self.code in _TRANSIENT if self.is_transient is None else self.is_transient
        error: dict[str, Any] = {
            "message": self.message or f"(#{self.code}) {title}",
            "type": self.kind,
            "code": self.code,
            "fbtrace_id": "A" + secrets.token_urlsafe(16),
        }
        if self.subcode is not None:
            error["error_subcode"] = self.subcode
        if self.user_title is not None:
            error |= {"error_user_title": self.user_title, "error_user_msg": self.user_message}
        if transient:
            error["is_transient"] = True
        if details := self.details or _DETAILS.get(self.code):
            error["error_data"] = {"messaging_product": "whatsapp", "details": details}
        return answer({"error": error}, http_status=self.http_status or http_status)


_DEATHS = {
    458: "The user has not authorized application",
    460: "The session has been invalidated because the user changed their password or Facebook has changed the session "
    "for security reasons.",
    463: "Session has expired or the token is invalid.",
    467: "The session is invalid because the user logged out.",
}


def death_message(subcode: int) -> str:
    """What Meta says of a token that is dead for this reason."""
    return f"Error validating access token: {_DEATHS.get(subcode, _DEATHS[463])}"


def dead_token(subcode: int = 463) -> RefusedError:
    """190, as for a token that was revoked or never existed."""
    return RefusedError(190, message=death_message(subcode), subcode=subcode)


def invisible_object(object_id: str, *, method: str = "post") -> RefusedError:
    """100 with subcode 33, as for an object that does not exist or that the token may not see."""
    return RefusedError(
        100,
        subcode=33,
        kind="GraphMethodException",
        message=f"Unsupported {method.lower()} request. Object with ID '{object_id}' does not exist, cannot be loaded "
        "due to missing permissions, or does not support this operation",
    )


def failure(code: int, details: str = "") -> dict[str, Any]:
    """One of the `errors` of a `failed` status."""
    title = _KNOWN.get(code, (400, "Error"))[1]
    return {
        "code": code,
        "title": title,
        "message": title,
        "error_data": {"details": details or _DETAILS.get(code, title)},
        "href": _HREF,
    }


def answer(content: Any, *, http_status: int = 200) -> Response:
    """A JSON answer, at a fraction of JSONResponse's cost."""
    return Response(orjson.dumps(content), http_status, media_type="application/json")
