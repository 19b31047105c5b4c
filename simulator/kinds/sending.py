"""A message that is being checked: who sends it to whom, and what it may refer to."""

from dataclasses import dataclass, field
from typing import Any, NamedTuple

from simulator.customers import Conversation
from simulator.files import StoredFile
from simulator.numbers import Number
from simulator.world import World

THIRTY_DAYS = 30 * 86400.0
"""Seconds after which a message can no longer be referred to."""


@dataclass(frozen=True, slots=True)
class Known:
    """A message that another one refers to."""

    type: str
    timestamp: float


class LateFailure(NamedTuple):
    """What Graph takes and does not deliver: a `failed` status after the 200."""

    code: int
    details: str


@dataclass(slots=True)
class Sending:
    """One call of `/messages` that sends."""

    world: World
    number: Number
    conversation: Conversation
    payload: dict[str, Any]
    to_phone: bool
    """False: it goes to a BSUID."""
    late: LateFailure | None = field(default=None)

    def fail_late(self, code: int, details: str) -> None:
        """Take it, and fail it afterwards."""
        self.late = self.late or LateFailure(code, details)

    def file(self, media_id: str) -> StoredFile | None:
        """A living file that this number may send."""
        stored = self.world.files.find(media_id, self.world.clock.now())
        return stored if stored is not None and stored.phone_number_id == self.number.phone_number_id else None

    def message(self, wamid: str) -> Known | None:
        """A message of this conversation, whoever wrote it; also one that a test put into a webhook by itself."""
        conversation = self.conversation
        written = next((one for one in (*conversation.said, *conversation.echoes) if one.wamid == wamid), None)
        if written is not None:
            return Known(written.type, written.timestamp)
        sent = self.world.account.by_wamid.get(wamid)
        if sent is not None and (sent.phone_number_id, sent.customer) == (
            conversation.phone_number_id,
            conversation.customer,
        ):
            return Known(sent.type, sent.arrived_at)
        foreign = self.world.emitted.get(wamid)
        return None if foreign is None else Known(*foreign)

    def is_past(self, known: Known) -> bool:
        """Whether a message is too old to be referred to."""
        return self.world.clock.now() - known.timestamp > THIRTY_DAYS
