"""What Meta's side says of a number: the fields that Graph answers, and what registering it goes by."""

from collections import deque
from dataclasses import dataclass, field
from typing import Any

REGISTRATIONS = 10
"""Registrations, and deregistrations, of one number in a moving 72 h; the next one locks it."""
REGISTRATION_WINDOW = 72 * 3600.0
PIN_GUESSES = 5
PIN_WAIT = 600.0
"""Seconds after too many wrong PINs. Meta names no figures: it says in words how long to wait."""


class Attempts:
    """Calls of one kind within a moving 72 h, on the simulator's clock."""

    __slots__ = ("_made", "locked_until")

    def __init__(self) -> None:
        self._made: deque[float] = deque()
        self.locked_until = 0.0

    def count(self, now: float) -> int:
        """How many there were in the 72 h until now."""
        self._forget(now)
        return len(self._made)

    def take(self, now: float) -> bool:
        """Count one; False if the number is locked, or is by this one."""
        self._forget(now)
        if now < self.locked_until:
            return False
        if len(self._made) >= REGISTRATIONS:
            self.locked_until = now + REGISTRATION_WINDOW
            return False
        self._made.append(now)
        return True

    def _forget(self, now: float) -> None:
        while self._made and self._made[0] <= now - REGISTRATION_WINDOW:
            self._made.popleft()


@dataclass(slots=True)
class Guesses:
    """Wrong PINs in a row."""

    wrong: int = 0
    last_at: float = 0.0
    locked_until: float = 0.0


@dataclass(slots=True)
class Standing:
    """A number as it stands at Meta; as made, one that is registered and connected."""

    verified_name: str = "Holdfast Test"
    status: str = "CONNECTED"
    name_status: str = "APPROVED"
    new_name_status: str = "NONE"
    code_verification_status: str = "VERIFIED"
    quality_rating: str = "GREEN"
    account_mode: str = "LIVE"
    platform_type: str = "CLOUD_API"
    throughput_level: str = "STANDARD"
    messaging_limit: str = "TIER_250"
    username: str | None = None
    is_on_biz_app: bool = False
    """Used in the WhatsApp Business app too: with CLOUD_API, coexistence."""
    is_official_business_account: bool = False
    is_preverified_number: bool = False
    registered: bool = True
    pin: str | None = None
    """The PIN of two-step verification; None: it is off, and the PIN of the next registration becomes it."""
    pin_interval: float = 0.0
    """Seconds that must lie between a wrong PIN and the next try (133009)."""
    onboarded_at: float = 0.0
    """When Embedded Signup ended last, by the simulator's clock: syncs are possible for 24 h from then."""
    data_localization_region: str | None = None
    override_callback_uri: str | None = None
    health: dict[str, Any] = field(default_factory=dict)
    """Its own part of `health_status`: can_send_message, errors, additional_info."""
    history_shared: bool = True
    """False: the business declined, and its history is one error, 2593109."""
    guesses: Guesses = field(default_factory=Guesses)
    registrations: Attempts = field(default_factory=Attempts)
    deregistrations: Attempts = field(default_factory=Attempts)
    synced: set[str] = field(default_factory=set)
    """Syncs already asked for: each works once."""

    def connect(self) -> None:
        """Stand as after a registration."""
        self.registered = True
        self.status, self.platform_type, self.throughput_level = "CONNECTED", "CLOUD_API", "STANDARD"

    def disconnect(self) -> None:
        """Stand as before one."""
        self.registered = False
        self.status, self.platform_type, self.throughput_level = "DISCONNECTED", "NOT_APPLICABLE", "NOT_APPLICABLE"


def unregistered(**fields: Any) -> Standing:
    """A number that came out of Embedded Signup: verified, and still to be registered."""
    standing = Standing(status="PENDING", platform_type="NOT_APPLICABLE", throughput_level="NOT_APPLICABLE")
    standing.registered = False
    for name, value in fields.items():
        setattr(standing, name, value)
    return standing
