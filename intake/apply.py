"""Items of webhook bodies to rows: whose each is, what is to become of it, and all of a batch in a few statements."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

from sqlalchemy.ext.asyncio import AsyncConnection

from store import contacts, inbound, nudges, routes, status_matching, statuses
from store.contacts import Party
from store.inbound import Filed, FiledEcho, Opening
from store.routes import Number, Routes
from store.status_matching import Arrived
from store.webhook_events import ItemResult, Outcome
from whatsapp.events import Echo, InboundMessage, Item, Notice, Sender, Status, Unreadable

SAMPLE_WABA_ID = "0"
"""The entry id of the sample that the Test button of Meta's app dashboard sends."""
SAMPLE = "Meta's own sample, sent by the Test button of the app dashboard: it is of no number."
UNKNOWN_NUMBER = "No number with this phone_number_id is connected."
OTHER_WABA = "The number with this phone_number_id is connected with another WABA id."
UNKNOWN_WABA = "No number of this WABA is connected."
SWITCHED_OFF = "The number was switched off when it came."
OF_A_GROUP = "A message of a group is never answered one to one."


@dataclass(frozen=True, slots=True)
class Found:
    """An item of a stored body."""

    event_id: int
    item: Item

    @property
    def key(self) -> tuple[int, int]:
        """What tells it from every other item."""
        return (self.event_id, self.item.origin.place)


@dataclass(slots=True)
class Applied:
    """What became of a batch."""

    results: list[ItemResult] = field(default_factory=list)
    received: Counter[UUID] = field(default_factory=Counter)
    """New messages by integration, to be booked on their numbers' rates."""
    unmatched_status_ids: list[int] = field(default_factory=list)
    due: bool = False
    """Some conversation has something to do now. (Statuses wake whom they concern by NOTIFY.)"""


@dataclass(slots=True)
class _Sorted:
    """The items of numbers of ours, by what is done with them."""

    messages: list[tuple[Found, InboundMessage, Number]] = field(default_factory=list)
    echoes: list[tuple[Found, Echo, Number]] = field(default_factory=list)
    calls: list[tuple[datetime, Sender, Number]] = field(default_factory=list)
    statuses: list[Arrived] = field(default_factory=list)
    results: dict[tuple[int, int], ItemResult] = field(default_factory=dict)


async def apply(connection: AsyncConnection, found: Sequence[Found]) -> Applied:
    """Apply items in the caller's transaction, each with its effect at most once.

    Locks are taken in one order by everybody: contacts' identities, conversations, messages. Raises what Postgres
    raises; nothing of the batch is then applied.
    """
    sorted_items = _sort(found, await _routes(connection, found))
    parties = [
        *(Party(number.organization_id, number.id, message.sender) for _, message, number in sorted_items.messages),
        *(Party(number.organization_id, number.id, echo.recipient) for _, echo, number in sorted_items.echoes),
        *(Party(number.organization_id, number.id, sender) for _, sender, number in sorted_items.calls),
    ]
    conversations = await contacts.conversations_of(connection, parties)
    matches = await status_matching.match(connection, sorted_items.statuses)
    waiting = [
        match.conversation_id
        for one, match in zip(sorted_items.statuses, matches, strict=True)
        if match is not None and match.is_waited_for(one.status)
    ]
    await nudges.lock(connection, [*conversations, *waiting])
    applied = Applied()
    await _store_written(connection, sorted_items, conversations, applied)
    stored = await statuses.store(connection, sorted_items.statuses, matches)
    for one, new in zip(sorted_items.statuses, stored.new, strict=True):
        key = (one.event_id, one.status.origin.place)
        sorted_items.results[key] = _result(Found(one.event_id, one.status), (one.organization_id,), new=new)
    applied.unmatched_status_ids = stored.unmatched_ids
    applied.results = [sorted_items.results[one.key] for one in found]
    return applied


async def owners_of(connection: AsyncConnection, found: Found) -> tuple[UUID, ...]:
    """Whose an item is that could not be applied."""
    known = await _routes(connection, [found])
    number = known.numbers.get(found.item.origin.phone_number_id or "")
    if number is not None:
        return (number.organization_id,)
    return known.wabas.get(found.item.origin.waba_id, ())


async def _routes(connection: AsyncConnection, found: Sequence[Found]) -> Routes:
    origins = {one.item.origin for one in found}
    return await routes.read_routes(
        connection,
        phone_number_ids={origin.phone_number_id for origin in origins if origin.phone_number_id is not None},
        waba_ids={origin.waba_id for origin in origins if origin.phone_number_id is None and origin.waba_id},
    )


def _sort(found: Sequence[Found], known: Routes) -> _Sorted:
    into = _Sorted()
    for one in found:
        number = known.numbers.get(one.item.origin.phone_number_id or "")
        owners = _owners(one.item, number, known)
        if isinstance(owners, str):
            into.results[one.key] = _result(one, (), outcome=Outcome.QUARANTINED, reason=owners)
        elif isinstance(one.item, Unreadable):
            into.results[one.key] = _result(one, owners, outcome=Outcome.PARKED, reason=one.item.reason)
        elif number is None:
            into.results[one.key] = _result(one, owners)
        else:
            _sort_ours(into, one, number)
    return into


def _owners(item: Item, number: Number | None, known: Routes) -> tuple[UUID, ...] | str:
    """The organizations an item belongs to, or why it belongs to none of ours."""
    origin = item.origin
    if number is not None and number.waba_id == origin.waba_id:
        return (number.organization_id,)
    if not origin.waba_id and isinstance(item, Unreadable):
        return ()  # nobody can tell whose it is: it is shown as what it is, something that cannot be read
    if origin.waba_id == SAMPLE_WABA_ID:
        return SAMPLE
    if origin.phone_number_id is not None:
        return UNKNOWN_NUMBER if number is None else OTHER_WABA
    return known.wabas.get(origin.waba_id) or UNKNOWN_WABA


def _sort_ours(into: _Sorted, one: Found, number: Number) -> None:
    match one.item:
        case InboundMessage() as message:
            into.messages.append((one, message, number))
        case Echo() as echo:
            into.echoes.append((one, echo, number))
        case Status() as status:
            into.statuses.append(Arrived(status, one.event_id, number.organization_id, number.id))
        case Notice(opens_window=True, sender=Sender() as sender, timestamp=datetime() as at):
            into.calls.append((at, sender, number))
            into.results[one.key] = _result(one, (number.organization_id,))
        case _:
            into.results[one.key] = _result(one, (number.organization_id,))


async def _store_written(
    connection: AsyncConnection, items: _Sorted, conversations: Sequence[UUID], applied: Applied
) -> None:
    """Messages, echoes and calls; `conversations` are theirs, in that order."""
    places = iter(conversations)
    filed = [_file(one, message, number, next(places)) for one, message, number in items.messages]
    echoes = [
        FiledEcho(echo, one.event_id, number.organization_id, number.id, next(places))
        for one, echo, number in items.echoes
    ]
    openings = [Opening(next(places), at) for at, _, _ in items.calls]
    new_messages = await inbound.store_messages(connection, filed)
    for (one, _, number), of_it, new in zip(items.messages, filed, new_messages, strict=True):
        items.results[one.key] = _result(one, (number.organization_id,), new=new)
        applied.received[number.id] += new
        applied.due |= new and of_it.due
    for (one, _, number), new in zip(items.echoes, await inbound.store_echoes(connection, echoes), strict=True):
        items.results[one.key] = _result(one, (number.organization_id,), new=new)
        applied.due |= new
    await inbound.open_windows(connection, openings)


def _file(one: Found, message: InboundMessage, number: Number, conversation_id: UUID) -> Filed:
    kept_reason = _kept_reason(message, number)
    return Filed(
        message=message,
        event_id=one.event_id,
        organization_id=number.organization_id,
        integration_id=number.id,
        conversation_id=conversation_id,
        kept_reason=kept_reason,
        due=kept_reason is None and number.is_live,
    )


def _kept_reason(message: InboundMessage, number: Number) -> str | None:
    """Why nobody answers a message that is stored all the same."""
    if message.group_id is not None:
        return OF_A_GROUP
    if not message.answerable:
        return f"A message of type {message.type} is not answered."
    return None if number.enabled else SWITCHED_OFF


def _result(
    one: Found, owners: tuple[UUID, ...], *, new: bool = True, outcome: Outcome | None = None, reason: str = ""
) -> ItemResult:
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
