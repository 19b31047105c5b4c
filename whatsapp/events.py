"""Webhook bodies as typed events: what Meta said, one value per message, status, echo or account change.

`whatsapp.parsing.parse` makes them and never raises for what Meta may send: what it cannot read becomes an `Unreadable`
with the reason, and the items beside it are read all the same. Source: meta-platform facts, sections 4.2 to 4.5.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from whatsapp.account_changes import AccountChange

Json = Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Origin:
    """Where an item stood: the place counts items within one body, from 0, in the order they appear."""

    place: int
    field: str
    waba_id: str
    phone_number_id: str | None
    """None for account-level fields, which carry no metadata."""
    at: datetime | None = None
    """When Meta says it happened: told of the whole entry, and only of account-level fields."""


@dataclass(frozen=True, slots=True)
class Sender:
    """Who wrote. Meta omits `wa_id` for users with a username, and `user_id` (the BSUID) in older payloads."""

    wa_id: str | None
    user_id: str | None
    profile_name: str | None
    username: str | None


@dataclass(frozen=True, slots=True)
class InboundMessage:
    """A message from a customer, of any type, known or not."""

    origin: Origin
    wamid: str
    sender: Sender
    timestamp: datetime
    type: str
    content: Json
    """Meta's own shape: the type's key with what stands under it, and `context`, `referral`, `errors` where they came:
    `{"text": {"body": …}, "context": {…}}`."""
    group_id: str | None
    opens_window: bool
    """User messages open the 24 h window; reactions, system messages, edits and revokes do not (section 7), nor do
    messages of a group, which say nothing of a window between two."""
    answerable: bool
    """Something a bot may answer one to one: not of a group, no reaction, system message, edit or revoke."""
    became: Sender | None = None
    """A system message that the sender has another phone number or BSUID now: what they are known by from then on."""


@dataclass(frozen=True, slots=True)
class StatusError:
    """Why Meta says a message failed, or what is wrong with a number."""

    code: int
    title: str | None
    detail: str | None
    subcode: int | None = None


@dataclass(frozen=True, slots=True)
class Status:
    """What became of a message that we (or another tool on the same number) sent."""

    origin: Origin
    wamid: str
    status: str
    """sent, delivered, read, played or failed; others are kept as they came."""
    timestamp: datetime
    recipient_id: str | None
    recipient_user_id: str | None
    callback_data: str | None
    """Our own `biz_opaque_callback_data`, absent in `failed` and for what other tools sent."""
    error: StatusError | None
    raw: Json


@dataclass(frozen=True, slots=True)
class Echo:
    """A message the business itself sent from its phone or another tool (`smb_message_echoes`, `message_echoes`)."""

    origin: Origin
    wamid: str
    recipient: Sender
    timestamp: datetime
    type: str
    content: Json
    """As of an `InboundMessage`."""


@dataclass(frozen=True, slots=True)
class Notice:
    """Everything else that was understood enough to be routed.

    Account, template, quality and call events, value-level errors, fields of tomorrow. Stored with its body.
    """

    origin: Origin
    kind: str
    """The field, with its event where it has one: `account_update.PARTNER_REMOVED`."""
    display_phone_number: str | None
    raw: Json
    opens_window: bool = False
    """A user's call does (section 7); `sender` and `timestamp` then say whose and from when."""
    sender: Sender | None = None
    timestamp: datetime | None = None
    change: AccountChange | None = None
    """What it says of the account or the number, where that is known; `timestamp` then says from when."""
    error: StatusError | None = None
    """Trouble that belongs to no message."""


@dataclass(frozen=True, slots=True)
class PastMessage:
    """A message from before the number was connected, in either direction: never answered, never a window."""

    origin: Origin
    wamid: str
    is_ours: bool
    """The business sent it."""
    person: Sender
    """The other side."""
    timestamp: datetime
    type: str
    content: Json
    status: str | None
    """What had become of it by then, in small letters: sent, delivered, read, error and others."""

    @property
    def kind(self) -> str:
        """In the word of its field."""
        return self.origin.field


@dataclass(frozen=True, slots=True)
class SyncedContact:
    """Somebody in the business's own address book (`smb_app_state_sync`)."""

    origin: Origin
    wa_id: str
    name: str | None
    is_removed: bool

    @property
    def kind(self) -> str:
        """In the word of its field."""
        return self.origin.field


@dataclass(frozen=True, slots=True)
class MarketingChoice:
    """A customer stops the business's marketing messages, resumes them or signs up for them (`user_preferences`)."""

    origin: Origin
    person: Sender
    choice: Literal["stop", "resume", "opt_in"]
    timestamp: datetime

    @property
    def kind(self) -> str:
        """In the word of its field, with Meta's word for what was chosen."""
        return f"{self.origin.field}.{'signup' if self.choice == 'opt_in' else self.choice}"


@dataclass(frozen=True, slots=True)
class Unreadable:
    """An item that cannot be read: it is parked with this reason."""

    origin: Origin
    kind: str
    reason: str


Item = InboundMessage | Status | Echo | Notice | PastMessage | SyncedContact | MarketingChoice | Unreadable
