"""A contact's consent to marketing as the business reads it, and sets it: what counts, in words, and its history."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Literal
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import audit, consents, contacts
from store.audit import By
from store.consents import BY, Choice
from store.engine import Database
from store.errors import InvalidRequestError, NotFoundError
from store.left_numbers import left_at
from whatsapp.events import Sender

_MOST_SHOWN = 200
_CLOCKS_DIFFER = timedelta(minutes=1)

State = Literal["stopped", "opted_in", "neither"]
_MEANS: dict[str, str] = {
    "stop": "Marketing stopped",
    "resume": "The stop taken back",
    "opt_in": "Marketing asked for",
}
_NEITHER = "They have neither stopped marketing messages nor, as far as is recorded here, asked for them."


@dataclass(frozen=True, slots=True)
class Told:
    """One thing that was told of it."""

    choice: Choice
    source: str
    """`answer`, `status`: Meta refused a message for it. `preference`: their choice in WhatsApp. `stop_word`: a message
    of theirs. `api`, `person`: the business."""
    says: str
    told_at: datetime
    """By the clock of whoever told it; the latest counts."""
    recorded_at: datetime
    message_id: UUID | None
    """The message that said so, or that was refused for it."""
    note: str | None


@dataclass(frozen=True, slots=True)
class Consent:
    """What a contact wants of marketing."""

    contact_id: UUID
    marketing: State
    since: datetime | None
    says: str
    history: list[Told]
    """The latest first; the latest 200."""


# An id that was merged into another still names the person; who goes on is always one step away (`store.merging`).
_FIND = text("""
    SELECT coalesce(merged_into, id) FROM contacts WHERE id = :contact_id AND organization_id = :organization_id
""")

_READ = text("""
    SELECT id, marketing_stopped_at, marketing_opted_in_at FROM contacts
    WHERE id = :contact_id AND organization_id = :organization_id
""")

_HISTORY = text("""
    SELECT choice, source, told_at, created_at, message_id, note FROM consents
    WHERE contact_id = :contact_id AND organization_id = :organization_id
    ORDER BY told_at DESC, choice = 'stop' DESC, id DESC LIMIT :most
""")

_NOW = text("SELECT clock_timestamp()")


async def read_consent(database: Database, organization_id: UUID, contact: UUID | Sender) -> Consent:
    """What counts, and what was told, of a contact by id or by one identity.

    Raises:
        NotFoundError: the organization has no such contact.
    """
    async with database.transaction() as connection:
        contact_id = await _known(connection, organization_id, contact)
        return await _read(connection, organization_id, await _find(connection, organization_id, contact_id))


async def set_consent(
    database: Database,
    *,
    organization_id: UUID,
    contact: UUID | Sender,
    choice: Choice,
    by: By,
    told_at: datetime | None = None,
    note: str | None = None,
) -> Consent:
    """Keep what a contact told the business by other means, at `told_at` (None: now), and answer what counts.

    Somebody new who is named by one identity becomes a contact by it: one, of two requests that come at once. What is
    older than the latest goes into the history and changes nothing else.

    Raises:
        NotFoundError: the organization has no contact with this id.
        InvalidRequestError: it is told from the future, and would hide what comes until then; or of a phone number
            that its contact had left. Nobody becomes a contact.
    """
    async with database.transaction() as connection:
        now: datetime = (await connection.execute(_NOW)).scalar_one()
        if told_at is not None and told_at > now + _CLOCKS_DIFFER:
            raise InvalidRequestError("told_at: is in the future.")
        if isinstance(contact, Sender):
            contact = await _named(connection, organization_id, contact, told_at=told_at or now)
        known = await _locked(connection, organization_id, contact)
        source: Literal["api", "person"] = "person" if by.actor == "person" else "api"
        about: Any = {"organization_id": organization_id, "contact_id": known}
        is_new = await consents.record(
            connection, **about, choice=choice, source=source, told_at=told_at or now, note=note
        )
        if is_new:
            await audit.note(
                connection,
                organization_id=organization_id,
                action="contact.consent_told",
                subject_id=known,
                actor=by.actor,
                actor_id=by.actor_id,
                detail={"choice": choice, "told_at": (told_at or now).isoformat()},
            )
        return await _read(connection, organization_id, known)


async def _known(connection: AsyncConnection, organization_id: UUID, contact: UUID | Sender) -> UUID:
    if isinstance(contact, UUID):
        return contact
    found = await contacts.find_named(connection, organization_id, contact)
    if found is None:
        raise NotFoundError("Nothing is known of this person.", next_step="Tell of them, or write to them first.")
    return found


async def _named(connection: AsyncConnection, organization_id: UUID, person: Sender, *, told_at: datetime) -> UUID:
    left = await left_at(connection, organization_id, person.wa_id)
    if left is not None and told_at >= left:
        raise InvalidRequestError(
            "to: the contact with this phone number had changed to another one before this was told.",
            next_step="Name them by user_id; whoever has the number now is known once they have written.",
        )
    return await contacts.contact_named(connection, organization_id, person)


async def _locked(connection: AsyncConnection, organization_id: UUID, contact_id: UUID) -> UUID:
    """The contact, locked: one that is merged away between being found and being locked is followed."""
    known = await _find(connection, organization_id, contact_id)
    while True:
        await consents.lock(connection, [known])
        found = await _find(connection, organization_id, known)
        if found == known:
            return known
        known = found


async def _find(connection: AsyncConnection, organization_id: UUID, contact_id: UUID) -> UUID:
    values = {"organization_id": organization_id, "contact_id": contact_id}
    found: UUID | None = (await connection.execute(_FIND, values)).scalar_one_or_none()
    if found is None:
        raise NotFoundError("There is no such contact.")
    return found


async def _read(connection: AsyncConnection, organization_id: UUID, contact_id: UUID) -> Consent:
    values = {"organization_id": organization_id, "contact_id": contact_id}
    row = (await connection.execute(_READ, values)).one()
    history = [
        Told(
            choice=told.choice,
            source=told.source,
            says=f"{_MEANS[told.choice]}, {BY[told.source]}.",
            told_at=told.told_at,
            recorded_at=told.created_at,
            message_id=told.message_id,
            note=told.note,
        )
        for told in await connection.execute(_HISTORY, values | {"most": _MOST_SHOWN})
    ]
    if row.marketing_stopped_at is not None:
        stop = consents.Stopped(row.marketing_stopped_at, _source(history, "stop", row.marketing_stopped_at))
        return Consent(row.id, "stopped", row.marketing_stopped_at, str(stop), history)
    if row.marketing_opted_in_at is not None:
        how = BY[_source(history, "opt_in", row.marketing_opted_in_at)]
        says = f"They have asked for marketing messages, {how}."
        return Consent(row.id, "opted_in", row.marketing_opted_in_at, says, history)
    return Consent(row.id, "neither", None, _NEITHER, history)


def _source(history: list[Told], choice: Choice, since: datetime) -> str:
    """By what it became known first; where that is too long ago to be shown, by what the latest that is shown told."""
    of_it = [told for told in history if told.choice == choice] or history
    return min((told.source for told in of_it if told.told_at == since), default=of_it[0].source)
