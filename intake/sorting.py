"""Items of webhook bodies, sorted: whose each is, and what is done with those that are ours."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from store.account_events import Said
from store.address_book import Listed
from store.consequences import Trouble
from store.opt_outs import Chosen
from store.recoveries import INSTALLED, Attributed
from store.routes import Number, Routes
from store.status_matching import Arrived
from store.webhook_events import ItemResult, Outcome
from whatsapp.account_changes import AccountUpdate
from whatsapp.errors import classify
from whatsapp.events import (
    Echo,
    InboundMessage,
    Item,
    MarketingChoice,
    Notice,
    PastMessage,
    Sender,
    Status,
    StatusError,
    SyncedContact,
    Unreadable,
)

SAMPLE_WABA_ID = "0"
"""The entry id of the sample that the Test button of Meta's app dashboard sends."""
SAMPLE = "Meta's own sample, sent by the Test button of the app dashboard: it is of no number."
UNKNOWN_NUMBER = "No number with this phone_number_id is connected."
OTHER_WABA = "The number with this phone_number_id is connected with another WABA id."
UNKNOWN_WABA = "No number of this WABA is connected."

Key = tuple[int, int]
"""Webhook event and place."""


@dataclass(frozen=True, slots=True)
class Found:
    """An item of a stored body."""

    event_id: int
    item: Item

    @property
    def key(self) -> Key:
        """What tells it from every other item."""
        return (self.event_id, self.item.origin.place)


@dataclass(slots=True)
class Sorted:
    """The items of numbers of ours, by what is done with them."""

    messages: list[tuple[Found, InboundMessage, Number]] = field(default_factory=list)
    echoes: list[tuple[Found, Echo, Number]] = field(default_factory=list)
    calls: list[tuple[datetime, Sender, Number]] = field(default_factory=list)
    past: list[tuple[Found, PastMessage, Number]] = field(default_factory=list)
    statuses: list[Arrived] = field(default_factory=list)
    contacts: list[Listed] = field(default_factory=list)
    said: list[Said] = field(default_factory=list)
    chosen: list[Chosen] = field(default_factory=list)
    troubles: list[Trouble] = field(default_factory=list)
    """Errors of numbers that are of no message."""
    proving: set[UUID] = field(default_factory=set)
    """Numbers whose onboarding waits for a proof, and of which a status came that may be one."""
    results: dict[Key, ItemResult] = field(default_factory=dict)


def sort(found: list[Found], known: Routes, signups: Mapping[Key, Attributed]) -> Sorted:
    """Sort items; those of nobody here have their result at once. `signups` tells of finished ones of unknown WABAs."""
    into = Sorted()
    for one in found:
        number = known.numbers.get(one.item.origin.phone_number_id or "")
        owners = _owners(one, number, known, signups)
        if isinstance(owners, str):
            into.results[one.key] = result(one, (), outcome=Outcome.QUARANTINED, reason=owners)
        elif isinstance(one.item, Unreadable):
            into.results[one.key] = result(one, owners, outcome=Outcome.PARKED, reason=one.item.reason)
        else:
            _sort_ours(into, one, owners, number)
    return into


def is_unknown_signup(one: Found, known: Routes) -> bool:
    """Whether it tells of a finished signup of an account that nobody here has."""
    change = one.item.change if isinstance(one.item, Notice) else None
    is_signup = isinstance(change, AccountUpdate) and change.event == INSTALLED and change.waba_id is not None
    return is_signup and one.item.origin.waba_id not in known.wabas


def _owners(
    one: Found, number: Number | None, known: Routes, signups: Mapping[Key, Attributed]
) -> tuple[UUID, ...] | str:
    """The organizations an item belongs to, or why it belongs to none of ours."""
    origin, signup = one.item.origin, signups.get(one.key)
    if number is not None and number.waba_id == origin.waba_id:
        return (number.organization_id,)
    if not origin.waba_id and isinstance(one.item, Unreadable):
        return ()  # nobody can tell whose it is: it is shown as what it is, something that cannot be read
    if origin.waba_id == SAMPLE_WABA_ID:
        return SAMPLE
    if origin.phone_number_id is not None:
        return UNKNOWN_NUMBER if number is None else OTHER_WABA
    if signup is not None:
        return signup.reason if signup.organization_id is None else (signup.organization_id,)
    return known.wabas.get(origin.waba_id) or UNKNOWN_WABA


def _sort_ours(into: Sorted, one: Found, owners: tuple[UUID, ...], number: Number | None) -> None:
    """What is stored below has its result then; all else is applied by what it tells."""
    match one.item:
        case InboundMessage() as message if number is not None:
            into.messages.append((one, message, number))
            return
        case Echo() as echo if number is not None:
            into.echoes.append((one, echo, number))
            return
        case PastMessage() as past if number is not None:
            into.past.append((one, past, number))
            return
        case Status() as status if number is not None:
            into.statuses.append(Arrived(status, one.event_id, number.organization_id, number.id))
            if number.is_proving and status.status in ("delivered", "read"):
                into.proving.add(number.id)
            return
        case _:
            _sort_told(into, one.item, owners, number)
    into.results[one.key] = result(one, owners)


def _sort_told(into: Sorted, item: Item, owners: tuple[UUID, ...], number: Number | None) -> None:
    """What is known of people, numbers and accounts; anything else means nothing to us."""
    match item:
        case SyncedContact(wa_id=wa_id, name=str() as name, is_removed=False) if number is not None:
            into.contacts.append(Listed(number.organization_id, wa_id, name))
        case MarketingChoice() as choice:
            told_by = None if number is None else number.id
            into.chosen += [Chosen(organization_id, choice, told_by) for organization_id in owners]
        case Notice(opens_window=True, sender=Sender() as sender, timestamp=datetime() as at) if number is not None:
            into.calls.append((at, sender, number))
        case Notice(error=StatusError() as error) if number is not None:
            into.troubles.append(trouble(error, number.organization_id, number.id))
        case Notice(change=change, origin=origin, display_phone_number=shown) if change is not None:
            into.said.append(Said(change, origin.waba_id, origin.phone_number_id, shown, origin.at))
        case _:
            pass


def trouble(error: StatusError, organization_id: UUID, integration_id: UUID) -> Trouble:
    """An error of a number's that is of no message, classified by the one table."""
    detail = error.detail or error.title or ""
    verdict = classify(error.code, subcode=error.subcode, detail=detail, certain=True)
    return Trouble(organization_id, integration_id, verdict, error.code, detail, "value")


def troubled(items: Sorted) -> list[Trouble]:
    """All that may change a number's own row: what is of no message, and what failed messages tell of their number."""
    failed = [
        trouble(one.status.error, one.organization_id, one.integration_id)
        for one in items.statuses
        if one.status.status == "failed" and one.status.error is not None
    ]
    return [*items.troubles, *failed]


def result(
    one: Found, owners: tuple[UUID, ...], *, new: bool = True, outcome: Outcome | None = None, reason: str = ""
) -> ItemResult:
    """What became of an item."""
    origin = one.item.origin
    return ItemResult(
        event_id=one.event_id,
        place=origin.place,
        kind=kind_of(one.item),
        outcome=outcome or (Outcome.APPLIED if new else Outcome.DUPLICATE),
        organization_ids=owners,
        reason=reason,
        waba_id=origin.waba_id or None,
        phone_number_id=origin.phone_number_id,
    )


def kind_of(item: Item) -> str:
    """What an item is, in a word that ops and owners read: `messages.text`, `statuses.failed`, `account_update.…`."""
    match item:
        case InboundMessage():
            return f"messages.{item.type}"
        case Status():
            return f"statuses.{item.status}"
        case Echo():
            return f"echoes.{item.type}"
        case _:
            return item.kind
