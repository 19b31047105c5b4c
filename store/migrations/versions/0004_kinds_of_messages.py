"""Every kind of message: files, templates, consents, what a message is about, and contacts that turn out to be one."""

import sqlalchemy as sa
from alembic import op
from sqlalchemy.dialects import postgresql

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None

_WIDER = ("answer", "status", "preference", "stop_word", "api", "person")
_NARROWER = ("answer", "status", "preference")


def upgrade() -> None:
    # A migration that cannot have its locks soon gives up: queueing behind a long query would stop every webhook.
    op.execute("SET LOCAL lock_timeout = '5s'")
    _create_media()
    _create_templates()
    _create_consents()
    op.add_column("conversations", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.create_foreign_key(
        op.f("fk_conversations_merged_into_conversations"), "conversations", "conversations", ["merged_into"], ["id"]
    )
    # One conversation of a contact with a number, but for those that were merged into it.
    op.drop_constraint(op.f("uq_conversations_integration_id_contact_id"), "conversations", type_="unique")
    op.create_index(
        "ix_conversations_integration_id_contact_id",
        "conversations",
        ["integration_id", "contact_id"],
        unique=True,
        postgresql_where=sa.text("merged_into IS NULL"),
    )
    op.add_column("contact_identities", sa.Column("told_at", sa.DateTime(timezone=True), nullable=True))
    for name in ("profile_told_at", "renewed_at"):
        op.add_column("contacts", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column("integrations", sa.Column("stop_words", postgresql.JSONB(), nullable=True))
    op.add_column(
        "integrations", sa.Column("files_in_order", sa.Boolean(), server_default=sa.text("false"), nullable=False)
    )
    op.add_column("messages", sa.Column("about_wamid", sa.Text(), nullable=True))
    op.add_column("messages", sa.Column("template_id", sa.Uuid(), nullable=True))
    op.add_column("messages", sa.Column("media_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_messages_template_id_templates"), "messages", "templates", ["template_id"], ["id"])
    op.create_foreign_key(op.f("fk_messages_media_id_media"), "messages", "media", ["media_id"], ["id"])
    op.create_check_constraint(
        op.f("ck_messages_unknown_policy"), "messages", "unknown_policy IN ('evidence', 'ask', 'resend', 'give_up')"
    )
    op.create_index(
        "ix_messages_about",
        "messages",
        ["integration_id", "about_wamid"],
        unique=False,
        postgresql_where=sa.text("about_wamid IS NOT NULL"),
    )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_index("ix_messages_about", table_name="messages", postgresql_where=sa.text("about_wamid IS NOT NULL"))
    op.drop_constraint(op.f("ck_messages_unknown_policy"), "messages", type_="check")
    op.drop_constraint(op.f("fk_messages_media_id_media"), "messages", type_="foreignkey")
    op.drop_constraint(op.f("fk_messages_template_id_templates"), "messages", type_="foreignkey")
    for name in ("media_id", "template_id", "about_wamid"):
        op.drop_column("messages", name)
    for name in ("files_in_order", "stop_words"):
        op.drop_column("integrations", name)
    for name in ("renewed_at", "profile_told_at"):
        op.drop_column("contacts", name)
    op.drop_column("contact_identities", "told_at")
    op.drop_index(
        "ix_conversations_integration_id_contact_id",
        table_name="conversations",
        postgresql_where=sa.text("merged_into IS NULL"),
    )
    op.create_unique_constraint(
        op.f("uq_conversations_integration_id_contact_id"), "conversations", ["integration_id", "contact_id"]
    )
    op.drop_constraint(op.f("fk_conversations_merged_into_conversations"), "conversations", type_="foreignkey")
    op.drop_column("conversations", "merged_into")
    _drop_consents()
    for name in ("templates_says", "templates_synced_at"):
        op.drop_column("wabas", name)
    op.drop_table("templates")
    op.drop_table("media_uploads")
    op.drop_table("media")


def _create_media() -> None:
    op.create_table(
        "media",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("direction", sa.Text(), nullable=False),
        sa.Column("kind", sa.Text(), nullable=False),
        sa.Column("state", sa.Text(), nullable=False),
        sa.Column("integration_id", sa.Uuid(), nullable=True),
        sa.Column("conversation_id", sa.Uuid(), nullable=True),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("meta_media_id", sa.Text(), nullable=True),
        sa.Column("attempts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("next_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("fetch_before", sa.DateTime(timezone=True), nullable=True),
        sa.Column("mime_type", sa.Text(), nullable=True),
        sa.Column("filename", sa.Text(), nullable=True),
        sa.Column("size", sa.BigInteger(), nullable=True),
        sa.Column("sha256", sa.LargeBinary(), nullable=True),
        sa.Column("object_key", sa.Text(), nullable=True),
        sa.Column("says", sa.Text(), nullable=True),
        sa.Column("stored_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("direction IN ('in', 'out')", name=op.f("ck_media_direction")),
        sa.CheckConstraint("kind IN ('image', 'audio', 'video', 'document', 'sticker')", name=op.f("ck_media_kind")),
        sa.CheckConstraint("state IN ('waiting', 'stored', 'lost')", name=op.f("ck_media_state")),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name=op.f("fk_media_conversation_id_conversations")
        ),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integrations.id"], name=op.f("fk_media_integration_id_integrations")
        ),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_media_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_media")),
        sa.UniqueConstraint("message_id", name=op.f("uq_media_message_id")),
    )
    for column in ("conversation_id", "integration_id"):
        op.create_index(
            f"ix_media_{column}", "media", [column], unique=False, postgresql_where=sa.text("state = 'waiting'")
        )
    op.create_table(
        "media_uploads",
        sa.Column("media_id", sa.Uuid(), nullable=False),
        sa.Column("integration_id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("meta_media_id", sa.Text(), nullable=False),
        sa.Column("uploaded_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["integration_id"], ["integrations.id"], name=op.f("fk_media_uploads_integration_id_integrations")
        ),
        sa.ForeignKeyConstraint(["media_id"], ["media.id"], name=op.f("fk_media_uploads_media_id_media")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_media_uploads_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("media_id", "integration_id", name=op.f("pk_media_uploads")),
    )


def _create_templates() -> None:
    op.add_column("wabas", sa.Column("templates_synced_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("wabas", sa.Column("templates_says", sa.Text(), nullable=True))
    op.create_table(
        "templates",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("waba_row_id", sa.Uuid(), nullable=False),
        sa.Column("meta_id", sa.Text(), nullable=True),
        sa.Column("name", sa.Text(), nullable=False),
        sa.Column("language", sa.Text(), nullable=False),
        sa.Column("category", sa.Text(), nullable=False),
        sa.Column("status", sa.Text(), nullable=False),
        sa.Column("quality", sa.Text(), nullable=True),
        sa.Column("parameter_format", sa.Text(), nullable=False),
        sa.Column("components", postgresql.JSONB(), nullable=False),
        sa.Column("says", sa.Text(), nullable=True),
        sa.Column("correct_category", sa.Text(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("quality_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("category_told_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("synced_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deleted", sa.Boolean(), server_default=sa.text("false"), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_templates_organization_id_organizations")
        ),
        sa.ForeignKeyConstraint(["waba_row_id"], ["wabas.id"], name=op.f("fk_templates_waba_row_id_wabas")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_templates")),
        sa.UniqueConstraint("waba_row_id", "name", "language", name=op.f("uq_templates_waba_row_id_name_language")),
    )


def _create_consents() -> None:
    op.add_column("contacts", sa.Column("marketing_opted_in_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("contacts", sa.Column("merged_into", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_contacts_merged_into_contacts"), "contacts", "contacts", ["merged_into"], ["id"])
    _sources("contacts", "marketing_source", _WIDER)
    op.create_table(
        "consents",
        sa.Column("id", sa.Uuid(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("choice", sa.Text(), nullable=False),
        sa.Column("source", sa.Text(), nullable=False),
        sa.Column("message_id", sa.Uuid(), nullable=True),
        sa.Column("note", sa.Text(), nullable=True),
        sa.Column("told_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), server_default=sa.text("now()"), nullable=False),
        sa.CheckConstraint("choice IN ('stop', 'resume', 'opt_in')", name=op.f("ck_consents_choice")),
        sa.CheckConstraint(
            "source IN ('answer', 'status', 'preference', 'stop_word', 'api', 'person')",
            name=op.f("ck_consents_source"),
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_consents_contact_id_contacts"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_consents_message_id_messages")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_consents_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_consents")),
    )
    op.create_index("ix_consents_contact_id_told_at", "consents", ["contact_id", "told_at"], unique=False)
    # What was told until now begins the history: a stop with its first and its latest instant.
    op.execute("""
        INSERT INTO consents (id, organization_id, contact_id, choice, source, told_at)
        SELECT gen_random_uuid(), t.organization_id, t.id,
               CASE WHEN t.marketing_stopped_at IS NULL THEN 'resume' ELSE 'stop' END, t.marketing_source, told.at
        FROM contacts t
        CROSS JOIN LATERAL (SELECT DISTINCT at FROM unnest(ARRAY[t.marketing_stopped_at, t.marketing_told_at]) AS at
                            WHERE at IS NOT NULL) AS told
        WHERE t.marketing_source IS NOT NULL
    """)


def _drop_consents() -> None:
    op.drop_index("ix_consents_contact_id_told_at", table_name="consents")
    op.drop_table("consents")
    listed = ", ".join(f"'{source}'" for source in _NARROWER)
    op.execute(
        "UPDATE contacts SET marketing_source = 'preference' "  # noqa: S608 - the words above
        f"WHERE marketing_source NOT IN ({listed})"
    )
    _sources("contacts", "marketing_source", _NARROWER)
    op.drop_constraint(op.f("fk_contacts_merged_into_contacts"), "contacts", type_="foreignkey")
    for name in ("merged_into", "marketing_opted_in_at"):
        op.drop_column("contacts", name)


def _sources(table: str, column: str, allowed: tuple[str, ...]) -> None:
    listed = ", ".join(f"'{source}'" for source in allowed)
    op.drop_constraint(op.f(f"ck_{table}_{column}"), table, type_="check")
    op.create_check_constraint(op.f(f"ck_{table}_{column}"), table, f"{column} IN ({listed})")
