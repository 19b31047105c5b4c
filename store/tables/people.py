"""The people who sign in to the console, their sessions, and what was done by whom."""

from sqlalchemy import BigInteger, Boolean, Column, ForeignKey, Identity, Index, LargeBinary, Table, Text, Uuid, text
from sqlalchemy.dialects.postgresql import JSONB

from store.tables.base import created_column, id_column, instant, metadata, one_of, organization_column

people = Table(
    "people",
    metadata,
    id_column(),
    organization_column(),
    # As typed; two that differ only in case are the same person.
    Column("email", Text, nullable=False),
    Column("name", Text, nullable=False),
    Column("role", Text, nullable=False),
    # argon2id, with its own salt and parameters.
    Column("password_hash", Text, nullable=False),
    created_column(),
    instant("signed_in_at"),
    instant("disabled_at"),
    one_of("role", "role", ("owner", "member")),
    Index("uq_people_email", text("lower(email)"), unique=True),
)

sessions = Table(
    "sessions",
    metadata,
    id_column(),
    organization_column(),
    Column("person_id", Uuid, ForeignKey("people.id"), nullable=False, index=True),
    # The cookie's value is never kept.
    Column("token_hash", LargeBinary, nullable=False, unique=True),
    created_column(),
    instant("seen_at", nullable=False),
    instant("expires_at", nullable=False),
    instant("ended_at"),
)

# Attempts to sign in, for the throttle; only hashes of the address and of the e-mail address tried.
sign_in_attempts = Table(
    "sign_in_attempts",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    instant("at", nullable=False),
    Column("address_hash", LargeBinary, nullable=False),
    Column("email_hash", LargeBinary, nullable=False),
    Column("succeeded", Boolean, nullable=False),
    Index("ix_sign_in_attempts_address_hash_at", "address_hash", "at"),
    Index("ix_sign_in_attempts_email_hash_at", "email_hash", "at"),
)

audit_log = Table(
    "audit_log",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    organization_column(),
    instant("at", nullable=False),
    # person, key, meta or holdfast itself; the id of the person or of the key.
    Column("actor", Text, nullable=False),
    Column("actor_id", Uuid),
    # What was done to what: `integration.disabled`, `onboarding.cancelled`, … Never a secret in the detail.
    Column("action", Text, nullable=False),
    Column("subject_id", Uuid),
    Column("detail", JSONB),
    one_of("actor", "actor", ("person", "key", "meta", "holdfast")),
    Index("ix_audit_log_organization_id_id", "organization_id", "id"),
)
