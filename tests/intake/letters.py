"""Webhook bodies of one number, made up by tests, and what became of them."""

import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from itertools import count
from typing import Any

from intake.batches import Processed, process
from store import webhook_log
from store.engine import Database
from tests.rows import Number, rows

CONVERSATIONS = "SELECT * FROM conversations ORDER BY created_at"
MESSAGES = "SELECT * FROM messages ORDER BY webhook_event_id, place"
_numbers = count(1)


@dataclass(frozen=True, slots=True)
class Customer:
    """Somebody who writes to the number."""

    wa_id: str | None = "491700000001"
    user_id: str | None = "DE.1001"
    name: str = "Ada"

    def contact(self) -> dict[str, Any]:
        """As Meta introduces them."""
        known = {"wa_id": self.wa_id, "user_id": self.user_id}
        return {"profile": {"name": self.name}} | {key: value for key, value in known.items() if value}


ADA = Customer()
BOB = Customer("491700000002", "DE.1002", "Bob")


@dataclass(frozen=True, slots=True)
class Letters:
    """Writes bodies for one number."""

    number: Number
    customer: Customer = field(default=ADA)

    def said(self, words: str = "hello", *, wamid: str | None = None, at: datetime | None = None, **more: Any) -> Any:
        """A customer's message, as it stands in `messages`."""
        writer = {"from": self.customer.wa_id, "from_user_id": self.customer.user_id}
        message = {
            "id": wamid or f"wamid.in.{next(_numbers)}",
            "timestamp": stamp(at),
            "type": "text",
            "text": {"body": words},
        }
        return {key: value for key, value in writer.items() if value} | message | more

    def change(self, *messages: Any, statuses: list[Any] | None = None, contacts: list[Any] | None = None) -> Any:
        """One change of a `messages` webhook."""
        value: dict[str, Any] = {
            "messaging_product": "whatsapp",
            "metadata": {
                "display_phone_number": self.number.phone_number,
                "phone_number_id": self.number.phone_number_id,
            },
        }
        if messages:
            value |= {"contacts": contacts or [self.customer.contact()], "messages": list(messages)}
        if statuses:
            value |= {"statuses": statuses}
        return {"field": "messages", "value": value}

    def body(self, *changes: Any) -> bytes:
        """A POST body of one entry."""
        return envelope({"id": self.number.waba_id, "changes": list(changes)})

    def message(self, words: str = "hello", **more: Any) -> bytes:
        """A POST body with one message."""
        return self.body(self.change(self.said(words, **more)))

    def status(self, wamid: str, status: str, *, message: Any = None, code: int | None = None, **more: Any) -> Any:
        """A status; `message` is our callback data."""
        told: dict[str, Any] = {
            "id": wamid,
            "status": status,
            "timestamp": stamp(None),
            "recipient_id": self.customer.wa_id,
        }
        if message is not None:
            told["biz_opaque_callback_data"] = message
        if code is not None:
            told["errors"] = [{"code": code, "title": "refused", "error_data": {"details": "why"}}]
        return told | more

    def statuses(self, *statuses: Any) -> bytes:
        """A POST body of statuses."""
        return self.body(self.change(statuses=list(statuses)))

    def echo(self, words: str = "by hand", *, at: datetime | None = None, **more: Any) -> bytes:
        """A POST body with a message the business sent from its own phone."""
        sent = {
            "from": self.number.phone_number,
            "to": self.customer.wa_id,
            "id": f"wamid.echo.{next(_numbers)}",
            "timestamp": stamp(at),
            "type": "text",
            "text": {"body": words},
        }
        change = self.change()
        change["field"] = "smb_message_echoes"
        change["value"]["message_echoes"] = [sent | more]
        return self.body(change)


def envelope(*entries: Any) -> bytes:
    """A POST body of whole entries."""
    return json.dumps({"object": "whatsapp_business_account", "entry": list(entries)}).encode()


def stamp(at: datetime | None) -> str:
    """An instant as Meta writes it."""
    return str(int((at or datetime.now(UTC)).timestamp()))


def ago(**since: float) -> datetime:
    """A whole second in the past."""
    return (datetime.now(UTC) - timedelta(**since)).replace(microsecond=0)


async def arrive(database: Database, *bodies: bytes) -> list[int]:
    """Store bodies as the webhook does."""
    return await webhook_log.append(database, [(body, datetime.now(UTC)) for body in bodies])


async def take_in(database: Database, *bodies: bytes) -> Processed:
    """Store bodies and apply all that is pending."""
    await arrive(database, *bodies)
    total = Processed()
    while (done := await process(database, limit=100)).events:
        total.events += done.events
        total.received += done.received
        total.unmatched_status_ids += done.unmatched_status_ids
        total.due |= done.due
    return total


async def outcomes(database: Database) -> dict[str, int]:
    """The counts of all bodies together."""
    (row,) = await rows(
        database,
        "SELECT sum(applied) AS applied, sum(duplicate) AS duplicate, sum(parked) AS parked, "
        "sum(quarantined) AS quarantined FROM webhook_events WHERE state = 'done'",
    )
    return {name: int(count) for name, count in row._mapping.items() if count}
