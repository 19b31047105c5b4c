"""The business's numbers, as Meta would know them, each with its knobs."""

from dataclasses import dataclass, field
from typing import Any, Literal

from simulator.business.standing import Standing
from simulator.limits import COEXISTENCE, STANDARD, UPGRADED, Throughput


@dataclass(frozen=True, slots=True)
class Knobs:
    """How the simulator behaves towards one number. Durations are seconds."""

    throughput: int | None = None
    """Messages per second, in and out together; 0 is no limit, None: what Meta gives a number that stands so."""
    throughput_burst: int = 5
    """What one second may hold beyond `throughput`."""
    pair_limit: bool = True
    over_limit: Literal["fail", "hold", "ignore"] = "fail"
    """What becomes of a template to one user more than the portfolio's messaging limit: it fails late, or is kept until
    there is room."""
    answer_delay: float = 0.0
    """Graph's own time: the customer has the message, and the caller the answer, after it."""
    statuses: tuple[str, ...] = ("sent", "delivered", "read")
    status_interval: float = 0.05
    """Time between a message's statuses, and before a late `failed`."""
    statuses_before_answer: bool = False
    """Customer and statuses do not wait for `answer_delay`: a status may overtake the answer."""
    shuffle_statuses: bool = False
    hold_statuses: bool = False
    """Statuses wait until they are released."""
    webhook_copies: int = 1
    """How often each body is delivered."""
    revoked: bool = False
    """Every token that sees the number is dead: 190."""
    removed: bool = False
    """The number was taken from every token: 100, subcode 33."""


@dataclass(slots=True)
class Number:
    """One phone number of a business."""

    phone_number_id: str
    waba_id: str
    display_phone_number: str
    token: str
    """The one it was added with; others may see it too."""
    business_id: str
    """The portfolio: BSUIDs are made per portfolio."""
    knobs: Knobs = field(default_factory=Knobs)
    standing: Standing = field(default_factory=Standing)
    throughput: Throughput = field(default_factory=Throughput)
    held: list[dict[str, Any]] = field(default_factory=list)
    """Statuses withheld, as webhook changes."""

    @property
    def per_second(self) -> int:
        """Messages that one second may hold, in and out together; 0 is no limit."""
        if self.knobs.throughput is not None:
            return self.knobs.throughput
        if self.standing.is_on_biz_app and self.standing.platform_type == "CLOUD_API":
            return COEXISTENCE
        return UPGRADED if self.standing.throughput_level == "HIGH" else STANDARD

    @property
    def metadata(self) -> dict[str, str]:
        """What each of its `messages` webhooks begins with."""
        return {"display_phone_number": self.display_phone_number, "phone_number_id": self.phone_number_id}

    @property
    def country_code(self) -> str:
        """The calling code that Meta prepends to a recipient without `+`; one digit for +1 and +7, else two."""
        return self.display_phone_number[: 1 if self.display_phone_number[:1] in {"1", "7"} else 2]
