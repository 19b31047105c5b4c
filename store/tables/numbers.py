"""The numbers that organizations have connected, and how fast each may send."""

from sqlalchemy import (
    ARRAY,
    Boolean,
    Column,
    DateTime,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    func,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from store.tables.base import created_column, id_column, instant, metadata, one_of, organization_column
from store.tables.messages import UNKNOWN_POLICIES

wabas = Table(
    "wabas",
    metadata,
    id_column(),
    organization_column(),
    Column("waba_id", Text, nullable=False),
    Column("business_id", Text),
    Column("name", Text),
    # Since when our app is subscribed to it, as Meta last told.
    instant("subscribed_at"),
    # Our app is to be unsubscribed, since no number of it is left: the last token of it that we had, kept until Meta
    # has done it, when it is tried next, and what came of it.
    Column("unsubscribe_token_sealed", LargeBinary),
    instant("unsubscribe_due_at"),
    Column("unsubscribe_attempts", Integer, nullable=False, server_default=text("0")),
    Column("unsubscribe_says", Text),
    # When its templates were last read as a whole, and what kept us from it.
    instant("templates_synced_at"),
    Column("templates_says", Text),
    created_column(),
    UniqueConstraint("organization_id", "waba_id"),
)

INTEGRATION_STATES = ("connecting", "live", "held", "stopped", "disconnected")

integrations = Table(
    "integrations",
    metadata,
    id_column(),
    organization_column(),
    Column("agent_flow_id", Uuid, ForeignKey("agent_flows.id"), nullable=False),
    Column("waba_row_id", Uuid, ForeignKey("wabas.id"), nullable=False),
    Column("waba_id", Text, nullable=False),
    Column("phone_number", Text, nullable=False),
    Column("phone_number_id", Text, nullable=False),
    Column("access_token_sealed", LargeBinary),
    Column("access_token_type", Text),
    instant("access_token_expires_at"),
    Column("access_token_last4", Text),
    Column("access_token_scopes", ARRAY(Text)),
    Column("verify_token_hash", LargeBinary),
    # Sent to Meta with an override of the callback, which it verifies with it.
    Column("verify_token_sealed", LargeBinary),
    Column("state", Text, nullable=False, server_default=text("'connecting'")),
    Column("state_reason", Text),
    instant("state_since"),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("unknown_policy", Text, nullable=False, server_default=text("'evidence'")),
    # Words that stop marketing, by language; null: the ones that are known everywhere.
    Column("stop_words", JSONB),
    # A file is sent, and what follows waits for its `delivered`, at most 5 s: Meta may deliver it after later text.
    Column("files_in_order", Boolean, nullable=False, server_default=text("false")),
    # Two-step verification's PIN, as far as we know it: needed when the number has to be registered again.
    Column("pin_sealed", LargeBinary),
    # The number is used in the WhatsApp Business app too: never registered by us, 20 messages a second.
    Column("coexistence", Boolean, nullable=False, server_default=text("false")),
    # Where Meta sends this number's webhooks instead of the app's own URL.
    Column("callback_url", Text),
    # What Meta last told of the number; values are open, new ones come without notice.
    Column("verified_name", Text),
    Column("number_status", Text),
    Column("quality", Text),
    Column("messaging_limit", Text),
    Column("throughput", Text),
    # The latest account event that concerned whether it may send, and Meta's own time of it: an older one that comes
    # late, or the same one again, changes nothing.
    Column("account_event", Text),
    instant("account_event_at"),
    instant("checked_at"),
    # The interval of its Schedule: true the short one of numbers that are held or stopped; null: it has none yet.
    Column("checked_often", Boolean),
    # A check is asked for, and when its run was last told; cleared by the check. And when a check last released it.
    instant("check_due_at"),
    instant("check_nudged_at"),
    instant("released_at"),
    # Once per number and onboarding, within 24 h: what was asked of a number that is used in the app too.
    instant("contacts_sync_at"),
    instant("history_sync_at"),
    instant("disconnected_at"),
    created_column(),
    one_of("state", "state", INTEGRATION_STATES),
    one_of("unknown_policy", "unknown_policy", UNKNOWN_POLICIES),
    Index(
        "uq_integrations_phone_number_id_connected",
        "phone_number_id",
        unique=True,
        postgresql_where=text("state <> 'disconnected'"),
    ),
    Index("ix_integrations_verify_token_hash", "verify_token_hash"),
    Index("ix_integrations_check_due_at", "check_due_at", postgresql_where=text("check_due_at IS NOT NULL")),
)

# One row per number, updated for each message sent and received, apart from `integrations` so that reading a number
# never waits for its rate.
rate_slots = Table(
    "rate_slots",
    metadata,
    Column("integration_id", Uuid, ForeignKey("integrations.id"), primary_key=True),
    Column("per_second", Integer, nullable=False, server_default=text("80")),
    # How many may leave at once after a pause. Below the 5 that Meta's second is said to hold beyond the rate: the rest
    # is for what reaches Meta sooner or later than it was let go (docs/decisions/0080).
    Column("burst", Integer, nullable=False, server_default=text("2")),
    # GCRA's theoretical arrival time of all that was let go and all that came in.
    Column("next_at", DateTime(timezone=True), nullable=False, server_default=func.now()),
    # The time that the last of those who wait for a slot was told to come back at.
    Column("queue_until", DateTime(timezone=True), nullable=False, server_default=func.now()),
    postgresql_with={"fillfactor": "50"},
)
