"""What the checks of a number found."""

from sqlalchemy import Column, ForeignKey, Index, Table, Text, Uuid, text

from store.tables.base import id_column, instant, metadata, one_of, organization_column

FINDING_SUBJECTS = (
    "token", "scopes", "expiry", "subscription", "app", "number", "quality", "limit", "health", "account",
)  # fmt: skip

# One row per thing that is or was wrong: found again, it is seen again; gone, it is cleared.
findings = Table(
    "findings",
    metadata,
    id_column(),
    organization_column(),
    Column("integration_id", Uuid, ForeignKey("integrations.id"), nullable=False),
    Column("subject", Text, nullable=False),
    Column("code", Text, nullable=False),
    Column("severity", Text, nullable=False),
    Column("says", Text, nullable=False),
    Column("next_step", Text, nullable=False),
    # Meta's own words, for the fold.
    Column("meta_detail", Text),
    instant("first_seen_at", nullable=False),
    instant("last_seen_at", nullable=False),
    instant("repaired_at"),
    instant("cleared_at"),
    instant("told_at"),
    one_of("subject", "subject", FINDING_SUBJECTS),
    one_of("severity", "severity", ("notice", "warning", "error")),
    Index("uq_findings_code_open", "integration_id", "code", unique=True, postgresql_where=text("cleared_at IS NULL")),
)
