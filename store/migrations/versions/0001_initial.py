"""The schema as this code first knew it."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A migration that cannot have its locks soon gives up: queueing behind a long query would stop every webhook.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.execute(sa.schema.CreateSequence(sa.Sequence("message_queue_no_seq")))
    op.create_table(
        "api_processes",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_processes")),
    )
    op.create_index(
        "ix_api_processes_running",
        "api_processes",
        ["beat_at"],
        unique=False,
        postgresql_where=sa.text("stopped_at IS NULL"),
    )
    op.create_table(
        "error_reports",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("where", sa.Text(), nullable=False),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("trace", sa.ARRAY(sa.Text()), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_error_reports")),
    )
    op.create_table(
        "organizations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_organizations")),
    )
    op.create_table(
        "webhook_events",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("state", sa.Text(), server_default=sa.text("'pending'"), nullable=False),
        sa.Column("received_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("processed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("applied", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("duplicate", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("parked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("quarantined", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.CheckConstraint("state IN ('pending', 'done')", name=op.f("ck_webhook_events_state")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_events")),
    )
    op.create_index(
        "ix_webhook_events_pending",
        "webhook_events",
        ["id"],
        unique=False,
        postgresql_where=sa.text("state = 'pending'"),
    )
    op.create_table(
        "webhook_gaps",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_webhook_gaps")),
    )
    op.create_index("ix_webhook_gaps_ended_at", "webhook_gaps", ["ended_at"], unique=False)
    op.create_table(
        "agent_flows",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("url", sa.Text(), nullable=True),
        sa.Column("secret_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("pause_ms", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("history_messages", sa.Integer(), server_default=sa.text("50"), nullable=False),
        sa.Column("receipts", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('echo', 'http')", name=op.f("ck_agent_flows_kind")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_agent_flows_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_agent_flows")),
    )
    op.create_table(
        "api_keys",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("prefix", sa.Text(), nullable=False),
        sa.Column("key_hash", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.Column("revoked_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_api_keys_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_api_keys")),
        sa.UniqueConstraint("prefix", name=op.f("uq_api_keys_prefix")),
    )
    op.create_table(
        "contacts",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("profile_name", sa.Text(), nullable=True),
        sa.Column("username", sa.Text(), nullable=True),
        sa.Column("marketing_stopped_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_contacts_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contacts")),
    )
    op.create_table(
        "wabas",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("waba_id", sa.Text(), nullable=False),
        sa.Column("business_id", sa.Text(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_wabas_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_wabas")),
        sa.UniqueConstraint("organization_id", "waba_id", name=op.f("uq_wabas_organization_id_waba_id")),
    )
    op.create_table(
        "webhook_event_organizations",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("webhook_event_id", sa.BigInteger(), nullable=False),
        sa.Column("applied", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("duplicate", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("parked", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("quarantined", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"],
            ["organizations.id"],
            name=op.f("fk_webhook_event_organizations_organization_id_organizations"),
        ),
        sa.ForeignKeyConstraint(
            ["webhook_event_id"],
            ["webhook_events.id"],
            name=op.f("fk_webhook_event_organizations_webhook_event_id_webhook_events"),
        ),
        sa.PrimaryKeyConstraint("organization_id", "webhook_event_id", name=op.f("pk_webhook_event_organizations")),
    )
    op.create_table(
        "webhook_items",
        sa.Column("webhook_event_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("outcome", sa.Text(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("waba_id", sa.Text(), nullable=True),
        sa.Column("phone_number_id", sa.Text(), nullable=True),
        sa.Column("organization_id", sa.Uuid(), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("outcome IN ('parked', 'quarantined')", name=op.f("ck_webhook_items_outcome")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_webhook_items_organization_id_organizations")
        ),
        sa.ForeignKeyConstraint(
            ["webhook_event_id"], ["webhook_events.id"], name=op.f("fk_webhook_items_webhook_event_id_webhook_events")
        ),
        sa.PrimaryKeyConstraint("webhook_event_id", "place", name=op.f("pk_webhook_items")),
    )
    op.create_index(
        "ix_webhook_items_phone_number_id",
        "webhook_items",
        ["phone_number_id"],
        unique=False,
        postgresql_where=sa.text("outcome = 'quarantined'"),
    )
    op.create_table(
        "contact_identities",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("value", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("kind IN ('bsuid', 'wa_id')", name=op.f("ck_contact_identities_kind")),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_contact_identities_contact_id_contacts")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_contact_identities_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_identities")),
        sa.UniqueConstraint(
            "organization_id", "kind", "value", name=op.f("uq_contact_identities_organization_id_kind_value")
        ),
    )
    op.create_index(op.f("ix_contact_identities_contact_id"), "contact_identities", ["contact_id"], unique=False)
    op.create_table(
        "integrations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("agent_flow_id", sa.Uuid(), nullable=False),
        sa.Column("waba_row_id", sa.Uuid(), nullable=False),
        sa.Column("waba_id", sa.Text(), nullable=False),
        sa.Column("phone_number", sa.Text(), nullable=False),
        sa.Column("phone_number_id", sa.Text(), nullable=False),
        sa.Column("access_token_sealed", sa.LargeBinary(), nullable=True),
        sa.Column("access_token_type", sa.Text(), nullable=True),
        sa.Column("access_token_expires_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("verify_token_hash", sa.LargeBinary(), nullable=True),
        sa.Column("state", sa.Text(), server_default=sa.text("'connecting'"), nullable=False),
        sa.Column("state_reason", sa.Text(), nullable=True),
        sa.Column("state_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("enabled", sa.Boolean(), server_default=sa.text("true"), nullable=False),
        sa.Column("unknown_policy", sa.Text(), server_default=sa.text("'ask'"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint(
            "state IN ('connecting', 'live', 'held', 'stopped', 'disconnected')", name=op.f("ck_integrations_state")
        ),
        sa.CheckConstraint(
            "unknown_policy IN ('ask', 'resend', 'give_up')", name=op.f("ck_integrations_unknown_policy")
        ),
        sa.ForeignKeyConstraint(
            ["agent_flow_id"], ["agent_flows.id"], name=op.f("fk_integrations_agent_flow_id_agent_flows")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_integrations_organization_id_organizations")
        ),
        sa.ForeignKeyConstraint(["waba_row_id"], ["wabas.id"], name=op.f("fk_integrations_waba_row_id_wabas")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_integrations")),
    )
    op.create_index("ix_integrations_verify_token_hash", "integrations", ["verify_token_hash"], unique=False)
    op.create_index(
        "uq_integrations_phone_number_id_connected",
        "integrations",
        ["phone_number_id"],
        unique=True,
        postgresql_where=sa.text("state <> 'disconnected'"),
    )
    op.create_table(
        "conversations",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("integration_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("in_charge", sa.Text(), server_default=sa.text("'bot'"), nullable=False),
        sa.Column("in_charge_reason", sa.Text(), nullable=True),
        sa.Column("in_charge_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("window_opened_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("pair_next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("nudged_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("turn_began_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("last_turn_no", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("last_message_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("in_charge IN ('bot', 'person')", name=op.f("ck_conversations_in_charge")),
        sa.ForeignKeyConstraint(["contact_id"], ["contacts.id"], name=op.f("fk_conversations_contact_id_contacts")),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integrations.id"], name=op.f("fk_conversations_integration_id_integrations")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_conversations_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_conversations")),
        sa.UniqueConstraint("integration_id", "contact_id", name=op.f("uq_conversations_integration_id_contact_id")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(op.f("ix_conversations_contact_id"), "conversations", ["contact_id"], unique=False)
    op.create_index(
        "ix_conversations_due_at",
        "conversations",
        ["due_at"],
        unique=False,
        postgresql_where=sa.text("due_at IS NOT NULL"),
    )
    op.create_index(
        "ix_conversations_organization_id_last_message_at_id",
        "conversations",
        ["organization_id", "last_message_at", "id"],
        unique=False,
    )
    op.create_table(
        "rate_slots",
        sa.Column("integration_id", sa.Uuid(), nullable=False),
        sa.Column("per_second", sa.Integer(), server_default=sa.text("80"), nullable=False),
        sa.Column("burst", sa.Integer(), server_default=sa.text("5"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integrations.id"], name=op.f("fk_rate_slots_integration_id_integrations")
        ),
        sa.PrimaryKeyConstraint("integration_id", name=op.f("pk_rate_slots")),
        postgresql_with={"fillfactor": "50"},
    )
    op.create_table(
        "turns",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("turn_no", sa.Integer(), nullable=False),
        sa.Column("agent_flow_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("error_code", sa.Text(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("began_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.CheckConstraint("state IN ('asking', 'answered', 'failed', 'discarded')", name=op.f("ck_turns_state")),
        sa.ForeignKeyConstraint(["agent_flow_id"], ["agent_flows.id"], name=op.f("fk_turns_agent_flow_id_agent_flows")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_turns_conversation_id_conversations")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_turns_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_turns")),
        sa.UniqueConstraint("conversation_id", "turn_no", name=op.f("uq_turns_conversation_id_turn_no")),
    )
    op.create_table(
        "messages",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("integration_id", sa.Uuid(), nullable=False),
        sa.Column("conversation_id", sa.Uuid(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("author", sa.Text(), nullable=False),
        sa.Column("wamid", sa.Text(), nullable=True),
        sa.Column("type", sa.Text(), nullable=False),
        sa.Column("content", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("kept_reason", sa.Text(), nullable=True),
        sa.Column("turn_id", sa.Uuid(), nullable=True),
        sa.Column("group_id", sa.Text(), nullable=True),
        sa.Column("meta_timestamp", sa.DateTime(timezone=True), nullable=True),
        sa.Column("webhook_event_id", sa.BigInteger(), nullable=True),
        sa.Column("place", sa.Integer(), nullable=True),
        sa.Column("queue_no", sa.BigInteger(), nullable=True),
        sa.Column("category", sa.Text(), nullable=True),
        sa.Column("attempt", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("resends", sa.SmallInteger(), server_default=sa.text("0"), nullable=False),
        sa.Column("delivery", sa.Text(), server_default=sa.text("'none'"), nullable=False),
        sa.Column("hold", sa.Text(), nullable=True),
        sa.Column("hold_since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("hold_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unknown_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("send_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("unknown_policy", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("idempotency_key", sa.Text(), nullable=True),
        sa.Column("idempotency_hash", sa.LargeBinary(), nullable=True),
        sa.Column("accepted_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("author IN ('customer', 'bot', 'person', 'api')", name=op.f("ck_messages_author")),
        sa.CheckConstraint(
            "delivery IN ('none', 'sent', 'delivered', 'read', 'played')", name=op.f("ck_messages_delivery")
        ),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_messages_direction")),
        sa.CheckConstraint(
            "hold IN ('token', 'permission', 'stopped', 'app', 'disabled', 'slot', 'pair', 'back_off', 'not_before', 'portfolio', 'media', 'behind')",
            name=op.f("ck_messages_hold"),
        ),
        sa.CheckConstraint(
            "state IN ('received', 'in_turn', 'kept', 'queued', 'sending', 'unknown', 'accepted', 'failed', 'expired', 'cancelled')",
            name=op.f("ck_messages_state"),
        ),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_messages_conversation_id_conversations")
        ),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integrations.id"], name=op.f("fk_messages_integration_id_integrations")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_messages_organization_id_organizations")
        ),
        sa.ForeignKeyConstraint(["turn_id"], ["turns.id"], name=op.f("fk_messages_turn_id_turns")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_messages")),
        sa.UniqueConstraint("integration_id", "wamid", name=op.f("uq_messages_integration_id_wamid")),
        sa.UniqueConstraint(
            "organization_id", "idempotency_key", name=op.f("uq_messages_organization_id_idempotency_key")
        ),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "ix_messages_conversation_id_created_at_id", "messages", ["conversation_id", "created_at", "id"], unique=False
    )
    op.create_index(
        "ix_messages_open",
        "messages",
        ["conversation_id"],
        unique=False,
        postgresql_where=sa.text("state IN ('received', 'queued', 'sending', 'unknown')"),
    )
    op.create_index(op.f("ix_messages_turn_id"), "messages", ["turn_id"], unique=False)
    op.create_table(
        "message_attempts",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("claimed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("ended_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("wamid", sa.Text(), nullable=True),
        sa.Column("http_status", sa.SmallInteger(), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("error_subcode", sa.Integer(), nullable=True),
        sa.Column("error_class", sa.Text(), nullable=True),
        sa.Column("error_detail", sa.Text(), nullable=True),
        sa.Column("fbtrace_id", sa.Text(), nullable=True),
        sa.CheckConstraint(
            "state IN ('posting', 'accepted', 'rejected', 'unknown', 'given_back')",
            name=op.f("ck_message_attempts_state"),
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_message_attempts_message_id_messages")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_message_attempts_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("message_id", "attempt", name=op.f("pk_message_attempts")),
        postgresql_with={"fillfactor": "70"},
    )
    op.create_index(
        "ix_message_attempts_wamid",
        "message_attempts",
        ["wamid"],
        unique=False,
        postgresql_where=sa.text("wamid IS NOT NULL"),
    )
    op.create_table(
        "message_statuses",
        sa.Column("id", sa.BigInteger(), sa.Identity(always=True), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("integration_id", sa.Uuid(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("attempt", sa.SmallInteger(), nullable=True),
        sa.Column("wamid", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("meta_timestamp", sa.DateTime(timezone=True), nullable=False),
        sa.Column("recipient_id", sa.Text(), nullable=True),
        sa.Column("recipient_user_id", sa.Text(), nullable=True),
        sa.Column("error_code", sa.Integer(), nullable=True),
        sa.Column("raw", postgresql.JSONB(astext_type=sa.Text()), nullable=False),
        sa.Column("webhook_event_id", sa.BigInteger(), nullable=False),
        sa.Column("place", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integrations.id"], name=op.f("fk_message_statuses_integration_id_integrations")
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_message_statuses_message_id_messages")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_message_statuses_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_message_statuses")),
        sa.UniqueConstraint(
            "integration_id",
            "wamid",
            "status",
            "meta_timestamp",
            name=op.f("uq_message_statuses_integration_id_wamid_status_meta_timestamp"),
        ),
    )
    op.create_index(op.f("ix_message_statuses_message_id"), "message_statuses", ["message_id"], unique=False)


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index(op.f("ix_message_statuses_message_id"), table_name="message_statuses")
    op.drop_table("message_statuses")
    op.drop_index(
        "ix_message_attempts_wamid", table_name="message_attempts", postgresql_where=sa.text("wamid IS NOT NULL")
    )
    op.drop_table("message_attempts")
    op.drop_index(op.f("ix_messages_turn_id"), table_name="messages")
    op.drop_index(
        "ix_messages_open",
        table_name="messages",
        postgresql_where=sa.text("state IN ('received', 'queued', 'sending', 'unknown')"),
    )
    op.drop_index("ix_messages_conversation_id_created_at_id", table_name="messages")
    op.drop_table("messages")
    op.drop_table("turns")
    op.drop_table("rate_slots")
    op.drop_index("ix_conversations_organization_id_last_message_at_id", table_name="conversations")
    op.drop_index("ix_conversations_due_at", table_name="conversations", postgresql_where=sa.text("due_at IS NOT NULL"))
    op.drop_index(op.f("ix_conversations_contact_id"), table_name="conversations")
    op.drop_table("conversations")
    op.drop_index(
        "uq_integrations_phone_number_id_connected",
        table_name="integrations",
        postgresql_where=sa.text("state <> 'disconnected'"),
    )
    op.drop_index("ix_integrations_verify_token_hash", table_name="integrations")
    op.drop_table("integrations")
    op.drop_index(op.f("ix_contact_identities_contact_id"), table_name="contact_identities")
    op.drop_table("contact_identities")
    op.drop_index(
        "ix_webhook_items_phone_number_id",
        table_name="webhook_items",
        postgresql_where=sa.text("outcome = 'quarantined'"),
    )
    op.drop_table("webhook_items")
    op.drop_table("webhook_event_organizations")
    op.drop_table("wabas")
    op.drop_table("contacts")
    op.drop_table("api_keys")
    op.drop_table("agent_flows")
    op.drop_index("ix_webhook_gaps_ended_at", table_name="webhook_gaps")
    op.drop_table("webhook_gaps")
    op.drop_index(
        "ix_webhook_events_pending", table_name="webhook_events", postgresql_where=sa.text("state = 'pending'")
    )
    op.drop_table("webhook_events")
    op.drop_table("organizations")
    op.drop_table("error_reports")
    op.drop_index(
        "ix_api_processes_running", table_name="api_processes", postgresql_where=sa.text("stopped_at IS NULL")
    )
    op.drop_table("api_processes")
    op.execute(sa.schema.DropSequence(sa.Sequence("message_queue_no_seq")))
