"""What Embedded Signup says when it ends, and what it takes for our app to be of use (sections 2.2, 2.5 and 4.3)."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any

from whatsapp.foreign import UnreadableError, clean_text, identifier, text

REQUIRED_SCOPES = ("whatsapp_business_management", "whatsapp_business_messaging")
REQUIRED_FIELDS = (
    "messages",
    "account_update",
    "account_alerts",
    "account_review_update",
    "business_capability_update",
    "phone_number_name_update",
    "phone_number_quality_update",
    "security",
    "message_template_status_update",
    "message_template_quality_update",
    "message_template_components_update",
    "template_category_update",
)
"""Fields of our app's webhook without which something does not work; `messages` first: without it nothing arrives."""
COEXISTENCE_FIELDS = ("history", "smb_app_state_sync", "smb_message_echoes")
"""Needed beside them for numbers that are used in the WhatsApp Business app too."""

LONGEST_WORDS = 500


class Ending(StrEnum):
    """How a signup ended, whatever its event is called."""

    FINISHED = "finished"
    FINISHED_WITHOUT_NUMBER = "finished_without_number"
    FINISHED_COEXISTENCE = "finished_coexistence"
    LEFT = "left"
    ERROR_REPORTED = "error_reported"
    """The person pressed "report" on an error: the event is CANCEL, as of leaving."""
    FAILED = "failed"
    UNKNOWN = "unknown"
    """An event of tomorrow: the code, if one comes, decides."""


_ENDINGS = {
    "FINISH": Ending.FINISHED,
    "FINISH_OBO_MIGRATION": Ending.FINISHED,
    "FINISH_GRANT_ONLY_API_ACCESS": Ending.FINISHED,
    "FINISH_ONLY_WABA": Ending.FINISHED_WITHOUT_NUMBER,
    "FINISH_WHATSAPP_BUSINESS_APP_ONBOARDING": Ending.FINISHED_COEXISTENCE,
    "ERROR": Ending.FAILED,
}

_SAYS = {
    Ending.FINISHED: "The signup at Meta is finished.",
    Ending.FINISHED_WITHOUT_NUMBER: "The signup is finished, without a phone number.",
    Ending.FINISHED_COEXISTENCE: "The signup is finished: the number stays in the WhatsApp Business app and is "
    "connected beside it.",
    Ending.LEFT: "The signup was left before its end.",
    Ending.ERROR_REPORTED: "Meta's window showed an error, and it was reported.",
    Ending.FAILED: "Meta's window ended with an error.",
    Ending.UNKNOWN: "Meta's window ended in a way that is not known here.",
}
_LOOK_UP = "Start again; if it comes back, look the error up under Meta's own words."
_NEXT = {
    Ending.FINISHED: "Nothing to do: the number is being connected.",
    Ending.FINISHED_WITHOUT_NUMBER: "Nothing to do if the account has a number; otherwise add one in WhatsApp Manager "
    "and connect again.",
    Ending.FINISHED_COEXISTENCE: "Nothing to do: keep the app installed and open it at least every two weeks.",
    Ending.LEFT: "Start again whenever you like.",
    Ending.ERROR_REPORTED: _LOOK_UP,
    Ending.FAILED: _LOOK_UP,
    Ending.UNKNOWN: "Wait a moment: if a code came with it, the number is connected all the same.",
}


@dataclass(frozen=True, slots=True)
class Signup:
    """The end of a signup, as the browser told it. Its ids are hints: each is verified before it is used."""

    ending: Ending
    waba_id: str | None = None
    phone_number_id: str | None = None
    business_id: str | None = None
    waba_ids: tuple[str, ...] = ()
    """Of flows with several accounts."""
    step: str | None = None
    """Where it was left: `PHONE_NUMBER_SETUP` and the like."""
    error_code: str | None = None
    error_message: str | None = None

    @property
    def is_success(self) -> bool:
        """A code is to be expected. A window closed on its last screen is a success too: Meta sends FINISH."""
        return self.ending in {Ending.FINISHED, Ending.FINISHED_WITHOUT_NUMBER, Ending.FINISHED_COEXISTENCE}

    @property
    def says(self) -> str:
        """What happened, in words."""
        return _SAYS[self.ending]

    @property
    def next_step(self) -> str:
        """What a person can do."""
        return _NEXT[self.ending]

    @property
    def hints(self) -> dict[str, str]:
        """The ids that came."""
        told = {"waba_id": self.waba_id, "phone_number_id": self.phone_number_id, "business_id": self.business_id}
        return {name: value for name, value in told.items() if value}


def read_signup(event: str, data: Mapping[str, Any]) -> Signup:
    """What a `WA_EMBEDDED_SIGNUP` message means; nothing in it is trusted, and nothing of it raises."""
    return Signup(
        ending=_ending(event, data),
        waba_id=_id(data.get("waba_id")),
        phone_number_id=_id(data.get("phone_number_id")),
        business_id=_id(data.get("business_id")),
        waba_ids=_ids(data.get("waba_ids")),
        step=_words(data.get("current_step")),
        # Older documents call the code `error_id`.
        error_code=_words(data.get("error_code")) or _words(data.get("error_id")),
        error_message=_words(data.get("error_message")),
    )


def missing_scopes(scopes: frozenset[str]) -> tuple[str, ...]:
    """Of the two scopes that we cannot do without, those that a token has not."""
    return tuple(scope for scope in REQUIRED_SCOPES if scope not in scopes)


def missing_fields(fields: frozenset[str], *, coexistence: bool) -> tuple[str, ...]:
    """Of the webhook fields that we need, those that our app does not get."""
    needed = REQUIRED_FIELDS + (COEXISTENCE_FIELDS if coexistence else ())
    return tuple(name for name in needed if name not in fields)


def _ending(event: str, data: Mapping[str, Any]) -> Ending:
    if event == "CANCEL":
        reported = any(data.get(key) for key in ("error_message", "error_code", "error_id"))
        return Ending.ERROR_REPORTED if reported else Ending.LEFT
    return _ENDINGS.get(event, Ending.UNKNOWN)


def _id(value: Any) -> str | None:
    try:
        found = identifier(value)
    except UnreadableError:
        return None
    # Meta's ids are digits: nothing else from a browser gets into a path of Graph's.
    return found if found and found.isascii() and found.isdigit() else None


def _ids(value: Any) -> tuple[str, ...]:
    return tuple(found for part in value if (found := _id(part))) if isinstance(value, list) else ()


def _words(value: Any) -> str | None:
    found = text(value)
    return clean_text(found)[:LONGEST_WORDS] if found else None
