"""Message templates as Meta has them, by account."""

from sqlalchemy import Boolean, Column, ForeignKey, Table, Text, UniqueConstraint, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from store.tables.base import created_column, id_column, instant, metadata, organization_column

templates = Table(
    "templates",
    metadata,
    id_column(),
    organization_column(),
    Column("waba_row_id", Uuid, ForeignKey("wabas.id"), nullable=False),
    # Meta's id of it; numbers in some webhooks, here always a text.
    Column("meta_id", Text),
    Column("name", Text, nullable=False),
    Column("language", Text, nullable=False),
    # Meta's own words, in capitals; new ones come without notice.
    Column("category", Text, nullable=False),
    Column("status", Text, nullable=False),
    Column("quality", Text),
    # positional or named, as its placeholders are.
    Column("parameter_format", Text, nullable=False),
    Column("components", JSONB, nullable=False),
    # Why it is rejected, paused or disabled, and what Meta says it will be put into, in words.
    Column("says", Text),
    Column("correct_category", Text),
    # Meta's time of the latest event about its status, its quality and its category: an older one of the kind that
    # comes late changes nothing.
    instant("told_at"),
    instant("quality_told_at"),
    instant("category_told_at"),
    instant("synced_at"),
    # Gone at Meta: kept for what was sent with it.
    Column("deleted", Boolean, nullable=False, server_default=text("false")),
    created_column(),
    UniqueConstraint("waba_row_id", "name", "language"),
)
