"""Recipients reached in their own way, followers, and what the gateway has heard"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    # One by one: SQLite refuses to make a table anew that messages point to.
    op.add_column("recipient", sa.Column("options", sa.Text(), nullable=False, server_default="{}"))
    for name in ("secret", "liaison_name", "liaison_phone", "liaison_mail"):
        op.add_column("recipient", sa.Column(name, sa.Text(), nullable=True))
    op.add_column("recipient", sa.Column("token_hash", sa.String(length=64), nullable=True))
    op.add_column("push_run", sa.Column("commission_number", sa.Text(), nullable=True))
    op.create_index(op.f("ix_recipient_token_hash"), "recipient", ["token_hash"], unique=True)
    op.create_table(
        "gateway_event",
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("token", name=op.f("pk_gateway_event")),
    )
    op.create_index(op.f("ix_gateway_event_received_at"), "gateway_event", ["received_at"])
    op.create_table(
        "wechat_follower",
        sa.Column("openid", sa.String(length=64), nullable=False),
        sa.Column("topic", sa.String(length=64), nullable=False),
        sa.PrimaryKeyConstraint("openid", "topic", name=op.f("pk_wechat_follower")),
    )
    op.create_index(op.f("ix_wechat_follower_topic"), "wechat_follower", ["topic"])
    op.create_table(
        "wechat_seen",
        sa.Column("key", sa.String(length=64), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("expires_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("key", name=op.f("pk_wechat_seen")),
    )
    op.create_index(op.f("ix_wechat_seen_expires_at"), "wechat_seen", ["expires_at"])
    op.create_table(
        "wechat_token",
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("token", sa.Text(), nullable=True),
        sa.Column("expires_at", _MOMENT, nullable=True),
        sa.Column("renewal", sa.String(length=32), nullable=True),
        sa.Column("renewal_until", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_wechat_token")),
    )
    op.create_table(
        "message_recall",
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("recall_id", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_message_recall_message_id_message")),
        sa.ForeignKeyConstraint(["recall_id"], ["recall.id"], name=op.f("fk_message_recall_recall_id_recall")),
        sa.PrimaryKeyConstraint("message_id", "recall_id", name=op.f("pk_message_recall")),
    )
    op.create_index(op.f("ix_message_recall_recall_id"), "message_recall", ["recall_id"])
    op.create_table(
        "desk_action",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("action", sa.String(length=32), nullable=False),
        sa.Column("subject", sa.Text(), nullable=False),
        sa.Column("done_by", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_desk_action")),
    )
    op.create_index(op.f("ix_desk_action_at"), "desk_action", ["at"])
