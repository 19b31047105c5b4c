"""Unknown outcomes: the policy `evidence`, and what was decided about each attempt."""

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    # A migration that cannot have its locks soon gives up: queueing behind a long query would stop every webhook.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_table(
        "message_decisions",
        sa.Column("message_id", sa.Uuid(), nullable=False),
        sa.Column("attempt", sa.SmallInteger(), nullable=False),
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("policy", sa.Text(), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("conclusive", sa.Boolean(), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("decision", sa.Text(), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("actor", sa.Text(), nullable=True),
        sa.Column("actor_id", sa.Uuid(), nullable=True),
        sa.CheckConstraint(
            "policy IN ('evidence', 'ask', 'resend', 'give_up')", name=op.f("ck_message_decisions_policy")
        ),
        sa.CheckConstraint("decision IN ('resend', 'give_up')", name=op.f("ck_message_decisions_decision")),
        sa.CheckConstraint("actor IN ('person', 'key', 'holdfast')", name=op.f("ck_message_decisions_actor")),
        sa.ForeignKeyConstraint(["message_id"], ["messages.id"], name=op.f("fk_message_decisions_message_id_messages")),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_message_decisions_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("message_id", "attempt", name=op.f("pk_message_decisions")),
    )
    op.create_index(
        "ix_messages_unknown",
        "messages",
        ["organization_id", "created_at", "id"],
        unique=False,
        postgresql_where=sa.text("state = 'unknown'"),
    )
    _policies("evidence", "ask", "resend", "give_up")
    # What `ask` did until now is called `evidence` from now on.
    op.execute("UPDATE integrations SET unknown_policy = 'evidence' WHERE unknown_policy = 'ask'")
    op.execute(
        "UPDATE messages SET unknown_policy = 'evidence' "
        "WHERE unknown_policy = 'ask' AND state IN ('queued', 'sending', 'unknown')"
    )
    op.alter_column("integrations", "unknown_policy", server_default=sa.text("'evidence'"))
    _add_what_errors_leave_behind()
    _add_rates()
    op.add_column("oauth_states", sa.Column("key_id", sa.Uuid(), nullable=True))
    op.create_foreign_key(op.f("fk_oauth_states_key_id_api_keys"), "oauth_states", "api_keys", ["key_id"], ["id"])


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.drop_constraint(op.f("fk_oauth_states_key_id_api_keys"), "oauth_states", type_="foreignkey")
    op.drop_column("oauth_states", "key_id")
    _drop_rates()
    _drop_what_errors_leave_behind()
    op.alter_column("integrations", "unknown_policy", server_default=sa.text("'ask'"))
    op.execute("UPDATE integrations SET unknown_policy = 'ask' WHERE unknown_policy = 'evidence'")
    op.execute("UPDATE messages SET unknown_policy = 'ask' WHERE unknown_policy = 'evidence'")
    _policies("ask", "resend", "give_up")
    op.drop_index("ix_messages_unknown", table_name="messages", postgresql_where=sa.text("state = 'unknown'"))
    op.drop_table("message_decisions")


def _policies(*allowed: str) -> None:
    listed = ", ".join(f"'{policy}'" for policy in allowed)
    op.drop_constraint(op.f("ck_integrations_unknown_policy"), "integrations", type_="check")
    op.create_check_constraint(op.f("ck_integrations_unknown_policy"), "integrations", f"unknown_policy IN ({listed})")


def _add_what_errors_leave_behind() -> None:
    for name in ("check_due_at", "check_nudged_at", "released_at"):
        op.add_column("integrations", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.create_index(
        "ix_integrations_check_due_at",
        "integrations",
        ["check_due_at"],
        unique=False,
        postgresql_where=sa.text("check_due_at IS NOT NULL"),
    )
    op.add_column("conversations", sa.Column("window_refused_at", sa.DateTime(timezone=True), nullable=True))
    op.add_column("contacts", sa.Column("marketing_source", sa.Text(), nullable=True))
    op.add_column("contacts", sa.Column("marketing_told_at", sa.DateTime(timezone=True), nullable=True))
    op.create_check_constraint(
        op.f("ck_contacts_marketing_source"), "contacts", "marketing_source IN ('answer', 'status', 'preference')"
    )


def _drop_what_errors_leave_behind() -> None:
    op.drop_constraint(op.f("ck_contacts_marketing_source"), "contacts", type_="check")
    op.drop_column("contacts", "marketing_told_at")
    op.drop_column("contacts", "marketing_source")
    op.drop_column("conversations", "window_refused_at")
    op.drop_index(
        "ix_integrations_check_due_at",
        table_name="integrations",
        postgresql_where=sa.text("check_due_at IS NOT NULL"),
    )
    for name in ("released_at", "check_nudged_at", "check_due_at"):
        op.drop_column("integrations", name)


def _add_rates() -> None:
    now = sa.text("now()")
    op.add_column(
        "rate_slots", sa.Column("queue_until", sa.DateTime(timezone=True), server_default=now, nullable=False)
    )
    op.alter_column("rate_slots", "burst", server_default=sa.text("2"))
    op.execute("UPDATE rate_slots SET burst = 2")
    op.create_table(
        "portfolios",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("portfolio", sa.Text(), nullable=False),
        sa.Column("contacts", sa.Integer(), server_default=sa.text("0"), nullable=False),
        sa.Column("promised_until", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_portfolios_organization_id_organizations")
        ),
        sa.PrimaryKeyConstraint("organization_id", "portfolio", name=op.f("pk_portfolios")),
    )
    op.create_table(
        "portfolio_contacts",
        sa.Column("organization_id", sa.Uuid(), nullable=False),
        sa.Column("portfolio", sa.Text(), nullable=False),
        sa.Column("contact_id", sa.Uuid(), nullable=False),
        sa.Column("sent_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["organization_id"], ["organizations.id"], name=op.f("fk_portfolio_contacts_organization_id_organizations")
        ),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["contacts.id"], name=op.f("fk_portfolio_contacts_contact_id_contacts"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("organization_id", "portfolio", "contact_id", name=op.f("pk_portfolio_contacts")),
    )
    op.create_index(
        "ix_portfolio_contacts_organization_id_portfolio_sent_at",
        "portfolio_contacts",
        ["organization_id", "portfolio", "sent_at"],
        unique=False,
    )
    op.create_index("ix_portfolio_contacts_contact_id", "portfolio_contacts", ["contact_id"], unique=False)


def _drop_rates() -> None:
    op.drop_index("ix_portfolio_contacts_contact_id", table_name="portfolio_contacts")
    op.drop_index("ix_portfolio_contacts_organization_id_portfolio_sent_at", table_name="portfolio_contacts")
    op.drop_table("portfolio_contacts")
    op.drop_table("portfolios")
    op.alter_column("rate_slots", "burst", server_default=sa.text("5"))
    op.execute("UPDATE rate_slots SET burst = 5")
    op.drop_column("rate_slots", "queue_until")
