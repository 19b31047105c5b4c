"""What callers send to connect a number. Secrets come in and never go out: not in an answer, not in a refusal."""

from typing import Annotated, Literal
from urllib.parse import urlsplit
from uuid import UUID

from pydantic import BaseModel, ConfigDict, Field, JsonValue, SecretStr, StringConstraints, field_validator

from api.consent_contracts import StopWords
from api.contracts import POLICY
from store.integrations import UnknownPolicy

MetaId = Annotated[str, StringConstraints(pattern=r"^[0-9]{1,32}$")]
"""An id of Meta's: digits only."""

_AGENT_FLOW_ID = "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a07"
_WABA_ID = "102290129340398"
_PHONE_NUMBER_ID = "106540352242922"
_START: dict[str, JsonValue] = {
    "code": "<the code from FB.login>",
    "agent_flow_id": _AGENT_FLOW_ID,
    "waba_id": _WABA_ID,
    "phone_number_id": _PHONE_NUMBER_ID,
    "event": "FINISH",
}
_ADD: dict[str, JsonValue] = {
    "agent_flow_id": _AGENT_FLOW_ID,
    "organization_id": "019aa5d1-6d2e-7c11-9d6b-0f4f3f7c1a08",
    "phone_number": "+31201234567",
    "phone_number_id": _PHONE_NUMBER_ID,
    "waba_id": _WABA_ID,
    "access_token": "<a system user's token>",
    "verify_token": "<a random word of yours>",
    "enabled": True,
}


class StartOnboarding(BaseModel):
    """What the signup popup, or your own redirect, gave: the code within its 30 seconds, the ids as reported."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [_START]})

    code: SecretStr = Field(min_length=1, max_length=4096, description="Used once, at once, and forgotten.")
    agent_flow_id: UUID = Field(description="Who answers the number's customers.")
    waba_id: MetaId | None = None
    phone_number_id: MetaId | None = None
    business_id: MetaId | None = None
    event: str | None = Field(default=None, pattern=r"^[A-Z0-9_]{1,64}$", description="The popup's, such as `FINISH`.")
    coexistence: bool = Field(default=False, description="The number stays in the WhatsApp Business app as well.")
    redirect_uri: str | None = Field(
        default=None, max_length=2000, description="Of your own redirect, to the letter; the popup has none."
    )
    reconnects: UUID | None = Field(default=None, description="The integration that gets a new token by this.")

    @field_validator("redirect_uri")
    @classmethod
    def _an_address(cls, value: str | None) -> str | None:
        if value is not None and not _is_web_address(value):
            raise ValueError("must be a web address")
        return value

    def hints(self) -> dict[str, str]:
        """What the browser told; verified before it is used."""
        told = {name: getattr(self, name) for name in ("event", "waba_id", "phone_number_id", "business_id")}
        return {name: value for name, value in told.items() if value is not None}


class ChooseNumber(BaseModel):
    """Which of the numbers that were found is meant."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"phone_number_id": _PHONE_NUMBER_ID}]})

    phone_number_id: MetaId


class EnterPin(BaseModel):
    """The number's two-step verification PIN."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"pin": "000000"}]}
    )

    pin: SecretStr = Field(description="Six digits. It is sealed and never shown again.")

    @field_validator("pin")
    @classmethod
    def _six_digits(cls, value: SecretStr) -> SecretStr:
        digits = value.get_secret_value()
        if len(digits) != 6 or not (digits.isascii() and digits.isdigit()):  # noqa: PLR2004 - Meta's length of a PIN
            raise ValueError("must be six digits")
        return value


class DeclineProof(BaseModel):
    """Go without the live proof."""

    model_config = ConfigDict(extra="forbid", json_schema_extra={"examples": [{"declined": True}]})

    declined: Literal[True]


class AddIntegration(BaseModel):
    """A number that is ready at Meta, with a token for it."""

    model_config = ConfigDict(extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [_ADD]})

    agent_flow_id: UUID
    organization_id: UUID = Field(description="Yours: the one that the key speaks for.")
    phone_number: str = Field(pattern=r"^\+?[0-9 ().-]{5,32}$")
    phone_number_id: MetaId
    waba_id: MetaId
    access_token: SecretStr = Field(
        min_length=1, max_length=4096, description="Write-only; answers show its last four characters."
    )
    verify_token: SecretStr | None = Field(
        default=None, min_length=1, max_length=255, description="Write-only; by default a random one."
    )
    enabled: bool = True


class ChangeIntegration(BaseModel):
    """What is to be different; what is left out stays as it is."""

    model_config = ConfigDict(
        extra="forbid", hide_input_in_errors=True, json_schema_extra={"examples": [{"enabled": False}]}
    )

    enabled: bool | None = None
    agent_flow_id: UUID | None = None
    unknown_policy: UnknownPolicy | None = Field(default=None, description=f"{POLICY} For all messages that name none.")
    stop_words: StopWords | Literal["default"] | None = Field(
        default=None,
        description="By language, the words by which customers stop marketing (`stop`) or let it come again (`start`). "
        "`default`: those that are known everywhere. `{}`: none.",
    )
    files_in_order: bool | None = Field(
        default=None,
        description="What follows a file waits for its delivery, 5 s at most: Meta is slower with files.",
    )
    verify_token: SecretStr | None = Field(default=None, min_length=1, max_length=255, description="Write-only.")
    access_token: SecretStr | None = Field(
        default=None, min_length=1, max_length=4096, description="Write-only; releases what waited for a good one."
    )


def _is_web_address(value: str) -> bool:
    try:
        parts = urlsplit(value)
    except ValueError:
        return False
    return parts.scheme in {"https", "http"} and bool(parts.hostname) and value.isascii() and value.isprintable()
