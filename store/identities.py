"""Whose an identity is, decided on what Postgres says and what Meta tells: no clock, no I/O.

A BSUID is the person. A phone number is only where they are reached and may have a new owner tomorrow: it belongs to
whom Meta named with it last, by Meta's own time, so that the order of arrival changes nothing.
"""

from dataclasses import dataclass, field
from datetime import datetime
from uuid import UUID

import structlog

from store.ids import new_id
from whatsapp.events import Sender

log = structlog.get_logger(__name__)

Identity = tuple[UUID, str, str]
"""Organization, kind (`bsuid`, `wa_id`), value."""
Place = tuple[UUID, UUID]
"""Integration, contact."""


@dataclass(frozen=True, slots=True)
class Party:
    """Somebody on the other side of one of our numbers, as Meta named them in one item."""

    organization_id: UUID
    integration_id: UUID
    person: Sender
    at: datetime | None = None
    """When, by Meta's clock; None: nobody knows."""
    became: Sender | None = None
    """The same person from then on: a change of phone number or of BSUID. `person` is who they were."""

    @property
    def identities(self) -> list[Identity]:
        """What they are known by, the one that is the person first."""
        return [one for one in identities_of(self.organization_id, self.person) if one is not None]

    @property
    def new_identities(self) -> list[Identity]:
        """What they are known by since the change."""
        if self.became is None:
            return []
        return [one for one in identities_of(self.organization_id, self.became) if one is not None]


@dataclass(frozen=True, slots=True)
class Anchor:
    """Identities that Meta told of somebody we wrote to: whoever has them is that contact."""

    organization_id: UUID
    contact_id: UUID
    person: Sender
    at: datetime

    @property
    def identities(self) -> list[Identity]:
        """What they are known by."""
        return [one for one in identities_of(self.organization_id, self.person) if one is not None]


@dataclass(frozen=True, slots=True)
class Held:
    """Whose an identity is, and when Meta named them with it."""

    contact_id: UUID
    told_at: datetime | None


@dataclass(frozen=True, slots=True)
class Profile:
    """What somebody calls themselves."""

    name: str | None = None
    username: str | None = None
    told_at: datetime | None = None


@dataclass(slots=True)
class Known:
    """What Postgres says about the identities of a batch; what is to be added to it, as it is decided."""

    held: dict[Identity, Held] = field(default_factory=dict)
    bsuids: dict[UUID, set[str]] = field(default_factory=dict)
    renewed: dict[UUID, datetime | None] = field(default_factory=dict)
    profiles: dict[UUID, Profile] = field(default_factory=dict)
    conversations: dict[Place, UUID] = field(default_factory=dict)

    new_contacts: dict[UUID, UUID] = field(default_factory=dict)
    """With their organizations."""
    new_conversations: dict[Place, UUID] = field(default_factory=dict)
    joined: dict[Identity, Held] = field(default_factory=dict)
    """Identities that nobody had."""
    told: dict[Identity, Held] = field(default_factory=dict)
    """Identities that have another owner now, or were named anew."""
    merges: list[tuple[UUID, UUID]] = field(default_factory=list)
    """Two contacts that are one."""
    renewals: dict[UUID, datetime] = field(default_factory=dict)
    new_profiles: dict[UUID, Profile] = field(default_factory=dict)

    @property
    def is_complete(self) -> bool:
        """Nothing has to be written before conversations are locked."""
        return not (self.new_contacts or self.new_conversations or self.joined or self.told or self.merges)

    @property
    def touched(self) -> bool:
        """A contact that exists gets something, loses something or turns out to be another one."""
        joined = {held.contact_id for held in self.joined.values()} | {contact for _, contact in self.new_conversations}
        return bool(self.told or self.merges or joined - self.new_contacts.keys())

    def owner(self, identity: Identity | None) -> UUID | None:
        """The contact that has it."""
        held = None if identity is None else self.held.get(identity)
        return None if held is None else held.contact_id

    def add_contact(self, organization_id: UUID) -> UUID:
        """Somebody new."""
        contact_id = new_id()
        self.new_contacts[contact_id] = organization_id
        self.bsuids[contact_id] = set()
        self.renewed[contact_id] = None
        return contact_id

    def tell(self, identity: Identity | None, contact_id: UUID, at: datetime | None) -> None:
        """Meta named this contact with it, then."""
        if identity is None:
            return
        held = self.held.get(identity)
        now = Held(contact_id, at)
        if held is None:
            self.joined[identity] = self.held[identity] = now
            if identity[1] == "bsuid":
                self.bsuids[contact_id].add(identity[2])
        elif held.contact_id == contact_id:
            renewed = self.renewed.get(contact_id)
            if renewed is not None and at is not None and at >= renewed and _before(held.told_at, renewed):
                self._change(identity, now)
        elif identity[1] == "wa_id" and at is not None and _before(held.told_at, at):
            self._change(identity, now)

    def _change(self, identity: Identity, now: Held) -> None:
        self.held[identity] = now
        (self.joined if identity in self.joined else self.told)[identity] = now


def current(kind: str, contact: str) -> str:
    """SQL for how a contact is reached now: of the kind's identities the one told last, none from before a change.

    `contact` is the alias of the row of `contacts` in the query around it.
    """
    return f"""
      (SELECT i.value FROM contact_identities i
       WHERE i.contact_id = {contact}.id AND i.kind = '{kind}'
         AND ({contact}.renewed_at IS NULL OR i.told_at >= {contact}.renewed_at)
       ORDER BY i.told_at DESC NULLS LAST, i.created_at DESC LIMIT 1)"""  # noqa: S608 - a kind and an alias of ours


def identities_of(organization_id: UUID, person: Sender) -> tuple[Identity | None, Identity | None]:
    """BSUID and phone number of a person."""
    bsuid = (organization_id, "bsuid", person.user_id) if person.user_id else None
    return bsuid, (organization_id, "wa_id", person.wa_id) if person.wa_id else None


def place(known: Known, party: Party) -> Place:
    """The number and the contact of a party; notes what there is still to create, to move and to merge."""
    contact_id = _who(known, party)
    if party.became is not None and party.at is not None:
        _become(known, contact_id, party, became=party.became, at=party.at)
    _call(known, contact_id, party)
    at = (party.integration_id, contact_id)
    if at not in known.conversations:
        known.new_conversations[at] = party.organization_id
    return at


def _who(known: Known, party: Party) -> UUID:
    bsuid, wa_id = identities_of(party.organization_id, party.person)
    by_bsuid, by_wa_id = known.owner(bsuid), known.owner(wa_id)
    if by_bsuid is None and by_wa_id is not None and bsuid is not None and known.bsuids[by_wa_id]:
        # The phone number has a new owner. The old one's conversation is never opened to them.
        log.info("contact.number_has_new_owner", contact_id=by_wa_id)
        by_wa_id = None
    contact_id = by_bsuid or by_wa_id or known.add_contact(party.organization_id)
    if wa_id and by_bsuid and by_wa_id and by_wa_id != by_bsuid:
        if not known.bsuids[by_wa_id] and not _had_it_before(known, known.held[wa_id], by_bsuid, party.at):
            known.merges.append((by_bsuid, by_wa_id))
            return contact_id
        log.debug("contact.number_has_new_owner", contact_id=by_wa_id, new_contact_id=by_bsuid)
    # Who has become another names what they no longer are: it is theirs, but not from now on.
    told_at = None if party.became is not None else party.at
    known.tell(bsuid, contact_id, told_at)
    known.tell(wa_id, contact_id, told_at)
    return contact_id


def _had_it_before(known: Known, held: Held, contact_id: UUID, at: datetime | None) -> bool:
    """Whether a number was another's before this contact changed to it; what is told of the time before is not so."""
    renewed = known.renewed[contact_id]
    if renewed is None or held.told_at is None or at is None:
        return False
    return held.told_at < renewed <= at


def _become(known: Known, contact_id: UUID, party: Party, *, became: Sender, at: datetime) -> None:
    """Join what somebody is known by from now on to what they were, by Meta's own word."""
    bsuid, wa_id = identities_of(party.organization_id, became)
    known.renewals[contact_id] = max(at, known.renewals.get(contact_id, at))
    known.renewed[contact_id] = max(at, known.renewed.get(contact_id) or at)
    owner = known.owner(bsuid)
    if owner is None or owner == contact_id:
        known.tell(bsuid, contact_id, at)
    else:
        known.merges.append((contact_id, owner))
    holder = known.owner(wa_id)
    if wa_id is None or holder is None or holder == contact_id or _before(known.held[wa_id].told_at, at):
        known.tell(wa_id, contact_id, at)  # also from whoever had the number before them
    elif bsuid is None or known.bsuids[holder] <= {bsuid[2]}:
        known.merges.append((contact_id, holder))  # they wrote from it already


def anchor(known: Known, told: Anchor) -> None:
    """Join identities that were told of a message to the contact it went to, or merge with whoever has them.

    Never two people with a BSUID each: the phone number that was written to may have a new owner.
    """
    ours = known.bsuids.get(told.contact_id)
    if ours is None:
        return
    for identity in told.identities:
        owner = known.owner(identity)
        if owner is None:
            if identity[1] == "wa_id" or not ours:
                known.tell(identity, told.contact_id, told.at)
        elif owner != told.contact_id and not (ours and known.bsuids[owner]):
            known.merges.append((told.contact_id, owner))
            return


def _call(known: Known, contact_id: UUID, party: Party) -> None:
    """Keep what they call themselves now: a value that is new, or the first there is, whenever it was told."""
    before = known.new_profiles.get(contact_id) or known.profiles.get(contact_id, Profile())
    told = Profile(party.person.profile_name, party.person.username, party.at)
    newer = party.at is None or not _before(party.at, before.told_at)
    first, second = (told, before) if newer else (before, told)
    now = Profile(first.name or second.name, first.username or second.username, first.told_at or second.told_at)
    if (now.name, now.username) != (before.name, before.username):
        known.new_profiles[contact_id] = now


def _before(one: datetime | None, other: datetime | None) -> bool:
    """Whether it was told earlier; what nobody knows the time of was told first."""
    return other is not None and (one is None or one < other)
