"""Items of webhook bodies to rows: all of a batch in a few statements, each with its effect at most once."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from intake.choosing import lock_choosing, words_of
from intake.sorting import Found, Sorted, is_unknown_signup, kind_of, result, sort, troubled
from store import (
    account_events,
    address_book,
    consequences,
    contacts,
    inbound,
    media_arrivals,
    merging,
    opt_outs,
    past,
    proofs,
    recoveries,
    routes,
    status_matching,
    status_people,
    statuses,
    template_events,
)
from store.contacts import Party
from store.inbound import Filed, FiledEcho, Opening
from store.media_arrivals import Arrival
from store.past import FiledPast
from store.routes import Number, Routes
from store.status_matching import Match
from store.webhook_events import ItemResult, Outcome
from whatsapp.account_changes import AccountUpdate
from whatsapp.events import Echo, InboundMessage, Notice, Sender
from whatsapp.kinds import file_of

log = structlog.get_logger(__name__)

__all__ = ["Applied", "Found", "apply", "kind_of", "owners_of"]

SWITCHED_OFF = "The number was switched off when it came."
OF_A_GROUP = "A message of a group is never answered one to one."


@dataclass(slots=True)
class Applied:
    """What became of a batch."""

    results: list[ItemResult] = field(default_factory=list)
    received: Counter[UUID] = field(default_factory=Counter)
    """New messages by integration, to be booked on their numbers' rates."""
    unmatched_status_ids: list[int] = field(default_factory=list)
    due: bool = False
    """Some conversation has something to do now. (Statuses wake whom they concern by NOTIFY.)"""


async def apply(connection: AsyncConnection, found: Sequence[Found]) -> Applied:
    """Apply items in the caller's transaction, each with its effect at most once.

    Locks are taken in one order by everybody: numbers (by what Meta says of them), contacts and their identities,
    conversations, messages. Raises what Postgres raises; nothing of the batch is then applied.
    """
    known = await _routes(connection, found)
    items = sort(list(found), known, await _signups(connection, found, known))
    await account_events.apply_changes(connection, items.said)
    await template_events.apply_changes(connection, items.said)
    await consequences.lock_numbers(connection, troubled(items))
    await _take_errors(connection, items)
    await address_book.store_contacts(connection, items.contacts)
    matches = await status_matching.match(connection, items.statuses)
    told = await status_people.people_of(connection, items.statuses, matches)
    placed = await contacts.place_all(connection, _parties(items), told, locked_too=_waiting(items, matches))
    if placed.merged:
        matches = await status_matching.match(connection, items.statuses)
    conversations = placed.conversations
    words = words_of(items, conversations)
    choosers = await lock_choosing(connection, items, words, matches, people=placed.people)
    await contacts.write_people(connection, placed)
    await merging.lock(connection, [*conversations, *_waiting(items, matches)])
    applied = Applied()
    await _store_written(connection, items, iter(conversations), applied)
    await opt_outs.store_choices(connection, items.chosen, choosers)
    await opt_outs.store_words(connection, words)
    stored = await statuses.store(connection, items.statuses, matches)
    for one, new in zip(items.statuses, stored.new, strict=True):
        key = (one.event_id, one.status.origin.place)
        items.results[key] = result(Found(one.event_id, one.status), (one.organization_id,), new=new)
    await proofs.wake_proofs(connection, items.proving)
    await consequences.slow_numbers(connection, items.troubles)
    applied.unmatched_status_ids = stored.unmatched_ids
    applied.results = [items.results[one.key] for one in found]
    return applied


def _waiting(items: Sorted, matches: Sequence[Match | None]) -> list[UUID]:
    """The conversations that statuses may give something to do."""
    return [
        match.conversation_id
        for one, match in zip(items.statuses, matches, strict=True)
        if match is not None and match.is_waited_for(one.status)
    ]


async def _take_errors(connection: AsyncConnection, items: Sorted) -> None:
    """Errors that are of no message: what they change of their number."""
    for trouble in items.troubles:
        error_class, kind = trouble.verdict.error_class.value, trouble.verdict.kind
        told = {"integration_id": str(trouble.integration_id), "code": trouble.code, "error_class": error_class}
        log.warning("number.error_told", **told, verdict=kind)
    await consequences.follow(connection, items.troubles)


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


async def _signups(
    connection: AsyncConnection, found: Sequence[Found], known: Routes
) -> dict[tuple[int, int], recoveries.Attributed]:
    """Whose the finished signups are that are of no account known here."""
    attributed = {}
    for one in found:
        if is_unknown_signup(one, known):
            match one.item:
                case Notice(change=AccountUpdate() as change):
                    attributed[one.key] = await recoveries.attribute(connection, change)
    return attributed


def _parties(items: Sorted) -> list[Party]:
    """Everybody on the other side, in the order in which their conversations are handed out."""
    return [
        *(_party(number, one.sender, one.timestamp, one.became) for _, one, number in items.messages),
        *(_party(number, echo.recipient, echo.timestamp) for _, echo, number in items.echoes),
        *(_party(number, sender, at) for at, sender, number in items.calls),
        *(_party(number, message.person, message.timestamp) for _, message, number in items.past),
        *(
            Party(one.organization_id, one.integration_id, one.choice.person, one.choice.timestamp)
            for one in items.chosen
            if one.integration_id
        ),
    ]


def _party(number: Number, person: Sender, at: datetime, became: Sender | None = None) -> Party:
    return Party(number.organization_id, number.id, person, at, became)


async def _store_written(
    connection: AsyncConnection, items: Sorted, conversations: Iterator[UUID], applied: Applied
) -> None:
    """Messages, echoes, calls and the past; `conversations` are theirs, in the order of `_parties`."""
    filed = [_file(one, message, number, next(conversations)) for one, message, number in items.messages]
    echoes = [
        FiledEcho(echo, one.event_id, number.organization_id, number.id, next(conversations))
        for one, echo, number in items.echoes
    ]
    openings = [Opening(next(conversations), at) for at, _, _ in items.calls]
    gone_by = [
        FiledPast(message, one.event_id, number.organization_id, number.id, next(conversations))
        for one, message, number in items.past
    ]
    await _store_messages(connection, items, filed, applied)
    for (one, _, number), new in zip(items.echoes, await inbound.store_echoes(connection, echoes), strict=True):
        items.results[one.key] = result(one, (number.organization_id,), new=new)
        applied.due |= new
    files = _files(items)
    await media_arrivals.note_files(connection, files)
    applied.due |= bool(files)
    await inbound.open_windows(connection, openings)
    for (one, _, number), new in zip(items.past, await past.store_past(connection, gone_by), strict=True):
        items.results[one.key] = result(one, (number.organization_id,), new=new)


async def _store_messages(connection: AsyncConnection, items: Sorted, filed: Sequence[Filed], applied: Applied) -> None:
    stored = await inbound.store_messages(connection, filed)
    repeated = [
        of_it
        for (_, _, number), of_it, new in zip(items.messages, filed, stored, strict=True)
        if number.coexistence and not new
    ]
    revived = await past.revive(connection, repeated)
    for (one, message, number), of_it, was_new in zip(items.messages, filed, stored, strict=True):
        new = was_new or (number.id, message.wamid) in revived
        items.results[one.key] = result(one, (number.organization_id,), new=new)
        applied.received[number.id] += new
        applied.due |= new and of_it.due
        if new and number.is_proving:
            items.proving.add(number.id)


def _files(items: Sorted) -> list[Arrival]:
    """What messages of both sides carry and nobody has noted yet."""
    written: list[tuple[Found, InboundMessage | Echo, Number]] = [*items.messages, *items.echoes]
    return [
        Arrival(number.id, message.wamid, file)
        for one, message, number in written
        if items.results[one.key].outcome is Outcome.APPLIED
        and (file := file_of(message.type, message.content)) is not None
    ]


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
