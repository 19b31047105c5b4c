"""Who a message is from: contacts by their identities, and the conversation each has with a number.

A BSUID is the person; a phone number is only where they are reached and may have a new owner tomorrow. So a BSUID that
is new joins the contact of its phone number only while that contact has no other BSUID.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from uuid import UUID

import structlog
from sqlalchemy import text
from sqlalchemy.ext.asyncio import AsyncConnection

from store.errors import UnavailableError
from store.ids import new_id
from whatsapp.events import Sender

log = structlog.get_logger(__name__)

_ROUNDS = 5
"""A round is lost only when another intake creates the same contact at the same moment."""

Identity = tuple[UUID, str, str]
"""Organization, kind (`bsuid`, `wa_id`), value."""


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody on the other side of one of our numbers."""

    organization_id: UUID
    integration_id: UUID
    person: Sender

    @property
    def identities(self) -> list[Identity]:
        """What they are known by, the one that is the person first."""
        kinds = (("bsuid", self.person.user_id), ("wa_id", self.person.wa_id))
        return [(self.organization_id, kind, value) for kind, value in kinds if value]


@dataclass(slots=True)
class _Known:
    """What Postgres says about the identities and conversations of a batch, and what is to be added to it."""

    contacts: dict[Identity, UUID] = field(default_factory=dict)
    bsuids: dict[UUID, bool] = field(default_factory=dict)
    conversations: dict[tuple[UUID, UUID], UUID] = field(default_factory=dict)
    profiles: dict[UUID, tuple[str | None, str | None]] = field(default_factory=dict)
    new_contacts: dict[UUID, Party] = field(default_factory=dict)
    new_identities: dict[Identity, UUID] = field(default_factory=dict)
    new_conversations: dict[tuple[UUID, UUID], Party] = field(default_factory=dict)
    new_profiles: dict[UUID, tuple[str | None, str | None]] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        return not (self.new_contacts or self.new_identities or self.new_conversations)


_READ = text("""
    SELECT i.organization_id, i.kind, i.value, i.contact_id, t.profile_name, t.username, w.integration_id,
           c.id AS conversation_id,
           EXISTS (SELECT FROM contact_identities b WHERE b.contact_id = i.contact_id AND b.kind = 'bsuid') AS has_bsuid
    FROM unnest(CAST(:organizations AS uuid[]), CAST(:kinds AS text[]), CAST(:values AS text[]),
                CAST(:integrations AS uuid[])) AS w (organization_id, kind, value, integration_id)
    JOIN contact_identities i USING (organization_id, kind, value)
    JOIN contacts t ON t.id = i.contact_id
    LEFT JOIN conversations c ON c.integration_id = w.integration_id AND c.contact_id = i.contact_id
""")

# In the order of their keys, so that intakes which create the same ones wait for each other and never in a ring.
_CREATE_CONTACTS = text("""
    WITH created AS (
      INSERT INTO contacts (id, organization_id)
      SELECT * FROM unnest(CAST(:contacts AS uuid[]), CAST(:owners AS uuid[]))
    )
    INSERT INTO contact_identities (id, organization_id, kind, value, contact_id)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:organizations AS uuid[]), CAST(:kinds AS text[]),
                         CAST(:values AS text[]), CAST(:identified AS uuid[]))
    ON CONFLICT (organization_id, kind, value) DO NOTHING
""")

_DELETE_UNIDENTIFIED = text("""
    DELETE FROM contacts t WHERE id = ANY(CAST(:contacts AS uuid[]))
      AND NOT EXISTS (SELECT FROM contact_identities i WHERE i.contact_id = t.id)
""")

_CREATE_CONVERSATIONS = text("""
    INSERT INTO conversations (id, organization_id, integration_id, contact_id)
    SELECT * FROM unnest(CAST(:ids AS uuid[]), CAST(:organizations AS uuid[]), CAST(:integrations AS uuid[]),
                         CAST(:contacts AS uuid[]))
    ON CONFLICT (integration_id, contact_id) DO NOTHING
""")

_RENAME = text("""
    WITH locked AS MATERIALIZED (
      SELECT id FROM contacts WHERE id = ANY(CAST(:contacts AS uuid[])) ORDER BY id FOR NO KEY UPDATE
    )
    UPDATE contacts t
    SET profile_name = coalesce(u.profile_name, t.profile_name), username = coalesce(u.username, t.username)
    FROM locked
    JOIN unnest(CAST(:contacts AS uuid[]), CAST(:names AS text[]), CAST(:usernames AS text[]))
      AS u (id, profile_name, username) USING (id)
    WHERE t.id = locked.id
""")


async def conversations_of(connection: AsyncConnection, parties: Sequence[Party]) -> list[UUID]:
    """The conversation of each party with its number; contacts, identities and conversations are created as needed."""
    if not parties:
        return []
    for _ in range(_ROUNDS):
        known = await _read(connection, parties)
        places = [_place(known, party) for party in parties]
        if known.is_complete:
            await _rename(connection, known)
            return [known.conversations[place] for place in places]
        await _create(connection, known)
    raise UnavailableError("Another process keeps creating the same contacts at the same time.")


async def _read(connection: AsyncConnection, parties: Sequence[Party]) -> _Known:
    wanted = sorted({(*identity, party.integration_id) for party in parties for identity in party.identities})
    organizations, kinds, values, integrations = zip(*wanted, strict=True)
    rows = await connection.execute(
        _READ,
        {
            "organizations": list(organizations),
            "kinds": list(kinds),
            "values": list(values),
            "integrations": list(integrations),
        },
    )
    known = _Known()
    for row in rows:
        known.contacts[row.organization_id, row.kind, row.value] = row.contact_id
        known.bsuids[row.contact_id] = row.has_bsuid
        known.profiles[row.contact_id] = (row.profile_name, row.username)
        if row.conversation_id is not None:
            known.conversations[row.integration_id, row.contact_id] = row.conversation_id
    return known


def _place(known: _Known, party: Party) -> tuple[UUID, UUID]:
    """The number and the contact of a party; notes what there is still to create for them."""
    contact_id = _contact(known, party)
    profile = (party.person.profile_name, party.person.username)
    before = known.profiles.get(contact_id, (None, None))
    if any(now not in (None, then) for now, then in zip(profile, before, strict=True)):
        known.new_profiles[contact_id] = profile
    place = (party.integration_id, contact_id)
    if place not in known.conversations:
        known.new_conversations[place] = party
    return place


def _contact(known: _Known, party: Party) -> UUID:
    found = {kind: known.contacts.get(identity) for identity in party.identities for kind in (identity[1],)}
    by_bsuid, by_wa_id = found.get("bsuid"), found.get("wa_id")
    if by_bsuid is None and by_wa_id is not None and "bsuid" in found and known.bsuids[by_wa_id]:
        # The phone number has a new owner. The old one's conversation is never opened to them.
        log.info("contact.number_has_new_owner", contact_id=by_wa_id)
        by_wa_id = None
    if by_bsuid is not None and by_wa_id not in (None, by_bsuid):
        log.debug("contact.known_twice", contact_id=by_bsuid, other_contact_id=by_wa_id)
    contact_id = by_bsuid or by_wa_id
    if contact_id is None:
        contact_id = new_id()
        known.new_contacts[contact_id] = party
        known.bsuids[contact_id] = False
    for identity in party.identities:
        if identity not in known.contacts:
            known.contacts[identity] = contact_id
            known.new_identities[identity] = contact_id
            known.bsuids[contact_id] = known.bsuids[contact_id] or identity[1] == "bsuid"
    return contact_id


async def _create(connection: AsyncConnection, known: _Known) -> None:
    """Create what is missing, as far as nobody else has; the next reading tells."""
    if known.new_identities:
        identities = sorted(known.new_identities)
        created = await connection.execute(
            _CREATE_CONTACTS,
            {
                "contacts": list(known.new_contacts),
                "owners": [party.organization_id for party in known.new_contacts.values()],
                "ids": [new_id() for _ in identities],
                "organizations": [organization_id for organization_id, _, _ in identities],
                "kinds": [kind for _, kind, _ in identities],
                "values": [value for _, _, value in identities],
                "identified": [known.new_identities[identity] for identity in identities],
            },
        )
        if created.rowcount < len(identities):
            await connection.execute(_DELETE_UNIDENTIFIED, {"contacts": list(known.new_contacts)})
    places = sorted(place for place in known.new_conversations if place[1] not in known.new_contacts)
    if places:
        await _create_conversations(connection, places, known)


async def _create_conversations(
    connection: AsyncConnection, places: Iterable[tuple[UUID, UUID]], known: _Known
) -> None:
    columns = [(new_id(), known.new_conversations[place].organization_id, *place) for place in places]
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


async def _rename(connection: AsyncConnection, known: _Known) -> None:
    if not known.new_profiles:
        return
    contacts = sorted(known.new_profiles)
    await connection.execute(
        _RENAME,
        {
            "contacts": contacts,
            "names": [known.new_profiles[contact][0] for contact in contacts],
            "usernames": [known.new_profiles[contact][1] for contact in contacts],
        },
    )
