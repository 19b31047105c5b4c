"""Onboardings: a number on its way from a person's click to live, step by step, and the states of redirect OAuth."""

from sqlalchemy import (
    ARRAY,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Identity,
    Index,
    Integer,
    Interval,
    LargeBinary,
    SmallInteger,
    Table,
    Text,
    Uuid,
    text,
)
from sqlalchemy.dialects.postgresql import JSONB

from store.tables.base import created_column, id_column, instant, metadata, one_of, organization_column

ONBOARDING_STATES = ("running", "live", "failed", "cancelled")
ONBOARDING_WAYS = ("popup", "frontend", "redirect", "by_hand", "recovery")
ONBOARDING_STEPS = ("exchange", "inspect", "find", "connect", "subscribe", "register", "check", "activate", "prove")
ONBOARDING_STEP_STATES = ("pending", "running", "done", "skipped", "waiting", "failed", "undone")
ONBOARDING_WAITS = ("code", "number", "pin", "retry", "proof")

onboardings = Table(
    "onboardings",
    metadata,
    id_column(),
    organization_column(),
    Column("agent_flow_id", Uuid, ForeignKey("agent_flows.id"), nullable=False),
    Column("way", Text, nullable=False),
    # live: the number is connected; its proof may still be awaited.
    Column("state", Text, nullable=False, server_default=text("'running'")),
    # The step it stands at, and what it waits for from a person, if it does.
    Column("step", Text, nullable=False, server_default=text("'exchange'")),
    Column("waiting_for", Text),
    instant("waiting_since"),
    # How long it waited for people before, all waits together: what its patience is measured by.
    Column("waited", Interval, nullable=False, server_default=text("'00:00:00'::interval")),
    # What the browser told, verified before use: {"event": …, "waba_id": …, "phone_number_id": …, "business_id": …}
    Column("hints", JSONB, nullable=False, server_default=text("'{}'::jsonb")),
    Column("coexistence", Boolean, nullable=False, server_default=text("false")),
    # The code lives 30 s and once; `code_posted_at` is set before the request is written: none is written twice.
    Column("code_sealed", LargeBinary),
    instant("code_received_at"),
    instant("code_posted_at"),
    Column("redirect_uri", Text),
    # The token, until the integration has it.
    Column("token_sealed", LargeBinary),
    Column("token_type", Text),
    instant("token_expires_at"),
    Column("token_scopes", ARRAY(Text)),
    Column("token_last4", Text),
    # What the new integration gets: its verify token, if a person chose one, and the owner's own switch.
    Column("verify_token_sealed", LargeBinary),
    Column("enabled", Boolean, nullable=False, server_default=text("true")),
    Column("waba_id", Text),
    Column("business_id", Text),
    Column("phone_number_id", Text),
    Column("phone_number", Text),
    Column("verified_name", Text),
    # The numbers to choose from: [{"waba_id", "phone_number_id", "phone_number", "verified_name", "taken"}].
    Column("candidates", JSONB),
    # The PIN: a person's, or one we made. `pin_shown_at`: a made one was shown, once.
    Column("pin_sealed", LargeBinary),
    Column("pin_origin", Text),
    instant("pin_shown_at"),
    instant("register_posted_at"),
    Column("register_calls", Integer, nullable=False, server_default=text("0")),
    # Before this Meta takes no further attempt: too many or too quick guesses, or 72 h after ten calls.
    instant("register_not_before"),
    # What we did, and so what a cancellation takes back.
    Column("was_registered", Boolean),
    Column("registered_by_us", Boolean, nullable=False, server_default=text("false")),
    Column("subscribed_by_us", Boolean, nullable=False, server_default=text("false")),
    # What blocks or limits sending, found by the check: [{"code", "severity", "says", "next_step"}].
    Column("blockers", JSONB, nullable=False, server_default=text("'[]'::jsonb")),
    # The live proof: inbound or template, and the wamid that proved it.
    Column("proof", Text),
    Column("proof_wamid", Text),
    instant("proved_at"),
    # Why it ended as it did: our code (docs/errors.md), words, what to do; Meta's own answer stands with the step.
    Column("error_code", Text),
    Column("error_detail", Text),
    Column("next_step", Text),
    Column("integration_id", Uuid, ForeignKey("integrations.id"), index=True),
    # A reconnect replaces the token of this integration and keeps its conversations.
    Column("reconnects_id", Uuid, ForeignKey("integrations.id")),
    instant("cancel_requested_at"),
    Column("started_by", Uuid, ForeignKey("people.id")),
    # The outbox mark, as a conversation's: from when on somebody has to look at it.
    instant("due_at"),
    instant("nudged_at"),
    created_column(),
    instant("changed_at"),
    instant("ended_at"),
    one_of("way", "way", ONBOARDING_WAYS),
    one_of("state", "state", ONBOARDING_STATES),
    one_of("step", "step", ONBOARDING_STEPS),
    one_of("waiting_for", "waiting_for", ONBOARDING_WAITS),
    one_of("pin_origin", "pin_origin", ("person", "made")),
    one_of("proof", "proof", ("inbound", "template", "declined")),
    # One onboarding at a time per number.
    Index(
        "uq_onboardings_phone_number_id_running",
        "phone_number_id",
        unique=True,
        postgresql_where=text("state = 'running' AND phone_number_id IS NOT NULL"),
    ),
    # Those that what a number receives may prove: intake asks with every batch.
    Index(
        "ix_onboardings_proving",
        "integration_id",
        postgresql_where=text("step IN ('activate', 'prove') AND ended_at IS NULL"),
    ),
    Index("ix_onboardings_due_at", "due_at", postgresql_where=text("due_at IS NOT NULL")),
    Index("ix_onboardings_organization_id_created_at_id", "organization_id", "created_at", "id"),
)

onboarding_steps = Table(
    "onboarding_steps",
    metadata,
    Column("onboarding_id", Uuid, ForeignKey("onboardings.id"), primary_key=True),
    Column("step", Text, primary_key=True),
    organization_column(),
    Column("position", SmallInteger, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'pending'")),
    Column("attempts", Integer, nullable=False, server_default=text("0")),
    # What happened and what to do next, in the reader's words.
    Column("says", Text),
    Column("next_step", Text),
    # Meta's own answer, for the fold: its code, subcode, words and trace id. Never a token, a PIN or a code.
    Column("meta_code", Integer),
    Column("meta_subcode", Integer),
    Column("meta_detail", Text),
    Column("fbtrace_id", Text),
    instant("began_at"),
    instant("ended_at"),
    one_of("step", "step", ONBOARDING_STEPS),
    one_of("state", "state", ONBOARDING_STEP_STATES),
)

# Redirect OAuth's `state`: single-use, 10 minutes, bound to the organization and the browser. Only hashes are kept.
oauth_states = Table(
    "oauth_states",
    metadata,
    Column("state_hash", LargeBinary, primary_key=True),
    organization_column(),
    Column("agent_flow_id", Uuid, ForeignKey("agent_flows.id"), nullable=False),
    Column("browser_hash", LargeBinary, nullable=False),
    Column("redirect_uri", Text, nullable=False),
    Column("started_by", Uuid, ForeignKey("people.id")),
    Column("reconnects_id", Uuid, ForeignKey("integrations.id")),
    created_column(),
    # Whose doing it is where no person set out, for the audit log.
    Column("key_id", Uuid, ForeignKey("api_keys.id")),
    instant("expires_at", nullable=False),
    instant("used_at"),
    Column("onboarding_id", Uuid, ForeignKey("onboardings.id")),
)

# What Meta tells us of the Facebook user who signed in: deauthorised, or wants their data deleted (signed_request).
data_requests = Table(
    "data_requests",
    metadata,
    Column("id", BigInteger, Identity(always=True), primary_key=True),
    Column("kind", Text, nullable=False),
    # Shown on the status page; the person's Facebook id itself is kept only as a keyed hash.
    Column("confirmation_code", Text, nullable=False, unique=True),
    Column("user_hash", LargeBinary, nullable=False),
    Column("state", Text, nullable=False, server_default=text("'received'")),
    Column("says", Text),
    created_column(),
    instant("ended_at"),
    one_of("kind", "kind", ("deauthorize", "deletion")),
    one_of("state", "state", ("received", "done")),
)
