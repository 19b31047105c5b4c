"""What crosses between workflows, activities and their starters: one dataclass in, one out, ids and durations only.

No field here may carry a secret, a phone number or a message's text: all of it is written to Temporal's history.
Fields are added with a default and never renamed or removed while a run that knows them may be alive.
"""

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Literal

from temporalio import activity
from temporalio.common import SearchAttributeKey

CONVERSATIONS_QUEUE = "conversations"
ACTIVITIES_QUEUE = "activities"
FILES_QUEUE = "files"
"""Apart: a hundred files that hang would otherwise take every slot of those that ask agents."""
CONTROL_QUEUE = "control"

WA_ORGANIZATION = SearchAttributeKey.for_keyword("WaOrganization")
WA_INTEGRATION = SearchAttributeKey.for_keyword("WaIntegration")
WA_STATE = SearchAttributeKey.for_keyword("WaState")
WA_WAITING_FOR = SearchAttributeKey.for_keyword("WaWaitingFor")
WA_WINDOW_UNTIL = SearchAttributeKey.for_datetime("WaWindowUntil")
SEARCH_ATTRIBUTES = (WA_ORGANIZATION, WA_INTEGRATION, WA_STATE, WA_WAITING_FOR, WA_WINDOW_UNTIL)


def conversation_workflow_id(conversation_id: str) -> str:
    """The one id of a conversation's runs, by which signal-with-start finds or starts it."""
    return f"conversation/{conversation_id}"


@dataclass(frozen=True, slots=True)
class ConversationInput:
    """What a conversation's run starts with; continue-as-new changes only `awake`."""

    conversation_id: str
    events_per_run: int = 100
    linger: timedelta = timedelta(seconds=60)
    ask_timeout: timedelta = timedelta(seconds=30)
    ask_attempts: int = 5
    ask_total: timedelta = timedelta(minutes=10)
    awake: bool = True


@dataclass(frozen=True, slots=True)
class BeginTurn:
    """Look at a conversation: begin a turn if something is unanswered, say what is to be sent, asked and awaited."""

    conversation_id: str


State = Literal["with the bot", "with a person", "waiting"]


@dataclass(frozen=True, slots=True)
class Look:
    """What `begin_turn` found and decided. Everything in it is an id, a count, a duration or a sentence of ours."""

    conversation_id: str
    to_send: list[str] = field(default_factory=list)
    """Message ids that may leave now, in order, 20 at most."""
    sent: list[str] = field(default_factory=list)
    """Message ids that the look itself has sent, or ended otherwise: nobody need send them any more."""
    more: bool = False
    """There is more to send than `to_send` holds: look again after these."""
    ask_turn_id: str | None = None
    """A turn whose remote agent must be asked. Given again while it is open: asking is idempotent."""
    turn_no: int | None = None
    next_in: timedelta | None = None
    """How long until something must happen by itself (a hold, an unknown, a slot, the window's close)."""
    next_why: str = ""
    """What that is, in words: the timer's summary."""
    pending: bool = False
    """Rows queued or sending, an unknown in its wait, or an open turn: the run may not end."""
    window_closes_in: timedelta | None = None
    """Until the 24 h window closes; None or negative: it is closed."""
    state: State = "with the bot"
    waiting_for: str = ""
    closed: bool = False
    """The conversation was merged into another: the run ends."""
    files: tuple[str, ...] = ()
    """Ids of files to be moved now: a customer's to be fetched, ours to be brought to Meta. Given again until it is
    recorded what came of them: moving is idempotent."""
    integration_id: str = ""
    """The number that has them or is to have them; empty where there are none."""


@dataclass(frozen=True, slots=True)
class SendMessage:
    """Send one queued row: claim, post, record."""

    message_id: str


@dataclass(frozen=True, slots=True)
class SendOutcome:
    """What is recorded of a row after `send_message`."""

    message_id: str
    state: str
    """accepted, failed, expired, cancelled, queued (held or to be repeated), unknown, or sending (in flight)."""
    why: str = ""
    """In words, for the run's page; Meta's code where there is one."""
    stop: bool = False
    """Nothing behind this row may leave now: look again before the next one."""


@dataclass(frozen=True, slots=True)
class AskAgent:
    """Ask a turn's remote agent and queue its replies."""

    turn_id: str


@dataclass(frozen=True, slots=True)
class AskOutcome:
    """What came of it."""

    turn_id: str
    state: str
    """answered, discarded (a person took over meanwhile) or failed."""
    replies: int = 0
    why: str = ""


@dataclass(frozen=True, slots=True)
class FailTurn:
    """Record that a turn's agent could not be asked, after the last attempt."""

    turn_id: str
    code: str
    detail: str


@dataclass(frozen=True, slots=True)
class MoveFile:
    """Fetch a customer's file from Meta, or bring one of ours there for a number."""

    media_id: str
    integration_id: str


@dataclass(frozen=True, slots=True)
class FileMoved:
    """What came of it."""

    media_id: str
    state: str
    """fetched, lost, uploaded, refused, waiting (for its time or for the number's release) or unchanged."""
    why: str = ""


class ConversationActivities(ABC):
    """Typed stubs of a conversation's activities: `activities` implements them, workflows call them by these."""

    @activity.defn(name="begin_turn")
    @abstractmethod
    async def begin_turn(self, command: BeginTurn) -> Look:
        """Look at the conversation under its row lock, and send the first row that may leave.

        Safe to repeat: an open turn is returned, not doubled, and a row that is not queued is not sent.
        """

    @activity.defn(name="send_message")
    @abstractmethod
    async def send_message(self, command: SendMessage) -> SendOutcome:
        """Claim, post, record. Safe to repeat: a row that is not queued returns its recorded outcome."""

    @activity.defn(name="ask_agent")
    @abstractmethod
    async def ask_agent(self, command: AskAgent) -> AskOutcome:
        """Ask the remote agent. Safe to repeat: replies are written only while the turn is `asking`."""

    @activity.defn(name="fail_turn")
    @abstractmethod
    async def fail_turn(self, command: FailTurn) -> AskOutcome:
        """Record that a turn's agent gave no answer. Safe to repeat."""


class FileActivities(ABC):
    """Typed stubs of what moves files; its own class, since it needs what conversations' other activities do not."""

    @activity.defn(name="move_file")
    @abstractmethod
    async def move_file(self, command: MoveFile) -> FileMoved:
        """Move one file. Safe to repeat: one that is there already stays as it is."""
