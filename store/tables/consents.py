"""What contacts want of marketing: each time that something was told, by whom, from when."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text, Uuid

from store.tables.base import created_column, id_column, instant, metadata, one_of, organization_column

CONSENT_SOURCES = ("answer", "status", "preference", "stop_word", "api", "person")

# The history; what counts stands on the contact, where the claim reads it.
consents = Table(
    "consents",
    metadata,
    id_column(),
    organization_column(),
    Column("contact_id", Uuid, ForeignKey("contacts.id", ondelete="CASCADE"), nullable=False),
    # stop: no marketing. resume: the stop is taken back. opt_in: asked for, with proof of it in `note`.
    Column("choice", Text, nullable=False),
    Column("source", Text, nullable=False),
    # The message that said so, or the message that was refused for it.
    Column("message_id", Uuid, ForeignKey("messages.id")),
    Column("note", Text),
    # By the clock of whoever told: an older one that comes late changes nothing.
    instant("told_at", nullable=False),
    created_column(),
    one_of("choice", "choice", ("stop", "resume", "opt_in")),
    one_of("source", "source", CONSENT_SOURCES),
    Index("ix_consents_contact_id_told_at", "contact_id", "told_at"),
)
