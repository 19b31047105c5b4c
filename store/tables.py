"""The schema. Queries live beside it, one module per subject; migrations are generated from it and checked against it.

Conventions: ids are UUIDv7 made in Python (`store.ids.new_id`), instants are `timestamptz`, every tenant table carries
`organization_id` and every query names it. `clock_timestamp()` marks instants that are compared under a row lock.
"""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    CheckConstraint,
    Column,
    DateTime,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

metadata = MetaData(
    naming_convention={
        "ix": "ix_%(column_0_N_label)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "ck": "ck_%(table_name)s_%(constraint_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s_%(referred_table_name)s",
        "pk": "pk_%(table_name)s",
    }
)


def _id() -> Column[object]:
    return Column("id", Uuid, primary_key=True)


def _organization() -> Column[object]:
    return Column("organization_id", Uuid, ForeignKey("organizations.id"), nullable=False)


def _created() -> Column[object]:
    return Column("created_at", DateTime(timezone=True), nullable=False, server_default=func.now())


def _instant(name: str, *, nullable: bool = True) -> Column[object]:
    return Column(name, DateTime(timezone=True), nullable=nullable)


def _one_of(name: str, column: str, values: tuple[str, ...]) -> CheckConstraint:
    listed = ", ".join(f"'{value}'" for value in values)
    return CheckConstraint(f"{column} IN ({listed})", name=name)


organizations = Table(
    "organizations",
    metadata,
    _id(),
    Column("name", Text, nullable=False),
    _created(),
)

api_keys = Table(
    "api_keys",
    metadata,
    _id(),
    _organization(),
    Column("name", Text, nullable=False),
    Column("prefix", Text, nullable=False, unique=True),
    Column("key_hash", LargeBinary, nullable=False),
    _created(),
    _instant("revoked_at"),
)

agent_flows = Table(
    "agent_flows",
    metadata,
    _id(),
    _organization(),
    Column("name", Text, nullable=False),
    Column("kind", Text, nullable=False),
    Column("url", Text),
    Column("secret_sealed", LargeBinary),
    # Messages that arrive within this pause are answered as one turn.
    Column("pause_ms", Integer, nullable=False, server_default=text("0")),
    Column("history_messages", Integer, nullable=False, server_default=text("50")),
    # Read receipt and typing indicator when a turn begins.
    Column("receipts", Boolean, nullable=False, server_default=text("true")),
    _created(),
    _one_of("kind", "kind", ("echo", "http")),
)

wabas = Table(
    "wabas",
    metadata,
    _id(),
    _organization(),
    Column("waba_id", Text, nullable=False),
    Column("business_id", Text),
    _created(),
    UniqueConstraint("organization_id", "waba_id"),
)

INTEGRATION_STATES = ("connecting", "live", "held", "stopped", "disconnected")

integrations = Table(
    "integrations",
    metadata,
    _id(),
    _organization(),
    Column("agent_flow_id", Uuid, ForeignKey("agent_flows.id"), nullable=False),
    Column("waba_row_id", Uuid, ForeignKey("wabas.id"), nullable=False),
    Column("waba_id", Text, nullable=False),
    Column("phone_number", Text, nullable=False),
    Column("phone_number_id", Text, nullable=False),
    Column("access_token_sealed", LargeBinary),
    Column("access_token_type", Text),
    _instant("access_token_expires_at"),
    Column("verify_token_hash", LargeBinary),
    Column("state", Text, nullable=False, server_default=text("'connecting'")),
    Column("state_reason", Text),
    _instant("state_since"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("unknown_policy", Text, nullable=False, server_default=text("'ask'")),
    _created(),
    _one_of("state", "state", INTEGRATION_STATES),
    _one_of("unknown_policy", "unknown_policy", ("ask", "resend", "give_up")),
    Index(
        "uq_integrations_phone_number_id_connected",
        "phone_number_id",
        unique=True,
        postgresql_where=text("state <> 'disconnected'"),
    ),
    Index("ix_integrations_verify_token_hash", "verify_token_hash"),
)

# One row per number, updated for each message sent and received: GCRA's theoretical arrival time, apart from
# `integrations` so that reading a number never waits for its rate.
rate_slots = Table(
    "rate_slots",
    metadata,
    Column("integration_id", Uuid, ForeignKey("integrations.id"), primary_key=True),
    Column("per_second", Integer, nullable=False, server_default=text("80")),
    Column("burst", Integer, nullable=False, server_default=text("5")),
    Column("next_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    postgresql_with={"fillfactor": "50"},
)

contacts = Table(
    "contacts",
    metadata,
    _id(),
    _organization(),
    Column("profile_name", Text),
    Column("username", Text),
    _instant("marketing_stopped_at"),
    _created(),
)

contact_identities = Table(
    "contact_identities",
    metadata,
    _id(),
    _organization(),
    Column("contact_id", Uuid, ForeignKey("contacts.id"), nullable=False, index=True),
    # bsuid: unique per business portfolio, by Meta never shared by two; wa_id: digits without "+".
    Column("kind", Text, nullable=False),
    Column("value", Text, nullable=False),
    _created(),
    _one_of("kind", "kind", ("bsuid", "wa_id")),
    UniqueConstraint("organization_id", "kind", "value"),
)

conversations = Table(
    "conversations",
    metadata,
    _id(),
    _organization(),
    Column("integration_id", Uuid, ForeignKey("integrations.id"), nullable=False),
    Column("contact_id", Uuid, ForeignKey("contacts.id"), nullable=False, index=True),
    Column("in_charge", Text, nullable=False, server_default=text("'bot'")),
    Column("in_charge_reason", Text),
    _instant("in_charge_since"),
    # Meta's own timestamp of the latest message that opens a window; the window closes 24 h later.
    _instant("window_opened_at"),
    # GCRA's theoretical arrival time of what we send to this pair (1 per 6 s, burst 45); written by the claim.
    _instant("pair_next_at"),
    # The outbox mark: the moment from which somebody has to look at this conversation.
    _instant("due_at"),
    _instant("nudged_at"),
    _instant("turn_began_at"),
    Column("last_turn_no", Integer, nullable=False, server_default=text("0")),
    _instant("last_message_at"),
    _created(),
    _one_of("in_charge", "in_charge", ("bot", "person")),
    UniqueConstraint("integration_id", "contact_id"),
    Index("ix_conversations_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_conversations_organization_id_last_message_at_id", "organization_id", "last_message_at", "id"),
    postgresql_with={"fillfactor": "70"},
)

TURN_STATES = ("asking", "answered", "failed", "discarded")

turns = Table(
    "turns",
    metadata,
    _id(),
    _organization(),
    Column("conversation_id", Uuid, ForeignKey("conversations.id"), nullable=False),
    Column("turn_no", Integer, nullable=False),
    Column("agent_flow_id", Uuid, ForeignKey("agent_flows.id"), nullable=False),
    Column("state", Text, nullable=False),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # Why it failed or was discarded, in words, and the code docs/errors.md explains.
    Column("error_code", Text),
    Column("error_detail", Text),
    _instant("began_at", nullable=False),
    _instant("ended_at"),
    _one_of("state", "state", TURN_STATES),
    UniqueConstraint("conversation_id", "turn_no"),
)

# The order in which rows were queued; within a conversation it is taken under the conversation's row lock.
queue_no = Sequence("message_queue_no_seq", metadata=metadata)

INBOUND_STATES = ("received", "in_turn", "kept")
OUTBOUND_STATES = ("queued", "sending", "unknown", "accepted", "failed", "expired", "cancelled")
DELIVERIES = ("none", "sent", "delivered", "read", "played")
HOLDS = (
    "token", "permission", "stopped", "app", "disabled", "slot", "pair", "back_off", "not_before", "portfolio", "media",
    "behind",
)  # fmt: skip

messages = Table(
    "messages",
    metadata,
    _id(),
    _organization(),
    Column("integration_id", Uuid, ForeignKey("integrations.id"), nullable=False),
    Column("conversation_id", Uuid, ForeignKey("conversations.id"), nullable=False),
    Column("direction", Text, nullable=False),
    # customer, bot, person (console or business phone), api
    Column("author", Text, nullable=False),
    Column("wamid", Text),
    Column("type", Text, nullable=False),
    # Meta's own shape in both directions, under the type's key: {"text": {"body": …}, "context": {…}}.
    Column("content", JSONB, nullable=False),
    # received: waits for a turn. in_turn: belongs to `turn_id`. kept: stored, never answered (`kept_reason`).
    Column("state", Text, nullable=False),
    Column("kept_reason", Text),
    Column("turn_id", Uuid, ForeignKey("turns.id"), index=True),
    Column("group_id", Text),
    # Inbound: Meta's timestamp, then the webhook event and the place in its body give the order.
    _instant("meta_timestamp"),
    Column("webhook_event_id", BigInteger),
    Column("place", Integer),
    # Outbound only, from here on. The order in which a conversation's rows leave; a resend gets a new one.
    Column("queue_no", BigInteger),
    Column("category", Text),
    Column("attempt", SmallInteger, nullable=False, server_default=text("0")),
    Column("resends", SmallInteger, nullable=False, server_default=text("0")),
    Column("delivery", Text, nullable=False, server_default=text("'none'")),
    Column("hold", Text),
    _instant("hold_since"),
    _instant("hold_until"),
    _instant("claimed_at"),
    _instant("unknown_until"),
    _instant("send_before"),
    Column("unknown_policy", Text),
    Column("error_code", Integer),
    Column("error_detail", Text),
    # Why the outcome is what it is, in words, for a person who reads the message's story.
    Column("reason", Text),
    Column("idempotency_key", Text),
    Column("idempotency_hash", LargeBinary),
    _instant("accepted_at"),
    _created(),
    _one_of("direction", "direction", ("in", "out")),
    _one_of("author", "author", ("customer", "bot", "person", "api")),
    _one_of("state", "state", (*INBOUND_STATES, *OUTBOUND_STATES)),
    _one_of("delivery", "delivery", DELIVERIES),
    _one_of("hold", "hold", HOLDS),
    UniqueConstraint("integration_id", "wamid"),
    UniqueConstraint("organization_id", "idempotency_key"),
    Index(
        "ix_messages_open",
        "conversation_id",
        postgresql_where=text("state IN ('received', 'queued', 'sending', 'unknown')"),
    ),
    Index("ix_messages_conversation_id_created_at_id", "conversation_id", "created_at", "id"),
    postgresql_with={"fillfactor": "70"},
)

ATTEMPT_STATES = ("posting", "accepted", "rejected", "unknown", "given_back")

message_attempts = Table(
    "message_attempts",
    metadata,
    Column("message_id", Uuid, ForeignKey("messages.id"), primary_key=True),
    Column("attempt", SmallInteger, primary_key=True),
    _organization(),
    Column("state", Text, nullable=False),
    _instant("claimed_at", nullable=False),
    _instant("ended_at"),
    Column("wamid", Text),
    Column("http_status", SmallInteger),
    Column("error_code", Integer),
    Column("error_subcode", Integer),
    Column("error_class", Text),
    # Meta's own words and trace id; never the message's content.
    Column("error_detail", Text),
    Column("fbtrace_id", Text),
    _one_of("state", "state", ATTEMPT_STATES),
    Index("ix_message_attempts_wamid", "wamid", postgresql_where=text("wamid IS NOT NULL")),
    postgresql_with={"fillfactor": "70"},
)

message_statuses = Table(
    "message_statuses",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _organization(),
    Column("integration_id", Uuid, ForeignKey("integrations.id"), nullable=False),
    # Null until the send's answer (or our id in the status) tells whose it is.
    Column("message_id", Uuid, ForeignKey("messages.id"), index=True),
    Column("attempt", SmallInteger),
    Column("wamid", Text, nullable=False),
    Column("status", Text, nullable=False),
    _instant("meta_timestamp", nullable=False),
    Column("recipient_id", Text),
    Column("recipient_user_id", Text),
    Column("error_code", Integer),
    Column("raw", JSONB, nullable=False),
    Column("webhook_event_id", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    _created(),
    UniqueConstraint("integration_id", "wamid", "status", "meta_timestamp"),
)

WEBHOOK_EVENT_STATES = ("pending", "done")

# One row per POST body, exactly as it came.
webhook_events = Table(
    "webhook_events",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("body", LargeBinary, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    _instant("received_at", nullable=False),
    _instant("processed_at"),
    Column("applied", Integer, nullable=False, server_default=text("0")),
    Column("duplicate", Integer, nullable=False, server_default=text("0")),
    Column("parked", Integer, nullable=False, server_default=text("0")),
    Column("quarantined", Integer, nullable=False, server_default=text("0")),
    _one_of("state", "state", WEBHOOK_EVENT_STATES),
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
    _created(),
    _one_of("outcome", "outcome", ("parked", "quarantined")),
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
    _id(),
    _instant("started_at", nullable=False),
    _instant("beat_at", nullable=False),
    _instant("stopped_at"),
    Index("ix_api_processes_running", "beat_at", postgresql_where=text("stopped_at IS NULL")),
)

# Stretches of time in which a webhook may have been refused or nobody listened.
webhook_gaps = Table(
    "webhook_gaps",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    _instant("began_at", nullable=False),
    _instant("ended_at", nullable=False),
    Column("reason", Text, nullable=False),
    Index("ix_webhook_gaps_ended_at", "ended_at"),
)

# What left an activity or a handler as an unexpected error: only the id travels, the details stay here.
error_reports = Table(
    "error_reports",
    metadata,
    _id(),
    _instant("at", nullable=False),
    Column("where", Text, nullable=False),
    Column("type", Text, nullable=False),
    Column("trace", ARRAY(Text), nullable=False),
)
