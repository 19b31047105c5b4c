"""What a look at a conversation decides, as a pure function of what Postgres says: no clock, no I/O."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from store.claims import STEPS_ASIDE
from store.echo import echo
from store.ids import new_id
from whatsapp.window import closes_at, is_open

ROWS_PER_LOOK = 20
PAUSE_LIMIT = 5
"""Somebody who never stops typing is answered after this many pauses."""
_ALONE = ("back_off", "not_before", "media")


@dataclass(frozen=True, slots=True)
class Rules:
    """The figures a look goes by; built from the settings, milliseconds in tests."""

    sending_timeout: timedelta = timedelta(seconds=20)
    unknown_wait: timedelta = timedelta(seconds=120)
    answer_stale_after: timedelta = timedelta(minutes=15)
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
    too_many_turns: bool
    now: datetime

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

    def is_overdue(self, now: datetime, sending_timeout: timedelta) -> bool:
        """Sending for too long, unknown past its wait, or queued past the moment it makes sense."""
        if self.state == "sending":
            return self.claimed_at is not None and self.claimed_at + sending_timeout <= now
        if self.state == "unknown":
            return self.unknown_until is not None and self.unknown_until <= now
        return self.state == "queued" and self.send_before is not None and self.send_before <= now

    @property
    def steps_aside(self) -> bool:
        """Waits for itself alone and for so long that the rows behind it need not."""
        alone = self.hold in _ALONE and self.hold_until is not None and self.hold_since is not None
        return alone and self.hold_until - self.hold_since > STEPS_ASIDE  # type: ignore[operator]


@dataclass(frozen=True, slots=True)
class Reply:
    """A row to be queued."""

    type: str
    content: dict[str, Any]
    id: UUID = field(default_factory=new_id)


@dataclass(frozen=True, slots=True)
class NewTurn:
    """A turn that begins: everything that was waiting belongs to it."""

    id: UUID
    turn_no: int
    state: Literal["asking", "answered"]
    taken: list[Open]


@dataclass(slots=True)
class Plan:
    """What was decided; `due_in` is when Postgres asks for another look if nobody has looked by then."""

    new_turn: NewTurn | None = None
    replies: list[Reply] = field(default_factory=list)
    kept: list[Open] = field(default_factory=list)
    kept_reason: str | None = None
    hand_over: str | None = None
    to_send: list[UUID] = field(default_factory=list)
    more: bool = False
    pending: bool = False
    next_in: timedelta | None = None
    next_why: str = ""
    window_closes_in: timedelta | None = None
    waiting_for: str = ""

    def due_in(self, backstop: timedelta) -> timedelta | None:
        """The next moment something must happen plus `backstop`, or None when nothing must."""
        if self.to_send or (self.new_turn is not None and self.new_turn.state == "asking"):
            return backstop
        return None if self.next_in is None else self.next_in + backstop

    def wait(self, moment: timedelta, why: str) -> None:
        """Something happens in `moment`; the earliest one is kept."""
        moment = max(moment, timedelta(0))
        if self.next_in is None or moment < self.next_in:
            self.next_in, self.next_why = moment, why


def plan(conversation: Conversation, opened: list[Open], *, rules: Rules, turn_id: UUID) -> Plan:
    """Decide. `turn_id` is the id of the turn, should one begin."""
    decided = Plan()
    received = sorted((row for row in opened if row.state == "received"), key=_in_meta_order)
    if received:
        _answer(decided, conversation, received, rules=rules, turn_id=turn_id)
    outbound = sorted((row for row in opened if row.direction == "out"), key=lambda row: row.queue_no or 0)
    _send(decided, conversation, outbound, rules=rules)
    if conversation.turn_id is not None or (decided.new_turn and decided.new_turn.state == "asking"):
        decided.pending = True  # no "waiting for": asking is part of an undisturbed exchange
    if conversation.window_opened_at is not None:
        decided.window_closes_in = closes_at(conversation.window_opened_at) - conversation.now
        if decided.window_closes_in > timedelta(0):
            decided.wait(decided.window_closes_in, "the 24-hour window closes")
    return decided


def _in_meta_order(row: Open) -> tuple[datetime, int, int]:
    return (row.meta_timestamp or row.created_at, row.webhook_event_id or 0, row.place or 0)


def _answer(decided: Plan, at: Conversation, received: list[Open], *, rules: Rules, turn_id: UUID) -> None:
    """Begin a turn over all that waits, or say why none begins."""
    if at.in_charge == "person":
        decided.kept, decided.kept_reason = received, "A person is in charge of the conversation."
        return
    if not at.enabled or at.integration_state in ("connecting", "disconnected"):
        return  # stored; looked at again when the number is switched on
    if not is_open(at.window_opened_at, at.now):
        decided.kept, decided.kept_reason = received, "It arrived after its 24-hour window had closed."
        decided.hand_over = "A message arrived after its 24-hour window had closed: answer it with a template."
        return
    if at.turn_id is not None:
        return  # the open turn ends first; what waits belongs to the next one
    if at.too_many_turns:
        minutes = round(rules.bot_turns_within.total_seconds() / 60)
        decided.kept, decided.kept_reason = received, "Handed over: too many bot turns."
        decided.hand_over = f"More than {rules.max_bot_turns} bot turns in {minutes} minutes: is this another bot?"
        return
    settled_in = _settled_in(at, received)
    if settled_in > timedelta(0):
        decided.pending = True
        decided.wait(settled_in, "the customer may still be writing")
        return
    state: Literal["asking", "answered"] = "answered" if at.agent_kind == "echo" else "asking"
    decided.new_turn = NewTurn(turn_id, at.last_turn_no + 1, state, received)
    if state == "answered":
        decided.replies = [Reply("text", content) for content in echo([(row.type, row.content) for row in received])]
        decided.to_send = [reply.id for reply in decided.replies]


def _settled_in(at: Conversation, received: list[Open]) -> timedelta:
    newest = max(row.created_at for row in received)
    oldest = min(row.created_at for row in received)
    return min(newest + at.pause, oldest + PAUSE_LIMIT * at.pause) - at.now


def _send(decided: Plan, at: Conversation, outbound: list[Open], *, rules: Rules) -> None:
    """Which rows may leave now, in order, and what the others wait for."""
    replies, decided.to_send = decided.to_send, []
    held_up = False
    for row in outbound:
        if row.state == "unknown":
            held_up = _behind_unknown(decided, at, row) or held_up
        elif row.state == "sending":
            decided.pending = held_up = True
            until = (row.claimed_at or at.now) + rules.sending_timeout
            decided.wait(until - at.now, "a message is in flight")
        elif not at.sends:  # its release is a nudge: the run need not live that long
            held_up = True
            decided.waiting_for = "the number to be enabled" if not at.enabled else "the number's release"
            _mind_expiry(decided, at, row)
        elif held_up:
            decided.pending = True
        elif row.hold_until is not None and row.hold_until > at.now:
            decided.pending = True
            decided.wait(row.hold_until - at.now, row.reason or "a message waits for its time")
            decided.waiting_for = row.reason or "its time"
            _mind_expiry(decided, at, row)
            held_up = held_up or not row.steps_aside
        else:
            decided.to_send.append(row.id)
    if not held_up and at.sends:
        decided.to_send.extend(replies)
    decided.more = len(decided.to_send) > ROWS_PER_LOOK
    decided.to_send = decided.to_send[:ROWS_PER_LOOK]
    decided.pending = decided.pending or bool(decided.to_send)


def _behind_unknown(decided: Plan, at: Conversation, row: Open) -> bool:
    """Whether an unknown outcome still holds up what is behind it: for its wait, not longer."""
    if row.unknown_until is None or row.unknown_until <= at.now:
        decided.waiting_for = "a person's decision on an unknown outcome"
        return False
    decided.pending = True
    decided.wait(row.unknown_until - at.now, "the outcome of a message is unknown")
    decided.waiting_for = "a status of a message whose outcome is unknown"
    return True


def _mind_expiry(decided: Plan, at: Conversation, row: Open) -> None:
    if row.send_before is not None:
        decided.wait(row.send_before - at.now, "a waiting message goes stale")
