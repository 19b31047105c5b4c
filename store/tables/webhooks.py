"""What Meta posted, exactly as it came, what became of it, and when nobody may have listened."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    Uuid,
    text,
)

from store.tables.base import created_column, id_column, instant, metadata, one_of

WEBHOOK_EVENT_STATES = ("pending", "done")

# One row per POST body, exactly as it came.
webhook_events = Table(
    "webhook_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    instant("received_at", nullable=False),
    instant("processed_at"),
    Column("applied", Integer, nullable=False, server_default=text("0")),
    Column("duplicate", Integer, nullable=False, server_default=text("0")),
    Column("parked", Integer, nullable=False, server_default=text("0")),
    Column("quarantined", Integer, nullable=False, server_default=text("0")),
    one_of("state", "state", WEBHOOK_EVENT_STATES),
    Index("ix_webhook_events_pending", "id", postgresql_where=text("state = 'pending'")),
)

# The items of a body that could not be applied (parked) or are not ours (quarantined); applied ones need no row.
webhook_items = Table(
    "webhook_items",
    metadata,
    Column("webhook_event_id", BigInteger, ForeignKey("webhook_events.id"), primary_key=True),
    Column("place", Integer, primary_key=True),
    Column("kind", Text, nullable=False),
    Column("outcome", Text, nullable=False),
    Column("reason", Text, nullable=False),
    Column("waba_id", Text),
    Column("phone_number_id", Text),
    # Set when it belongs to a number of ours (parked) and so may be shown to its owner.
    Column("organization_id", Uuid, ForeignKey("organizations.id")),
    created_column(),
    one_of("outcome", "outcome", ("parked", "quarantined")),
    Index("ix_webhook_items_phone_number_id", "phone_number_id", postgresql_where=text("outcome = 'quarantined'")),
)

# Which organizations a body concerned: a body may carry items of several, and each may see only its own.
webhook_event_organizations = Table(
    "webhook_event_organizations",
    metadata,
    Column("organization_id", Uuid, ForeignKey("organizations.id"), primary_key=True),
    Column("webhook_event_id", BigInteger, ForeignKey("webhook_events.id"), primary_key=True),
    Column("applied", Integer, nullable=False, server_default=text("0")),
    Column("duplicate", Integer, nullable=False, server_default=text("0")),
    Column("parked", Integer, nullable=False, server_default=text("0")),
    Column("quarantined", Integer, nullable=False, server_default=text("0")),
)

# One row per running API process, beaten every second: what tells whether a status could have been missed.
api_processes = Table(
    "api_processes",
    metadata,
    id_column(),
    instant("started_at", nullable=False),
    instant("beat_at", nullable=False),
    instant("stopped_at"),
    Index("ix_api_processes_running", "beat_at", postgresql_where=text("stopped_at IS NULL")),
)

# Stretches of time in which a webhook may have been refused or nobody listened.
webhook_gaps = Table(
    "webhook_gaps",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    instant("began_at", nullable=False),
    instant("ended_at", nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_webhook_gaps_ended_at", "ended_at"),
)


# What left an activity or a handler as an unexpected error: only the id travels, the details stay here.
error_reports = Table(
    "error_reports",
    metadata,
    id_column(),
    instant("at", nullable=False),
    Column("where", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("trace", ARRAY(Text), nullable=False),
)
