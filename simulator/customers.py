"""Customers and what each of them and a number said to each other."""

import asyncio
import hashlib
from dataclasses import dataclass, field
from typing import Any

from simulator.limits import Pair
from simulator.numbers import Number
from simulator.spelling import other_spelling, whatsapp_id

WINDOW_SECONDS = 24 * 3600
_OPENS_NO_WINDOW = frozenset({"reaction", "system", "edit", "revoke"})


@dataclass(frozen=True, slots=True)
class Said:
    """A message of a customer."""

    wamid: str
    type: str
    content: Any
    timestamp: int
    """What the message claims: unix seconds."""
    said_at: float
    """When it was really said, by the simulator's clock."""
    group_id: str | None
    replies_before: int
    """How many replies the customer had received by then."""


@dataclass(frozen=True, slots=True)
class Reply:
    """A message that reached the customer."""

    wamid: str
    type: str
    content: Any
    callback_data: str | None
    reply_to: str | None
    received_at: float


@dataclass(slots=True)
class Conversation:
    """One customer and one number."""

    phone_number_id: str
    wa_id: str | None
    """None for a customer with a username who shares no phone number."""
    user_id: str
    business_id: str
    """The portfolio to whose numbers the user has this BSUID."""
    name: str
    username: str | None = None
    shares_phone: bool = True
    """False: there is a phone number to be written to, but webhooks omit it."""
    wants_marketing: bool = True
    said: list[Said] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)
    echoes: list[Said] = field(default_factory=list)
    """What the business wrote in its own app."""
    window_opened_at: int | None = None
    pair: Pair = field(default_factory=Pair)
    _waiting: list[tuple[int, asyncio.Future[None]]] = field(default_factory=list)

    @property
    def customer(self) -> str:
        """What names the customer in the control API: the phone number, else the BSUID."""
        return self.wa_id or self.user_id

    @property
    def shared_phone(self) -> str | None:
        """The phone number as far as webhooks tell it."""
        return self.wa_id if self.shares_phone else None

    def contact(self, *, to_phone: bool = False, names_user: bool = True) -> dict[str, Any]:
        """The webhook's `contacts` block; of a message sent to the phone number with the number in any case.

        `names_user` is whether it has the username, if there is one.
        """
        profile = {"name": self.name} | ({"username": self.username} if self.username and names_user else {})
        phone = self.wa_id if to_phone else self.shared_phone
        return {"profile": profile, **({"wa_id": phone} if phone else {}), "user_id": self.user_id}

    def window_is_open(self, now: float) -> bool:
        """Whether the last message that opens a window is less than 24 h old."""
        return self.window_opened_at is not None and now < self.window_opened_at + WINDOW_SECONDS

    def add_said(self, said: Said) -> None:
        """Note what the customer said; user messages outside groups open the window."""
        self.said.append(said)
        if said.group_id is None and said.type not in _OPENS_NO_WINDOW:
            self.window_opened_at = max(self.window_opened_at or 0, said.timestamp)

    def add_reply(self, reply: Reply) -> None:
        """Note what reached the customer and wake who waited for it."""
        self.replies.append(reply)
        if not self._waiting:
            return
        reached = [future for count, future in self._waiting if count <= len(self.replies)]
        self._waiting = [waiting for waiting in self._waiting if waiting[0] > len(self.replies)]
        for future in reached:
            if not future.done():
                future.set_result(None)

    async def wait_for_replies(self, count: int, seconds: float) -> bool:
        """Wait until `count` replies were received in all; False when `seconds` pass first."""
        if len(self.replies) >= count:
            return True
        future = asyncio.get_running_loop().create_future()
        self._waiting.append((count, future))
        try:
            async with asyncio.timeout(seconds):
                await future
        except TimeoutError:
            return False
        finally:
            self._waiting = [waiting for waiting in self._waiting if waiting[1] is not future]
        return True

    def replies_since(self, wamid: str) -> int | None:
        """How many replies had come before this message was said; None if it is not of this conversation."""
        return next((said.replies_before for said in self.said if said.wamid == wamid), None)

    @property
    def unanswered(self) -> list[Said]:
        """What was said to the number alone and after which no reply came."""
        received = len(self.replies)
        return [
            said
            for said in self.said
            if said.replies_before >= received and said.group_id is None and said.type not in _OPENS_NO_WINDOW
        ]


class Customers:
    """All conversations, found by phone number or BSUID."""

    def __init__(self) -> None:
        self._by_identity: dict[tuple[str, str], Conversation] = {}
        self.conversations: list[Conversation] = []

    def find(self, phone_number_id: str, customer: str) -> Conversation | None:
        """The conversation with a phone number (no `+`, however it is spelled) or BSUID."""
        found = self._by_identity.get((phone_number_id, customer))
        if found is not None or not customer.isdigit() or (other := other_spelling(customer)) is None:
            return found
        return self._by_identity.get((phone_number_id, other))

    def dialed(self, number: Number, phone: str) -> Conversation:
        """The conversation with whoever is reached under a phone number; WhatsApp may write it otherwise."""
        known = self.find(number.phone_number_id, phone)
        return known or self.of(number, wa_id=whatsapp_id(phone))

    def user(self, number: Number, user_id: str) -> Conversation | None:
        """The conversation with a BSUID: known to the number, or to another one of its portfolio."""
        known = self.find(number.phone_number_id, user_id)
        if known is not None:
            return known
        elsewhere = (
            one for one in self.conversations if (one.user_id, one.business_id) == (user_id, number.business_id)
        )
        if (other := next(elsewhere, None)) is None:
            return None
        known = self.of(number, wa_id=other.wa_id, user_id=user_id, name=other.name, username=other.username)
        known.shares_phone = other.shares_phone
        return known

    def change(self, conversation: Conversation, *, wa_id: str | None, user_id: str) -> None:
        """Let a customer be somebody else at Meta, and found as such alone."""
        for identity in (conversation.wa_id, conversation.user_id):
            self._by_identity.pop((conversation.phone_number_id, identity or ""), None)
        conversation.wa_id, conversation.user_id = wa_id, user_id
        self._enter(conversation)

    def of(
        self,
        number: Number,
        *,
        wa_id: str | None = None,
        user_id: str | None = None,
        name: str | None = None,
        username: str | None = None,
    ) -> Conversation:
        """The conversation with this customer, begun if there is none. One of the two ids is needed."""
        found = self.find(number.phone_number_id, wa_id or "") or self.find(number.phone_number_id, user_id or "")
        if found is not None:
            self._learn(found, wa_id, user_id)
            return found
        begun = Conversation(
            phone_number_id=number.phone_number_id,
            wa_id=wa_id,
            user_id=user_id or bsuid(number.business_id, wa_id or ""),
            business_id=number.business_id,
            name=name or f"Customer {(wa_id or user_id or '')[-4:]}",
            username=username if wa_id else username or f"customer.{(user_id or '')[-6:].lower()}",
        )
        self.conversations.append(begun)
        self._enter(begun)
        return begun

    def _learn(self, known: Conversation, wa_id: str | None, user_id: str | None) -> None:
        """Two ids named together are one customer's from then on."""
        if wa_id and user_id and (known.wa_id is None or known.user_id != user_id):
            self.change(known, wa_id=known.wa_id or wa_id, user_id=user_id)

    def _enter(self, conversation: Conversation) -> None:
        for identity in (conversation.wa_id, conversation.user_id):
            if identity:
                self._by_identity[conversation.phone_number_id, identity] = conversation


def bsuid(business_id: str, wa_id: str) -> str:
    """The business-scoped user id of a phone number: the same for all numbers of a portfolio, another for any other."""
    digest = hashlib.sha256(f"{business_id}/{wa_id}".encode()).hexdigest()
    return f"US.{int(digest[:16], 16):020d}"
