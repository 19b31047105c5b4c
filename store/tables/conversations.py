"""Whom a number talks with, and the turns in which it answers."""

from sqlalchemy import Column, ForeignKey, Index, Integer, Table, Text, UniqueConstraint, Uuid, text

from store.tables.base import created_column, id_column, instant, metadata, one_of, organization_column
from store.tables.consents import CONSENT_SOURCES

contacts = Table(
    "contacts",
    metadata,
    id_column(),
    organization_column(),
    Column("profile_name", Text),
    Column("username", Text),
    # When, by Meta's clock, they called themselves so: what was told earlier and comes later changes nothing.
    instant("profile_told_at"),
    # Since when they have another number or BSUID: identities that were told of before are not theirs any more.
    instant("renewed_at"),
    instant("marketing_stopped_at"),
    # What Meta last told of it, how (a refused send, a failed status, the customer's own choice) and from when: older
    # news that come late change nothing.
    Column("marketing_source", Text),
    instant("marketing_told_at"),
    # Since when they have asked for marketing, as far as somebody recorded it (`consents`).
    instant("marketing_opted_in_at"),
    # Turned out to be this contact: their identities and conversations are there now.
    Column("merged_into", Uuid, ForeignKey("contacts.id")),
    created_column(),
    one_of("marketing_source", "marketing_source", CONSENT_SOURCES),
    Index("ix_contacts_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
)

contact_identities = Table(
    "contact_identities",
    metadata,
    id_column(),
    organization_column(),
    Column("contact_id", Uuid, ForeignKey("contacts.id"), nullable=False, index=True),
    # bsuid: unique per business portfolio, by Meta never shared by two; wa_id: digits without "+".
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    # When, by Meta's clock, the contact was named with it; null: before anybody can tell.
    instant("told_at"),
    created_column(),
    one_of("kind", "kind", ("bsuid", "wa_id")),
    UniqueConstraint("organization_id", "kind", "value"),
)

conversations = Table(
    "conversations",
    metadata,
    id_column(),
    organization_column(),
    Column("integration_id", Uuid, ForeignKey("integrations.id"), nullable=False),
    Column("contact_id", Uuid, ForeignKey("contacts.id"), nullable=False, index=True),
    Column("in_charge", Text, nullable=False, server_default=text("'bot'")),
    Column("in_charge_reason", Text),
    instant("in_charge_since"),
    # Meta's own timestamp of the latest message that opens a window; the window closes 24 h later.
    instant("window_opened_at"),
    # When Meta refused a reply for a closed window (131047): what the customer wrote before that opens none.
    instant("window_refused_at"),
    # GCRA's theoretical arrival time of what we send to this pair (1 per 6 s, burst 45); written by the claim.
    instant("pair_next_at"),
    # The outbox mark: the moment from which somebody has to look at this conversation.
    instant("due_at"),
    instant("nudged_at"),
    instant("turn_began_at"),
    Column("last_turn_no", Integer, nullable=False, server_default=text("0")),
    instant("last_message_at"),
    # The contact turned out to be another one: its rows are in this conversation now, and its run ends.
    Column("merged_into", Uuid, ForeignKey("conversations.id")),
    created_column(),
    one_of("in_charge", "in_charge", ("bot", "person")),
    Index(
        "ix_conversations_integration_id_contact_id",
        "integration_id",
        "contact_id",
        unique=True,
        postgresql_where=text("merged_into IS NULL"),
    ),
    Index("ix_conversations_merged_into", "merged_into", postgresql_where=text("merged_into IS NOT NULL")),
    Index("ix_conversations_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_conversations_organization_id_last_message_at_id", "organization_id", "last_message_at", "id"),
    postgresql_with={"fillfactor": "70"},
)

TURN_STATES = ("asking", "answered", "failed", "discarded")

turns = Table(
    "turns",
    metadata,
    id_column(),
    organization_column(),
    Column("conversation_id", Uuid, ForeignKey("conversations.id"), nullable=False),
    Column("turn_no", Integer, nullable=False),
    Column("agent_flow_id", Uuid, ForeignKey("agent_flows.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # Why it failed or was discarded, in words, and the code docs/errors.md explains.
    Column("error_code", Text),
    Column("error_detail", Text),
    instant("began_at", nullable=False),
    instant("ended_at"),
    one_of("state", "state", TURN_STATES),
    UniqueConstraint("conversation_id", "turn_no"),
)
