"""What a look at a conversation goes by: the figures, the conversation as it stands, what is open in it."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from uuid import UUID

from store.claims import STEPS_ASIDE
from whatsapp.window import is_open

_ALONE = ("back_off", "not_before")


@dataclass(frozen=True, slots=True)
class Rules:
    """The figures a look goes by; built from the settings, milliseconds in tests."""

    sending_timeout: timedelta = timedelta(seconds=20)
    unknown_wait: timedelta = timedelta(seconds=120)
    answer_stale_after: timedelta = timedelta(minutes=15)
    inbound_stale_after: timedelta = timedelta(hours=1)
    give_back_after: timedelta = timedelta(hours=24)
    give_back_at_window_close: bool = True
    backstop: timedelta = timedelta(seconds=60)
    max_bot_turns: int = 20
    bot_turns_within: timedelta = timedelta(minutes=10)


@dataclass(frozen=True, slots=True)
class Conversation:
    """The conversation as it stands under its lock, with its number, its agent flow and its open turn."""

    id: UUID
    organization_id: UUID
    integration_id: UUID
    in_charge: str
    in_charge_reason: str | None
    in_charge_since: datetime | None
    window_opened_at: datetime | None
    last_turn_no: int
    integration_state: str
    state_reason: str | None
    enabled: bool
    phone_number_id: str
    access_token_sealed: bytes | None
    unknown_policy: str
    agent_flow_id: UUID
    agent_kind: str
    pause: timedelta
    receipts: bool
    turn_id: UUID | None
    turn_no: int | None
    turn_state: str | None
    now: datetime
    # What is read only once the lock is there.
    person_acted_at: datetime | None = None
    """The latest message since the take-over that was not the bot's; read only while a person is in charge."""
    too_many_turns: bool = False
    files: list[UUID] | None = None
    """Customers' files that are to be fetched now."""
    files_next_at: datetime | None = None
    """When another one is."""

    @property
    def sends(self) -> bool:
        """Whether the number may send at all at this moment."""
        return self.enabled and self.integration_state == "live" and self.access_token_sealed is not None


@dataclass(frozen=True, slots=True)
class Open:
    """A message that is not done: received and unanswered, queued, sending, or unknown."""

    id: UUID
    direction: str
    author: str
    type: str
    content: dict[str, Any]
    state: str
    wamid: str | None
    meta_timestamp: datetime | None
    webhook_event_id: int | None
    place: int | None
    created_at: datetime
    queue_no: int | None
    category: str | None
    attempt: int
    resends: int
    hold: str | None
    hold_since: datetime | None
    hold_until: datetime | None
    claimed_at: datetime | None
    unknown_until: datetime | None
    send_before: datetime | None
    unknown_policy: str
    reason: str | None
    media_id: UUID | None = None
    """The file of ours that it carries."""

    def is_overdue(self, now: datetime, sending_timeout: timedelta) -> bool:
        """Sending for too long, unknown past its wait, or queued past the moment it makes sense."""
        if self.state == "sending":
            return self.claimed_at is not None and self.claimed_at + sending_timeout <= now
        if self.state == "unknown":
            return self.unknown_until is not None and self.unknown_until <= now
        return self.state == "queued" and self.send_before is not None and self.send_before <= now

    def waits_at(self, at: Conversation) -> bool:
        """Held until a moment to come; for room among those who are written to first, only until the window opens."""
        if self.hold_until is None or self.hold_until <= at.now:
            return False
        return self.hold != "portfolio" or not is_open(at.window_opened_at, at.now)

    def lets_pass_from(self) -> datetime | None:
        """From when on the rows behind it need not wait for its file, should that not be at Meta by then."""
        return None if self.hold != "media" or self.hold_since is None else self.hold_since + STEPS_ASIDE

    @property
    def steps_aside(self) -> bool:
        """Waits for itself alone and for so long that the rows behind it need not."""
        if self.hold == "portfolio":
            return True
        alone = self.hold in _ALONE and self.hold_until is not None and self.hold_since is not None
        return alone and self.hold_until - self.hold_since > STEPS_ASIDE  # type: ignore[operator]
