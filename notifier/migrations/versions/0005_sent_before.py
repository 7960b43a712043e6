"""What a home sent before it came back from a backup is known"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "sent_before",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("meaning", sa.String(length=64), nullable=False),
        sa.Column("dispatch", sa.String(length=32), nullable=False),
        sa.Column("purpose", sa.String(length=16), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("recipient", sa.String(length=64), nullable=False),
        sa.Column("called_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("outcome", sa.String(length=32), nullable=True),
        sa.Column("reference", sa.String(length=128), nullable=True),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_sent_before_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_sent_before")),
        sa.UniqueConstraint("dispatch", name=op.f("uq_sent_before_dispatch")),
    )
    op.create_index(op.f("ix_sent_before_open"), "sent_before", ["meaning", "message_id"])


def downgrade() -> None:
    """What was sent must stay known, so that it is not sent again."""
    raise NotImplementedError
