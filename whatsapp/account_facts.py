"""What Meta tells of tokens, accounts, numbers and subscriptions, read from its answers (sections 2.5, 3.1 and 3.3).

All of Meta's own words (statuses, ratings, levels) are kept as they come: they grow without notice.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

from whatsapp.foreign import UnreadableError, identifier, instant, mapping, number, objects, text

NOT_APPLICABLE = "NOT_APPLICABLE"
CONNECTED = "CONNECTED"
VERIFIED = "VERIFIED"
CLOUD_API = "CLOUD_API"

NUMBER_FIELDS = (
    "id", "display_phone_number", "verified_name", "status", "name_status", "code_verification_status",
    "quality_rating", "platform_type", "throughput", "whatsapp_business_manager_messaging_limit", "account_mode",
    "is_on_biz_app", "is_pin_enabled", "health_status", "webhook_configuration",
)  # fmt: skip
WABA_FIELDS = ("id", "name", "owner_business_info")

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Token:
    """An access token as Meta gave it."""

    access_token: str = field(repr=False)
    expires_in: timedelta | None = None
    """None: Meta named no end."""


@dataclass(frozen=True, slots=True)
class TokenFacts:
    """What Meta knows of a token."""

    app_id: str | None
    is_valid: bool
    type: str | None
    """`SYSTEM_USER` of a business token."""
    expires_at: datetime | None
    """None: never."""
    scopes: frozenset[str]
    targets: Mapping[str, tuple[str, ...]]
    """The accounts that a scope was given for; none at all when it was given for all of them."""
    user_id: str | None
    error: str | None
    """Why it is not valid, in Meta's words."""

    def targets_of(self, *scopes: str) -> tuple[str, ...]:
        """The accounts that any of these scopes names, each once, in Meta's order."""
        return tuple(dict.fromkeys(target for scope in scopes for target in self.targets.get(scope, ())))


@dataclass(frozen=True, slots=True)
class Waba:
    """A WhatsApp Business Account and the business that owns it."""

    id: str
    name: str | None = None
    business_id: str | None = None
    business_name: str | None = None


@dataclass(frozen=True, slots=True)
class HealthError:
    """One thing that blocks or limits sending: 141006 payment, 141010 verification and more."""

    code: int | None
    description: str | None
    solution: str | None


@dataclass(frozen=True, slots=True)
class HealthEntity:
    """One of those that a message depends on: the number, its account, the business, the app."""

    type: str
    id: str | None
    can_send: str | None
    errors: tuple[HealthError, ...] = ()
    additional: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Health:
    """Whether messages can be sent: the worst of the entities, though a business that is LIMITED may well send."""

    can_send: str | None
    """AVAILABLE, LIMITED or BLOCKED."""
    entities: tuple[HealthEntity, ...] = ()


@dataclass(frozen=True, slots=True)
class NumberFacts:
    """A phone number as Meta has it. What Meta did not tell is None."""

    id: str
    display_phone_number: str | None = None
    verified_name: str | None = None
    status: str | None = None
    name_status: str | None = None
    code_verification_status: str | None = None
    quality: str | None = None
    platform_type: str | None = None
    throughput: str | None = None
    messaging_limit: str | None = None
    account_mode: str | None = None
    is_on_biz_app: bool = False
    is_pin_enabled: bool = False
    health: Health | None = None
    callback_override: str | None = None
    """Where Meta sends this number's webhooks instead of the account's or the app's address."""
    waba_callback_override: str | None = None

    @property
    def is_connected(self) -> bool:
        """Ready for messages."""
        return self.status == CONNECTED

    @property
    def is_coexistence(self) -> bool:
        """Used in the WhatsApp Business app beside the Cloud API: the app has registered it, nobody else does."""
        return self.is_on_biz_app and self.platform_type == CLOUD_API

    @property
    def needs_registering(self) -> bool:
        """Not yet of the Cloud API: no platform or throughput, or verified and yet not connected."""
        if self.is_coexistence:
            return False
        if NOT_APPLICABLE in (self.platform_type, self.throughput):
            return True
        return self.code_verification_status == VERIFIED and self.status not in (None, CONNECTED)


@dataclass(frozen=True, slots=True)
class Subscription:
    """An app that receives an account's webhooks."""

    app_id: str
    name: str | None = None
    override_callback_uri: str | None = None


@dataclass(frozen=True, slots=True)
class AppSubscription:
    """Where the app's webhooks of one kind go, and which fields it gets."""

    object: str
    callback_url: str | None
    active: bool
    fields: frozenset[str]


def token(told: Json) -> Token | None:
    """The token of an exchange; Meta's documents call the key by two names."""
    value = text(told.get("access_token")) or text(told.get("business_token"))
    seconds = number(told.get("expires_in"))
    return Token(value, timedelta(seconds=seconds) if seconds else None) if value else None


def token_facts(told: Json) -> TokenFacts:
    """What `debug_token` tells."""
    granular = objects(told.get("granular_scopes"))
    return TokenFacts(
        app_id=_id(told.get("app_id")),
        is_valid=told.get("is_valid") is True,
        type=text(told.get("type")),
        expires_at=_end(told.get("expires_at")),
        scopes=frozenset(_texts(told.get("scopes"))),
        targets={scope: _ids(part.get("target_ids")) for part in granular if (scope := text(part.get("scope")))},
        user_id=_id(told.get("user_id")),
        error=text(mapping(told.get("error")).get("message")),
    )


def waba(told: Json) -> Waba | None:
    """A WABA; None when it has no id."""
    waba_id, owner = _id(told.get("id")), mapping(told.get("owner_business_info"))
    return Waba(waba_id, text(told.get("name")), _id(owner.get("id")), text(owner.get("name"))) if waba_id else None


def number_facts(told: Json) -> NumberFacts | None:
    """A number; None when it has no id."""
    number_id, callbacks = _id(told.get("id")), mapping(told.get("webhook_configuration"))
    if number_id is None:
        return None
    return NumberFacts(
        id=number_id,
        display_phone_number=text(told.get("display_phone_number")),
        verified_name=text(told.get("verified_name")),
        status=text(told.get("status")),
        name_status=text(told.get("name_status")),
        code_verification_status=text(told.get("code_verification_status")),
        quality=text(told.get("quality_rating")),
        platform_type=text(told.get("platform_type")),
        throughput=text(mapping(told.get("throughput")).get("level")),
        messaging_limit=text(told.get("whatsapp_business_manager_messaging_limit")),
        account_mode=text(told.get("account_mode")),
        is_on_biz_app=told.get("is_on_biz_app") is True,
        is_pin_enabled=told.get("is_pin_enabled") is True,
        health=_health(mapping(told.get("health_status"))),
        callback_override=text(callbacks.get("phone_number")) or text(callbacks.get("override_callback_uri")) or None,
        waba_callback_override=text(callbacks.get("whatsapp_business_account")) or None,
    )


def subscription(told: Json) -> Subscription | None:
    """An app's subscription to a WABA; None when it names no app."""
    app = mapping(told.get("whatsapp_business_api_data"))
    app_id = _id(app.get("id"))
    return Subscription(app_id, text(app.get("name")), text(told.get("override_callback_uri"))) if app_id else None


def app_subscription(told: Json) -> AppSubscription | None:
    """The app's own subscription; its fields are names, or objects with a name and a version."""
    name, fields = text(told.get("object")), told.get("fields")
    if not name:
        return None
    names = {*_texts(fields), *(text(part.get("name")) or "" for part in objects(fields))} - {""}
    return AppSubscription(name, text(told.get("callback_url")), told.get("active") is True, frozenset(names))


def _health(told: Json) -> Health | None:
    entities = [
        HealthEntity(
            type=text(part.get("entity_type")) or "UNKNOWN",
            id=_id(part.get("id")),
            can_send=text(part.get("can_send_message")),
            errors=tuple(_health_error(error) for error in objects(part.get("errors"))),
            additional=_texts(part.get("additional_info")),
        )
        for part in objects(told.get("entities"))
    ]
    return Health(text(told.get("can_send_message")), tuple(entities)) if told else None


def _health_error(told: Json) -> HealthError:
    words = text(told.get("error_description")), text(told.get("possible_solution"))
    return HealthError(number(told.get("error_code")), *words)


def _id(value: Any) -> str | None:
    try:
        return identifier(value)
    except UnreadableError:
        return None


def _ids(value: Any) -> tuple[str, ...]:
    return tuple(found for part in value if (found := _id(part))) if isinstance(value, list) else ()


def _texts(value: Any) -> tuple[str, ...]:
    return tuple(part for part in value if isinstance(part, str)) if isinstance(value, list) else ()


def _end(value: Any) -> datetime | None:
    """An end in seconds since 1970; 0 is Meta's word for never."""
    try:
        return instant(value) if value else None
    except UnreadableError:
        return None
