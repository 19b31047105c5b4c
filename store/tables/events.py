"""Events for the business's own software: what happened, to which endpoints it goes, and what became of that."""

from sqlalchemy import ARRAY, Boolean, Column, ForeignKey, Index, Integer, LargeBinary, SmallInteger, Table, Text, Uuid
from sqlalchemy import text as sql
from sqlalchemy.dialects.postgresql import JSONB

from store.tables.base import created_column, id_column, instant, metadata, one_of, organization_column

event_endpoints = Table(
    "event_endpoints",
    metadata,
    id_column(),
    organization_column(),
    Column("url", Text, nullable=False),
    Column("secret_sealed", LargeBinary, nullable=False),
    # Which types it wants; null: all.
    Column("types", ARRAY(Text)),
    Column("enabled", Boolean, nullable=False, server_default=sql("true")),
    Column("disabled_reason", Text),
    created_column(),
    instant("disabled_at"),
    instant("deleted_at"),
)

events = Table(
    "events",
    metadata,
    id_column(),
    organization_column(),
    # `integration.held`, `integration.live`, `finding.opened`, `onboarding.live`, …
    Column("type", Text, nullable=False),
    Column("integration_id", Uuid, ForeignKey("integrations.id")),
    Column("data", JSONB, nullable=False),
    created_column(),
    Index("ix_events_organization_id_created_at_id", "organization_id", "created_at", "id"),
)

event_deliveries = Table(
    "event_deliveries",
    metadata,
    id_column(),
    organization_column(),
    Column("event_id", Uuid, ForeignKey("events.id"), nullable=False),
    Column("endpoint_id", Uuid, ForeignKey("event_endpoints.id"), nullable=False),
    Column("state", Text, nullable=False, server_default=sql("'pending'")),
    Column("attempts", Integer, nullable=False, server_default=sql("0")),
    Column("last_status", SmallInteger),
    Column("last_error", Text),
    instant("next_attempt_at"),
    # A delivery asked for again starts a new row.
    Column("redelivers_id", Uuid, ForeignKey("event_deliveries.id")),
    instant("due_at"),
    instant("nudged_at"),
    created_column(),
    instant("ended_at"),
    one_of("state", "state", ("pending", "delivered", "failed")),
    Index("ix_event_deliveries_due_at", "due_at", postgresql_where=sql("due_at IS NOT NULL")),
    Index("ix_event_deliveries_endpoint_id_created_at_id", "endpoint_id", "created_at", "id"),
)
