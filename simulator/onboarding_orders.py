"""What the control API is asked for about businesses, WABAs, what numbers stand at, tokens and codes."""

from typing import Annotated, Any, Literal

from pydantic import Field

from simulator.business.tokens import BOTH
from simulator.orders import Code, Digits, KnobsOrder, Order, Seconds, SomeSeconds


class HealthOrder(Order):
    """An entity's part of `health_status`."""

    can_send_message: Literal["AVAILABLE", "LIMITED", "BLOCKED"] = "AVAILABLE"
    errors: list[dict[str, Any]] | None = None
    """Each with error_code, error_description, possible_solution."""
    additional_info: list[str] | None = None


class BusinessOrder(Order):
    """A portfolio to add, or changes of one that is there."""

    business_id: str | None = None
    """None: a new one is made."""
    name: str | None = None
    verification_status: str | None = None
    health: HealthOrder | None = None


class WabaOrder(Order):
    """A WABA to add, or changes of one that is there."""

    waba_id: str | None = None
    business_id: str | None = None
    """The owner; None: a new portfolio, or the one it has."""
    name: str | None = None
    currency: str | None = None
    account_review_status: str | None = None
    shared: bool | None = None
    subscribed: bool | None = None
    """Whether our app gets its webhooks; a new WABA's are got by nobody."""
    other_apps: list[str] | None = None
    """Ids of other apps that get its webhooks."""
    health: HealthOrder | None = None


class StandingOrder(Order):
    """Changes of what a number stands at; `Standing` says what each is for."""

    verified_name: str | None = None
    status: str | None = None
    name_status: str | None = None
    new_name_status: str | None = None
    code_verification_status: str | None = None
    quality_rating: str | None = None
    account_mode: str | None = None
    platform_type: str | None = None
    throughput_level: str | None = None
    messaging_limit: str | None = None
    username: str | None = None
    is_on_biz_app: bool | None = None
    is_official_business_account: bool | None = None
    registered: bool | None = None
    pin: Annotated[str, Field(pattern=r"^(\d{6})?$")] | None = None
    """Six digits; empty: two-step verification off."""
    pin_interval: Seconds | None = None
    onboarded_at: Annotated[float, Field(ge=0, lt=2**37)] | None = None
    history_shared: bool | None = None
    registrations_made: Annotated[int, Field(ge=0, le=10)] | None = None
    """As if register had been called that often just now."""
    health: HealthOrder | None = None


class PreparedOrder(Order):
    """A number as Embedded Signup leaves it: verified, to be registered. What is not named is made up."""

    phone_number_id: str | None = None
    waba_id: str | None = None
    business_id: str | None = None
    display_phone_number: Digits | None = None
    standing: StandingOrder = Field(default_factory=StandingOrder)
    knobs: KnobsOrder = Field(default_factory=KnobsOrder)


class TokenOrder(Order):
    """A token, or a code that is worth one."""

    waba_ids: list[str]
    business_id: str | None = None
    """The portfolio that grants it: by default the first WABA's."""
    scopes: list[str] = Field(default_factory=lambda: list(BOTH))
    seconds: SomeSeconds | None = None
    """Until it expires; None: never."""
    names_targets: bool = True
    """False: granted to all of the portfolio's assets, and no target_ids in debug_token."""
    app_id: str | None = None
    """Another app's id; None: ours."""


class CodeOrder(TokenOrder):
    """A code."""

    redirect_uri: str | None = None
    announce: bool = True
    """Whether PARTNER_APP_INSTALLED goes out for each WABA, as after every signup."""


class TokenChangeOrder(Order):
    """Changes of every token that has this text, sees this WABA or sees this number."""

    token: str | None = None
    waba_id: str | None = None
    phone_number_id: str | None = None
    revoked: Code | None = None
    """The subcode to refuse it with; 0: it lives again."""
    add_scopes: list[str] = Field(default_factory=list)
    remove_scopes: list[str] = Field(default_factory=list)
    remove_wabas: list[str] = Field(default_factory=list)
    seconds: Seconds | None = None
    """Until it expires, from now; 0: never."""
    app_id: str | None = None


class AppOrder(Order):
    """Changes of the app's own subscription."""

    active: bool | None = None
    fields: list[str] | None = None
    redirect_uris: list[str] | None = None
    """The valid OAuth redirect URIs, exactly; empty: any."""
