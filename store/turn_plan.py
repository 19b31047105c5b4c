"""What a look at a conversation decides, as a pure function of what Postgres says: no clock, no I/O."""

from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from store import charge
from store.echo import echo
from store.ids import new_id
from store.turn_facts import Conversation, Open, Rules
from whatsapp.window import closes_at, is_open

__all__ = ["Conversation", "NewTurn", "Open", "Plan", "Reply", "Rules", "plan"]

ROWS_PER_LOOK = 20
FILES_PER_LOOK = 10
"""More are moved when some of these are: each is an activity in the run's history."""
PAUSE_LIMIT = 5
"""Somebody who never stops typing is answered after this many pauses."""


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
    give_back: str | None = None
    """Why the bot is in charge again; a `hand_over` decided in the same look comes after it."""
    to_send: list[UUID] = field(default_factory=list)
    more: bool = False
    files: list[UUID] = field(default_factory=list)
    """Files to be moved now, beside everything else."""
    pending: bool = False
    next_in: timedelta | None = None
    next_why: str = ""
    window_closes_in: timedelta | None = None
    waiting_for: str = ""

    @property
    def in_charge(self) -> str | None:
        """Who is in charge from now on, where that changes."""
        return "person" if self.hand_over else "bot" if self.give_back else None

    def due_in(self, backstop: timedelta) -> timedelta | None:
        """The next moment something must happen plus `backstop`, or None when nothing must."""
        if self.to_send or self.files or (self.new_turn is not None and self.new_turn.state == "asking"):
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
    conversation = _given_back(decided, conversation, rules=rules)
    received = sorted((row for row in opened if row.state == "received"), key=_in_meta_order)
    if received:
        _answer(decided, conversation, received, rules=rules, turn_id=turn_id)
    if decided.hand_over is not None:
        _await_give_back(decided, replace(conversation, in_charge="person", in_charge_since=conversation.now), rules)
    outbound = sorted((row for row in opened if row.direction == "out"), key=lambda row: row.queue_no or 0)
    _send(decided, conversation, outbound, rules=rules)
    _move(decided, conversation, outbound)
    if conversation.turn_id is not None or (decided.new_turn and decided.new_turn.state == "asking"):
        decided.pending = True  # no "waiting for": asking is part of an undisturbed exchange
    if conversation.window_opened_at is not None:
        decided.window_closes_in = closes_at(conversation.window_opened_at) - conversation.now
        if decided.window_closes_in > timedelta(0):
            decided.wait(decided.window_closes_in, "the 24-hour window closes")
    return decided


def _given_back(decided: Plan, at: Conversation, *, rules: Rules) -> Conversation:
    """The conversation, the bot's again if a person's charge has ended by itself; if not yet, its end is awaited."""
    ending = _await_give_back(decided, at, rules)
    if ending is None or ending.at > at.now:
        return at
    decided.give_back = ending.why
    return replace(at, in_charge="bot", in_charge_since=at.now)


def _await_give_back(decided: Plan, at: Conversation, rules: Rules) -> charge.Ending | None:
    if at.in_charge != "person" or at.in_charge_since is None:
        return None
    ending = charge.ends(
        at.in_charge_since,
        at.person_acted_at,
        window_opened_at=at.window_opened_at,
        after=rules.give_back_after,
        at_window_close=rules.give_back_at_window_close,
    )
    if ending is not None and ending.at > at.now:
        decided.wait(ending.at - at.now, "the bot is in charge again")
    return ending


def _in_meta_order(row: Open) -> tuple[datetime, int, int]:
    return (_written_at(row), row.webhook_event_id or 0, row.place or 0)


def _written_at(row: Open) -> datetime:
    return row.meta_timestamp or row.created_at


def _answer(decided: Plan, at: Conversation, received: list[Open], *, rules: Rules, turn_id: UUID) -> None:
    """Begin a turn over all that waits, or say why none begins."""
    if at.in_charge == "person":
        decided.kept, decided.kept_reason = received, "A person is in charge of the conversation."
        return
    if not at.enabled or at.integration_state in ("connecting", "disconnected"):
        return  # stored; looked at again when the number is switched on
    if at.turn_id is not None and is_open(at.window_opened_at, at.now):
        return  # the open turn ends first; what waits belongs to the next one
    for_a_person = _for_a_person(at, received, rules)
    if for_a_person is not None:
        decided.kept, (decided.kept_reason, decided.hand_over) = received, for_a_person
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


def _for_a_person(at: Conversation, received: list[Open], rules: Rules) -> tuple[str, str] | None:
    """Why the bot is not to answer: what is kept of the messages, and what the person is told who is to answer."""
    if not is_open(at.window_opened_at, at.now):
        return (
            "It arrived after its 24-hour window had closed.",
            "A message arrived after its 24-hour window had closed: answer it with a template.",
        )
    if rules.inbound_stale_after and at.now - _written_at(received[0]) > rules.inbound_stale_after:
        span = charge.in_words(rules.inbound_stale_after)
        return (
            f"Handed over: a message could not be answered within {span}.",
            f"A message could not be answered within {span}: what is to be said now?",
        )
    if at.too_many_turns:
        minutes = round(rules.bot_turns_within.total_seconds() / 60)
        return (
            "Handed over: too many bot turns.",
            f"More than {rules.max_bot_turns} bot turns in {minutes} minutes: is this another bot?",
        )
    return None


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
        elif row.hold == "media":
            held_up = _without_its_file(decided, at, row)
        elif row.hold_until is not None and row.waits_at(at):
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


def _without_its_file(decided: Plan, at: Conversation, row: Open) -> bool:
    """Whether a row whose file is on its way to Meta still holds up what is behind it: for a while, not longer."""
    decided.pending = True
    decided.waiting_for = "its file to be at Meta"
    _mind_expiry(decided, at, row)
    lets_pass_from = row.lets_pass_from()
    if lets_pass_from is None or lets_pass_from <= at.now:
        return False
    decided.wait(lets_pass_from - at.now, "a message waits for its file")
    return True


def _move(decided: Plan, at: Conversation, outbound: list[Open]) -> None:
    """Which files are to be moved: customers' that are due, and ours that messages wait for.

    The file of a message that is behind others is brought to Meta meanwhile.
    """
    files = dict.fromkeys(at.files or [])
    if at.files_next_at is not None:
        decided.wait(at.files_next_at - at.now, "a customer's file is to be fetched")
    for row in outbound if at.sends else []:
        if row.state != "queued" or row.hold != "media" or row.media_id is None:
            continue
        if row.hold_until is None or row.hold_until <= at.now:
            files[row.media_id] = None
        else:
            decided.wait(row.hold_until - at.now, row.reason or "a message waits for its file")
    decided.files = list(files)[:FILES_PER_LOOK]


def _mind_expiry(decided: Plan, at: Conversation, row: Open) -> None:
    if row.send_before is not None:
        decided.wait(row.send_before - at.now, "a waiting message goes stale")
