"""What the control API is asked for: its bodies, checked, durations in seconds."""

from typing import Annotated, Any, Literal, Self

import orjson
from pydantic import BaseModel, ConfigDict, Field, model_validator

from simulator.chaos import KINDS, LONGEST
from simulator.faults import CallName, Fault, FaultKind, kinds_of

Digits = Annotated[str, Field(pattern=r"^[0-9]+$")]
_LONGEST = 10 * 366 * 86400.0
Seconds = Annotated[float, Field(ge=0, le=_LONGEST)]
"""A duration: ten years at most, so that every sum of moments is one too."""
SomeSeconds = Annotated[float, Field(gt=0, le=_LONGEST)]
"""The same, of what cannot be nothing."""
Moment = Annotated[int, Field(ge=0, lt=2**40)]
"""Unix seconds."""
Code = Annotated[int, Field(ge=0, lt=10**9)]
"""One of Meta's codes."""


class Order(BaseModel):
    """A body of the control API: what it does not know it refuses, so that a typo is no silent no-op."""

    model_config = ConfigDict(extra="forbid", allow_inf_nan=False)

    @model_validator(mode="before")
    @classmethod
    def _can_be_told(cls, order: Any) -> Any:
        """Refuse numbers beyond 64 bits and halves of characters: no webhook and no answer could tell of them."""
        try:
            orjson.dumps(order, default=lambda _: None, option=orjson.OPT_NON_STR_KEYS)
        except TypeError as error:
            raise ValueError(f"this cannot be written as JSON: {error}") from error
        return order


class KnobsOrder(Order):
    """New settings of a number; what is left out stays. `Knobs` says what each is for."""

    token: str | None = None
    throughput: Annotated[int, Field(ge=0)] | None = None
    throughput_burst: Annotated[int, Field(ge=0)] | None = None
    pair_limit: bool | None = None
    over_limit: Literal["fail", "hold", "ignore"] | None = None
    answer_delay: Seconds | None = None
    statuses: tuple[str, ...] | None = None
    status_interval: Seconds | None = None
    statuses_before_answer: bool | None = None
    shuffle_statuses: bool | None = None
    hold_statuses: bool | None = None
    webhook_copies: Annotated[int, Field(ge=1, le=100)] | None = None
    revoked: bool | None = None
    removed: bool | None = None

    def changes(self) -> dict[str, Any]:
        """The knobs to change; the token is the number's own."""
        return self.model_dump(exclude_none=True, include=set(KnobsOrder.model_fields) - {"token"})


class NumberOrder(KnobsOrder):
    """A number to add; one that is there under this id is replaced."""

    phone_number_id: str
    waba_id: str
    display_phone_number: Digits
    token: str
    business_id: str | None = None
    """The portfolio; the WABA's id if left out."""


class CustomerOrder(Order):
    """Which customer of which number: a phone number, a BSUID or both."""

    phone_number_id: str
    wa_id: Digits | None = None
    user_id: Annotated[str, Field(min_length=1)] | None = None
    name: str | None = None
    username: str | None = None

    @model_validator(mode="after")
    def _named(self) -> Self:
        if self.wa_id is None and self.user_id is None:
            raise ValueError("a customer needs a wa_id or a user_id")
        return self


class SayOrder(CustomerOrder):
    """What a customer says, of any shape. `text` is short for type text."""

    text: str | None = None
    type: str = "text"
    content: Any = None
    """What stands under the type's own key."""
    timestamp: Moment | None = None
    """What the message claims instead of now."""
    group_id: str | None = None
    extra: dict[str, Any] = Field(default_factory=dict)
    """Further keys of the message: `context`, `referral`, `errors`."""
    contacts: bool = True
    """Whether the webhook has a `contacts` block."""


class FaultOrder(Order):
    """A fault to put in force; `Fault` says what each field is for."""

    kind: FaultKind
    phone_number_id: str | None = None
    recipient: str | None = None
    call: CallName = "send"
    after: Annotated[int, Field(ge=0)] = 0
    count: Annotated[int, Field(ge=1)] | None = None
    probability: Annotated[float, Field(ge=0, le=1)] = 1.0
    accepted: bool = True
    seconds: Seconds = 0.0
    code: Code | None = None
    subcode: Code | None = None
    http_status: Annotated[int, Field(ge=400, le=599)] | None = None
    is_transient: bool | None = None
    details: str = ""
    copies: Annotated[int, Field(ge=1, le=100)] = 2
    foreign_id: bool = False

    @model_validator(mode="after")
    def _fits(self) -> Self:
        if self.kind not in (kinds := kinds_of(self.call)):
            raise ValueError(f"call: {self.call} meets no fault of the kind {self.kind}, but {', '.join(kinds)}")
        if self.kind in {"slow", "late"} and not self.seconds:
            raise ValueError(f"seconds: a fault of the kind {self.kind} does nothing without them")
        return self

    def fault(self) -> Fault:
        """The fault that is ordered."""
        return Fault(**self.model_dump(include=set(FaultOrder.model_fields)))


class ChaosOrder(Order):
    """Random faults from a seed; `Chaos` says what each field is for."""

    seed: Annotated[int, Field(ge=0)] | None = None
    """None: any."""
    seconds: Annotated[float, Field(gt=0, le=86400)] | None = None
    """None: until it is stopped."""
    kinds: Annotated[tuple[str, ...], Field(min_length=1)] = KINDS
    phone_number_id: str | None = None
    longest: SomeSeconds = LONGEST
    pace: SomeSeconds = 1.0
    lasts: SomeSeconds = 3.0


class WebhookOrder(Order):
    """New settings of webhook delivery; what is left out stays."""

    url: str | None = None
    connections: Annotated[int, Field(ge=1)] | None = None
    retry_first: SomeSeconds | None = None
    retry_longest: SomeSeconds | None = None
    retry_for: Seconds | None = None


class FlushOrder(Order):
    """How collected updates leave."""

    size: Annotated[int, Field(ge=1, le=1000)] = 1000


class ReleaseOrder(Order):
    """Whose withheld statuses to send, and in which order."""

    phone_number_id: str
    shuffle: bool = False


class EmitOrder(Order):
    """Any webhook change, of any field, delivered like every other."""

    waba_id: str
    field: str
    value: dict[str, Any]
    copies: Annotated[int, Field(ge=1, le=1000)] = 1


class ClockOrder(Order):
    """Seconds to move the clock by."""

    move: Annotated[float, Field(ge=-_LONGEST, le=_LONGEST)]


class LoadOrder(Order):
    """A closed loop of customers, each of whom waits for the reply before writing again."""

    phone_number_id: str
    customers: Annotated[int, Field(ge=1)]
    seconds: SomeSeconds
    exchanges_each: Annotated[int, Field(ge=1)] = 40
    """After this many a customer is replaced by a new one."""
    patience: SomeSeconds = 30.0
    """A customer who waits longer counts as unanswered and is replaced."""
    first_wa_id: Annotated[int, Field(ge=1)] = 4915550000000
    """Customers are numbered from here; a second run with the same figure goes on with the next."""
