"""Messages in both directions, the attempts to send them and what Meta told of them."""

from sqlalchemy import (
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    LargeBinary,
    Sequence,
    SmallInteger,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from store.tables.base import created_column, id_column, instant, metadata, one_of, organization_column

# The order in which rows were queued; within a conversation it is taken under the conversation's row lock.
queue_no = Sequence("message_queue_no_seq", metadata=metadata)

INBOUND_STATES = ("received", "in_turn", "kept")
OUTBOUND_STATES = ("queued", "sending", "unknown", "accepted", "failed", "expired", "cancelled")
UNKNOWN_POLICIES = ("evidence", "ask", "resend", "give_up")
DELIVERIES = ("none", "sent", "delivered", "read", "played")
HOLDS = (
    "token", "permission", "stopped", "app", "disabled", "slot", "pair", "back_off", "not_before", "portfolio", "media",
    "behind",
)  # fmt: skip

messages = Table(
    "messages",
    metadata,
    id_column(),
    organization_column(),
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
    # The wamid that a reaction, an edit or a revoke is about.
    Column("about_wamid", Text),
    # Inbound: Meta's timestamp, then the webhook event and the place in its body give the order.
    instant("meta_timestamp"),
    Column("webhook_event_id", BigInteger),
    Column("place", Integer),
    # Outbound only, from here on. The order in which a conversation's rows leave; a resend gets a new one.
    Column("queue_no", BigInteger),
    Column("category", Text),
    Column("template_id", Uuid, ForeignKey("templates.id")),
    # A file of the business's that it carries; a customer's has its row in `media` with this message's id.
    Column("media_id", Uuid, ForeignKey("media.id")),
    Column("attempt", SmallInteger, nullable=False, server_default=text("0")),
    Column("resends", SmallInteger, nullable=False, server_default=text("0")),
    Column("delivery", Text, nullable=False, server_default=text("'none'")),
    Column("hold", Text),
    instant("hold_since"),
    instant("hold_until"),
    instant("claimed_at"),
    instant("unknown_until"),
    instant("send_before"),
    Column("unknown_policy", Text),
    Column("error_code", Integer),
    Column("error_detail", Text),
    # Why the outcome is what it is, in words, for a person who reads the message's story.
    Column("reason", Text),
    Column("idempotency_key", Text),
    Column("idempotency_hash", LargeBinary),
    instant("accepted_at"),
    created_column(),
    one_of("direction", "direction", ("in", "out")),
    one_of("author", "author", ("customer", "bot", "person", "api")),
    one_of("state", "state", (*INBOUND_STATES, *OUTBOUND_STATES)),
    one_of("delivery", "delivery", DELIVERIES),
    one_of("hold", "hold", HOLDS),
    one_of("unknown_policy", "unknown_policy", UNKNOWN_POLICIES),
    UniqueConstraint("integration_id", "wamid"),
    UniqueConstraint("organization_id", "idempotency_key"),
    Index(
        "ix_messages_open",
        "conversation_id",
        postgresql_where=text("state IN ('received', 'queued', 'sending', 'unknown')"),
    ),
    Index("ix_messages_conversation_id_created_at_id", "conversation_id", "created_at", "id"),
    Index("ix_messages_unknown", "organization_id", "created_at", "id", postgresql_where=text("state = 'unknown'")),
    Index("ix_messages_about", "integration_id", "about_wamid", postgresql_where=text("about_wamid IS NOT NULL")),
    # Those that may wait for a file of ours to be at Meta.
    Index("ix_messages_media_id", "media_id", postgresql_where=text("state = 'queued' AND media_id IS NOT NULL")),
    postgresql_with={"fillfactor": "70"},
)

ATTEMPT_STATES = ("posting", "accepted", "rejected", "unknown", "given_back")

message_attempts = Table(
    "message_attempts",
    metadata,
    Column("message_id", Uuid, ForeignKey("messages.id"), primary_key=True),
    Column("attempt", SmallInteger, primary_key=True),
    organization_column(),
    Column("state", Text, nullable=False),
    instant("claimed_at", nullable=False),
    instant("ended_at"),
    Column("wamid", Text),
    Column("http_status", SmallInteger),
    Column("error_code", Integer),
    Column("error_subcode", Integer),
    Column("error_class", Text),
    # Meta's own words and trace id; never the message's content.
    Column("error_detail", Text),
    Column("fbtrace_id", Text),
    one_of("state", "state", ATTEMPT_STATES),
    Index("ix_message_attempts_wamid", "wamid", postgresql_where=text("wamid IS NOT NULL")),
    postgresql_with={"fillfactor": "70"},
)

# What was done about an attempt whose outcome nobody knew: by evidence, by the policy, or by whoever was asked.
message_decisions = Table(
    "message_decisions",
    metadata,
    Column("message_id", Uuid, ForeignKey("messages.id"), primary_key=True),
    Column("attempt", SmallInteger, primary_key=True),
    organization_column(),
    Column("policy", Text, nullable=False),
    # What Meta's silence was worth when it was judged, in words, and whether that was proof.
    Column("evidence", Text, nullable=False),
    Column("conclusive", Boolean, nullable=False),
    # Since when a person is asked; null when nobody had to be.
    instant("asked_at"),
    # Null as long as nobody has decided.
    Column("decision", Text),
    instant("decided_at"),
    Column("actor", Text),
    Column("actor_id", Uuid),
    one_of("policy", "policy", UNKNOWN_POLICIES),
    one_of("decision", "decision", ("resend", "give_up")),
    one_of("actor", "actor", ("person", "key", "holdfast")),
)

message_statuses = Table(
    "message_statuses",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    organization_column(),
    Column("integration_id", Uuid, ForeignKey("integrations.id"), nullable=False),
    # Null until the send's answer (or our id in the status) tells whose it is.
    Column("message_id", Uuid, ForeignKey("messages.id"), index=True),
    Column("attempt", SmallInteger),
    Column("wamid", Text, nullable=False),
    Column("status", Text, nullable=False),
    instant("meta_timestamp", nullable=False),
    Column("recipient_id", Text),
    Column("recipient_user_id", Text),
    Column("error_code", Integer),
    Column("raw", JSONB, nullable=False),
    Column("webhook_event_id", BigInteger, nullable=False),
    Column("place", Integer, nullable=False),
    created_column(),
    UniqueConstraint("integration_id", "wamid", "status", "meta_timestamp"),
)
