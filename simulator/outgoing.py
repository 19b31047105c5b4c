"""A message that Meta has accepted: what its customer gets of it, and its statuses."""

from dataclasses import dataclass
from typing import Any

from simulator.account import Accepted
from simulator.customers import Conversation, Reply
from simulator.faults import Plan
from simulator.numbers import Number
from simulator.wire import Change, failed_change, status_change


@dataclass(frozen=True, slots=True)
class Outgoing:
    """An accepted message with everything its delivery to the customer needs."""

    record: Accepted
    number: Number
    conversation: Conversation
    payload: dict[str, Any]
    plan: Plan
    to_phone: bool
    category: str = "service"
    """What it is charged as: a template's own category, else service."""

    def reply(self, now: float) -> Reply:
        """What its customer receives."""
        record = self.record
        return Reply(
            wamid=record.wamid,
            type=record.type,
            content=self.payload[record.type],
            callback_data=record.callback_data,
            reply_to=(self.payload.get("context") or {}).get("message_id"),
            received_at=now,
        )

    def statuses(self) -> list[Change]:
        """Those of a message that arrives, as many as its number's knobs say.

        A reaction brings the first alone, a voice message that is read is `played` too.
        """
        names = self.number.knobs.statuses
        if self.record.type == "reaction":
            names = names[:1]
        elif self.record.type == "audio" and self.payload["audio"].get("voice") and "read" in names:
            names = (*names, "played")
        return [
            status_change(
                self.number,
                self.conversation,
                wamid=self.record.wamid,
                status=name,
                timestamp=int(self.record.arrived_at),
                callback_data=self.record.callback_data,
                to_phone=self.to_phone,
                category=self.category,
            )
            for name in names
        ]

    def failure(self, code: int, wamid: str) -> Change:
        """The one status of a message that does not arrive."""
        return failed_change(
            self.number,
            self.conversation,
            wamid=wamid,
            timestamp=int(self.record.arrived_at),
            to_phone=self.to_phone,
            code=code,
            details=self.record.details,
        )
