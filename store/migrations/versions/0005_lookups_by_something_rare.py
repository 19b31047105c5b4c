"""Indexes for what is looked up by something rare: messages by the file they wait for, what was merged into another."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_MERGED = ("contacts", "conversations")


def upgrade() -> None:
    # A migration that cannot have its locks soon gives up: queueing behind a long query would stop every webhook.
    op.execute("SET LOCAL lock_timeout = '5s'")
    op.create_index(
        "ix_messages_media_id",
        "messages",
        ["media_id"],
        unique=False,
        postgresql_where=sa.text("state = 'queued' AND media_id IS NOT NULL"),
    )
    for table in _MERGED:
        op.create_index(
            f"ix_{table}_merged_into",
            table,
            ["merged_into"],
            unique=False,
            postgresql_where=sa.text("merged_into IS NOT NULL"),
        )


def downgrade() -> None:
    op.execute("SET LOCAL lock_timeout = '5s'")
    for table in reversed(_MERGED):
        op.drop_index(f"ix_{table}_merged_into", table_name=table, postgresql_where=sa.text("merged_into IS NOT NULL"))
    op.drop_index(
        "ix_messages_media_id",
        table_name="messages",
        postgresql_where=sa.text("state = 'queued' AND media_id IS NOT NULL"),
    )
