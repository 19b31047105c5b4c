"""Tokens and the codes they are exchanged for."""

import secrets
from dataclasses import dataclass, field
from typing import Any

from simulator.business.model import Waba

MANAGEMENT = "whatsapp_business_management"
MESSAGING = "whatsapp_business_messaging"
BUSINESS = "business_management"
BOTH = (MANAGEMENT, MESSAGING)
CODE_SECONDS = 30.0
SIXTY_DAYS = 60 * 86400.0


def new_token_text() -> str:
    """A token that no other is."""
    return "EAA" + secrets.token_urlsafe(48).replace("-", "0").replace("_", "1")


@dataclass(slots=True)
class Token:
    """A business integration system user's token."""

    text: str
    app_id: str
    business_id: str
    """The portfolio that granted it."""
    waba_ids: set[str]
    scopes: list[str] = field(default_factory=lambda: list(BOTH))
    names_targets: bool = True
    """False: access was granted to all assets, and debug_token has no target_ids."""
    type: str = "SYSTEM_USER"
    user_id: str = "122093412345678901"
    issued_at: float = 0.0
    expires_at: float = 0.0
    """Unix time; 0: never."""
    revoked: int | None = None
    """The subcode of 190 that it is refused with: 458 app removed, 460 password changed, 463 expired, 467 invalid."""

    def death(self, now: float) -> int | None:
        """The subcode it is dead by; None while it lives."""
        if self.revoked is not None:
            return self.revoked
        return 463 if self.expires_at and now >= self.expires_at else None

    def sees(self, waba: Waba) -> bool:
        """Whether the WABA is among its assets."""
        if not waba.shared:
            return False
        return waba.waba_id in self.waba_ids or (not self.names_targets and waba.business_id == self.business_id)

    @property
    def granular_scopes(self) -> list[dict[str, Any]]:
        """What debug_token tells of its assets; portfolio ids under business_management, WABA ids elsewhere."""
        rows: list[dict[str, Any]] = []
        for scope in self.scopes:
            row: dict[str, Any] = {"scope": scope}
            if scope == BUSINESS:
                row["target_ids"] = [self.business_id]
            elif self.names_targets and scope in BOTH:
                row["target_ids"] = sorted(self.waba_ids)
            rows.append(row)
        return rows


@dataclass(slots=True)
class Code:
    """What Facebook Login hands to the browser: good for 30 s, once."""

    text: str
    token: Token
    expires_at: float
    redirect_uri: str | None = None
    """Where the dialog redirected to: the exchange must repeat it. None: the SDK's popup."""
    used: bool = False
