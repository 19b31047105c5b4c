"""Who a message is from: contacts by their identities, and the conversation each has with a number.

Whose an identity is, `store.identities` decides. Here it is read and written, in as many rounds as it takes; contacts
that turn out to be one are merged (`store.merging`). All of it comes before the conversations are locked.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store import merging
from store.errors import UnavailableError
from store.identities import Anchor, Held, Identity, Known, Party, Place, Profile, anchor, identities_of, place
from store.ids import new_id
from whatsapp.events import Sender

__all__ = ["Anchor", "Party", "Placed", "contact_named", "conversations_of", "find_named", "place_all", "write_people"]

_ROUNDS = 8
"""A round is lost only when another intake creates the same contact at the same moment."""
_CROWDED = "Another process keeps creating the same contacts at the same time."

_READ = text("""
    SELECT i.organization_id, i.kind, i.value, i.contact_id, i.told_at, t.profile_name, t.username, t.profile_told_at,
           t.renewed_at, w.integration_id, c.id AS conversation_id,
           ARRAY(SELECT b.value FROM contact_identities b
                 WHERE b.contact_id = i.contact_id AND b.kind = 'bsuid') AS bsuids
    FROM unnest(CAST(:organizations AS uuid[]), CAST(:kinds AS text[]), CAST(:values AS text[]),
                CAST(:integrations AS uuid[])) AS w (organization_id, kind, value, integration_id)
    JOIN contact_identities i USING (organization_id, kind, value)
    JOIN contacts t ON t.id = i.contact_id
    LEFT JOIN conversations c
      ON c.integration_id = w.integration_id AND c.contact_id = i.contact_id AND c.merged_into IS NULL
""")

_READ_ANCHORED = text("""
    SELECT t.id, t.renewed_at,
           ARRAY(SELECT b.value FROM contact_identities b WHERE b.contact_id = t.id AND b.kind = 'bsuid') AS bsuids
    FROM contacts t WHERE t.id = ANY(CAST(:ids AS uuid[])) AND t.merged_into IS NULL
""")

# Whoever changes a contact that exists does so alone, in its organization: two that give it different things, or one
# that merges it away, would not see each other. Taken before anything is written or locked.
_ONE_AT_A_TIME = text("SELECT pg_advisory_xact_lock(hashtextextended('contacts of ' || :organization_id, 0))")

# In the order of their keys, so that intakes which create the same ones wait for each other and never in a ring.
_CREATE_CONTACTS = text("""
    WITH created AS (
      INSERT INTO contacts (id, organization_id)
      SELECT * FROM unnest(CAST(:contacts AS uuid[]), CAST(:owners AS uuid[]))
    )
    INSERT INTO contact_identities (id, organization_id, kind, value, contact_id, told_at)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:organizations AS uuid[]), CAST(:kinds AS text[]),
                         CAST(:values AS text[]), CAST(:identified AS uuid[]), CAST(:told AS timestamptz[]))
    ON CONFLICT (organization_id, kind, value) DO NOTHING
""")

_DELETE_UNIDENTIFIED = text("""
    DELETE FROM contacts t WHERE id = ANY(CAST(:contacts AS uuid[]))
      AND NOT EXISTS (SELECT FROM contact_identities i WHERE i.contact_id = t.id)
""")

_TELL = text("""
    UPDATE contact_identities i SET contact_id = u.contact_id, told_at = u.told_at
    FROM unnest(CAST(:organizations AS uuid[]), CAST(:kinds AS text[]), CAST(:values AS text[]),
                CAST(:contacts AS uuid[]), CAST(:told AS timestamptz[]))
      AS u (organization_id, kind, value, contact_id, told_at)
    WHERE i.organization_id = u.organization_id AND i.kind = u.kind AND i.value = u.value
""")

_CREATE_CONVERSATIONS = text("""
    INSERT INTO conversations (id, organization_id, integration_id, contact_id)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:organizations AS uuid[]), CAST(:integrations AS uuid[]),
                         CAST(:contacts AS uuid[]))
    ON CONFLICT (integration_id, contact_id) WHERE merged_into IS NULL DO NOTHING
""")

_RENAME = text("""
    WITH locked AS MATERIALIZED (
      SELECT id FROM contacts WHERE id = ANY(CAST(:contacts AS uuid[])) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE contacts t
    SET profile_name = coalesce(u.profile_name, t.profile_name), username = coalesce(u.username, t.username),
        profile_told_at = coalesce(u.told_at, t.profile_told_at),
        renewed_at = greatest(t.renewed_at, u.renewed_at)
    FROM locked
    JOIN unnest(CAST(:contacts AS uuid[]), CAST(:names AS text[]), CAST(:usernames AS text[]),
                CAST(:told AS timestamptz[]), CAST(:renewed AS timestamptz[]))
      AS u (id, profile_name, username, told_at, renewed_at) USING (id)
    WHERE t.id = locked.id
""")


@dataclass(frozen=True, slots=True)
class Placed:
    """Where the parties of a batch belong, and what is still to be written of them (`write_people`)."""

    conversations: list[UUID]
    """One for each party, in the same order."""
    profiles: Mapping[UUID, Profile]
    renewals: Mapping[UUID, datetime]
    merged: bool = False
    """Contacts were merged for it: what was read of messages before may be of conversations that are closed now."""

    @property
    def people(self) -> set[UUID]:
        """The contacts of whom something is still to be written."""
        return {*self.profiles, *self.renewals}


async def conversations_of(connection: AsyncConnection, parties: Sequence[Party]) -> list[UUID]:
    """The conversation of each party with its number; contacts, identities and conversations are created as needed.

    To be called before any conversation is locked.
    """
    placed = await place_all(connection, parties)
    await write_people(connection, placed)
    return placed.conversations


async def find_named(connection: AsyncConnection, organization_id: UUID, person: Sender) -> UUID | None:
    """The contact that the business names by one identity; None: nobody that is known."""
    (identity,) = (one for one in identities_of(organization_id, person) if one is not None)
    return (await _read(connection, named=[identity])).owner(identity)


async def contact_named(connection: AsyncConnection, organization_id: UUID, person: Sender) -> UUID:
    """The same; somebody new becomes a contact, without a conversation yet."""
    (identity,) = (one for one in identities_of(organization_id, person) if one is not None)
    for _ in range(_ROUNDS):
        known = await _read(connection, named=[identity])
        contact_id = known.owner(identity)
        if contact_id is not None:
            return contact_id
        known.tell(identity, known.add_contact(organization_id), None)
        await _create(connection, known)
    raise UnavailableError(_CROWDED)


async def place_all(
    connection: AsyncConnection,
    parties: Sequence[Party],
    anchors: Sequence[Anchor] = (),
    *,
    locked_too: Collection[UUID] = (),
) -> Placed:
    """As `conversations_of`, and what was told of contacts we wrote to; who turns out to be one is merged.

    A merge locks the conversations of both together with those of the batch; `locked_too` are others that the caller
    is going to lock. To be called before any conversation is locked.
    """
    alone = merged = False
    for _ in range(_ROUNDS):
        known = await _read(connection, parties, anchors)
        places = _decide(known, parties, anchors)
        if known.is_complete:
            conversations = [known.conversations[place] for place in places]
            return Placed(conversations, known.new_profiles, known.renewals, merged)
        if known.touched and not alone:
            await _be_alone(connection, parties, anchors)
            alone = True
            continue
        if known.merges and not (known.new_contacts or known.joined or known.told):
            held = {known.conversations[place] for place in places if place in known.conversations}
            merged = True
            people = known.new_profiles.keys() | known.renewals.keys()
            await merging.merge(connection, known.merges, contacts_too=people, conversations_too=held | set(locked_too))
        else:
            await _create(connection, known)
    raise UnavailableError(_CROWDED)


def _decide(known: Known, parties: Sequence[Party], anchors: Sequence[Anchor]) -> list[Place]:
    """Each party's place. Changes of identity go first: what they join is then known to the others."""
    places: dict[int, Place] = {}
    for n in sorted(range(len(parties)), key=lambda n: parties[n].became is None):
        places[n] = place(known, parties[n])
    for told in anchors:
        anchor(known, told)
    return [places[n] for n in range(len(parties))]


async def _be_alone(connection: AsyncConnection, parties: Sequence[Party], anchors: Sequence[Anchor]) -> None:
    organizations = {party.organization_id for party in parties} | {told.organization_id for told in anchors}
    for organization_id in sorted(organizations):
        await connection.execute(_ONE_AT_A_TIME, {"organization_id": str(organization_id)})


async def _read(
    connection: AsyncConnection,
    parties: Sequence[Party] = (),
    anchors: Sequence[Anchor] = (),
    *,
    named: Sequence[Identity] = (),
) -> Known:
    known = Known()
    wanted: set[tuple[UUID, str, str, UUID | None]] = {
        (*one, party.integration_id) for party in parties for one in (*party.identities, *party.new_identities)
    }
    wanted |= {(*one, None) for one in (*named, *(one for told in anchors for one in told.identities))}
    if anchors:
        for row in await connection.execute(_READ_ANCHORED, {"ids": sorted({one.contact_id for one in anchors})}):
            known.bsuids[row.id] = set(row.bsuids)
            known.renewed[row.id] = row.renewed_at
    if not wanted:
        return known
    organizations, kinds, values, integrations = zip(*sorted(wanted, key=str), strict=True)
    rows = await connection.execute(
        _READ,
        {
            "organizations": list(organizations),
            "kinds": list(kinds),
            "values": list(values),
            "integrations": list(integrations),
        },
    )
    for row in rows:
        known.held[row.organization_id, row.kind, row.value] = Held(row.contact_id, row.told_at)
        known.bsuids[row.contact_id] = set(row.bsuids)
        known.renewed[row.contact_id] = row.renewed_at
        known.profiles[row.contact_id] = Profile(row.profile_name, row.username, row.profile_told_at)
        if row.conversation_id is not None:
            known.conversations[row.integration_id, row.contact_id] = row.conversation_id
    return known


async def _create(connection: AsyncConnection, known: Known) -> None:
    """Create what is missing, as far as nobody else has; the next reading tells."""
    if known.joined:
        identities = sorted(known.joined)
        created = await connection.execute(
            _CREATE_CONTACTS,
            {
                "contacts": list(known.new_contacts),
                "owners": list(known.new_contacts.values()),
                "ids": [new_id() for _ in identities],
                **_columns(identities),
                "identified": [known.joined[identity].contact_id for identity in identities],
                "told": [known.joined[identity].told_at for identity in identities],
            },
        )
        if created.rowcount < len(identities):
            await connection.execute(_DELETE_UNIDENTIFIED, {"contacts": list(known.new_contacts)})
    moved = sorted(identity for identity, held in known.told.items() if held.contact_id not in known.new_contacts)
    if moved:
        values = _columns(moved) | {
            "contacts": [known.told[identity].contact_id for identity in moved],
            "told": [known.told[identity].told_at for identity in moved],
        }
        await connection.execute(_TELL, values)
    places = sorted(place for place in known.new_conversations if place[1] not in known.new_contacts)
    if places:
        await _create_conversations(connection, places, known)


def _columns(identities: Sequence[Identity]) -> dict[str, list[object]]:
    organizations, kinds, values = zip(*identities, strict=True)
    return {"organizations": list(organizations), "kinds": list(kinds), "values": list(values)}


async def _create_conversations(connection: AsyncConnection, places: Iterable[Place], known: Known) -> None:
    columns = [(new_id(), known.new_conversations[place], *place) for place in places]
    ids, organizations, integrations, contacts = zip(*columns, strict=True)
    await connection.execute(
        _CREATE_CONVERSATIONS,
        {
            "ids": list(ids),
            "organizations": list(organizations),
            "integrations": list(integrations),
            "contacts": list(contacts),
        },
    )


async def write_people(connection: AsyncConnection, placed: Placed) -> None:
    """Write what contacts call themselves, and since when they are another number's; no conversation is locked yet."""
    contacts = sorted(placed.people)
    if not contacts:
        return
    profiles = [placed.profiles.get(contact, Profile()) for contact in contacts]
    await connection.execute(
        _RENAME,
        {
            "contacts": contacts,
            "names": [profile.name for profile in profiles],
            "usernames": [profile.username for profile in profiles],
            "told": [profile.told_at for profile in profiles],
            "renewed": [placed.renewals.get(contact) for contact in contacts],
        },
    )
