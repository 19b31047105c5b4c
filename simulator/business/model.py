"""Portfolios and WABAs."""

from dataclasses import dataclass, field
from typing import Any


@dataclass(slots=True)
class Business:
    """A business portfolio."""

    business_id: str
    name: str = "Test Business"
    verification_status: str = "verified"
    health: dict[str, Any] = field(default_factory=dict)
    """Its part of `health_status`: can_send_message, errors, additional_info."""


@dataclass(slots=True)
class Waba:
    """A WhatsApp Business Account."""

    waba_id: str
    business_id: str
    """The portfolio that owns it."""
    name: str = "Test WABA"
    currency: str = "EUR"
    timezone_id: str = "1"
    account_review_status: str = "APPROVED"
    shared: bool = True
    """Shared with the app's portfolio; if not, no token of the app sees it."""
    subscribed: dict[str, str | None] = field(default_factory=dict)
    """The apps that get its webhooks, by id, each with its override of the callback."""
    health: dict[str, Any] = field(default_factory=dict)
