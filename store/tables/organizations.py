"""Organizations: whose everything is, their keys and their agent flows."""

from sqlalchemy import Boolean, Column, Integer, LargeBinary, Table, Text, text

from store.tables.base import created_column, id_column, instant, metadata, one_of, organization_column

organizations = Table(
    "organizations",
    metadata,
    id_column(),
    Column("name", Text, nullable=False),
    created_column(),
)

api_keys = Table(
    "api_keys",
    metadata,
    id_column(),
    organization_column(),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False, unique=True),
    Column("key_hash", LargeBinary, nullable=False),
    created_column(),
    instant("revoked_at"),
)

agent_flows = Table(
    "agent_flows",
    metadata,
    id_column(),
    organization_column(),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("url", Text),
    Column("secret_sealed", LargeBinary),
    # Messages that arrive within this pause are answered as one turn.
    Column("pause_ms", Integer, nullable=False, server_default=text("0")),
    Column("history_messages", Integer, nullable=False, server_default=text("50")),
    # Read receipt and typing indicator when a turn begins.
    Column("receipts", Boolean, nullable=False, server_default=text("true")),
    created_column(),
    one_of("kind", "kind", ("echo", "http")),
)
