"""An outbox for every kind of message"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None

_MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    _make_tables()
    with op.batch_alter_table("attempt") as batch:
        batch.alter_column("package_id", existing_type=sa.Integer(), nullable=True)
        batch.add_column(sa.Column("called_at", _MOMENT, nullable=True))
        batch.add_column(sa.Column("reference", sa.String(length=128), nullable=True))
        batch.create_index("ix_attempt_package_id", ["package_id"])
        batch.create_index("ix_attempt_reference", ["reference"])
    # SQLite makes the table of messages anew, which it refuses while attempts point to it.
    op.execute("CREATE TABLE attempt_kept AS SELECT * FROM attempt")
    op.execute("DELETE FROM attempt")
    with op.batch_alter_table("message") as batch:
        batch.drop_index("ix_message_due")
        batch.alter_column("run_id", existing_type=sa.Integer(), nullable=True)
        batch.alter_column("recipient_id", existing_type=sa.Integer(), nullable=True)
        for column in _new_columns():
            batch.add_column(column)
        batch.create_foreign_key(op.f("fk_message_recall_id_recall"), "recall", ["recall_id"], ["id"])
    _name_old_messages()
    with op.batch_alter_table("message") as batch:
        batch.alter_column("key", existing_type=sa.String(length=160), nullable=False)
        batch.alter_column("dispatch", existing_type=sa.String(length=32), nullable=False)
        batch.alter_column("citizen", existing_type=sa.Boolean(), nullable=False, server_default=None)
        for name in ("priority", "failures", "lookups"):
            batch.alter_column(name, existing_type=sa.Integer(), nullable=False, server_default=None)
        batch.alter_column("purpose", existing_type=sa.String(length=16), nullable=False, server_default=None)
        batch.create_unique_constraint(op.f("uq_message_key"), ["key"])
        batch.create_unique_constraint(op.f("uq_message_dispatch"), ["dispatch"])
        batch.create_index("ix_message_due", ["state", "channel", "priority", "next_attempt_at", "id"])
        batch.create_index("ix_message_address_hash", ["address_hash", "called_on"])
        batch.create_index("ix_message_recipient_id", ["recipient_id"])
        batch.create_index("ix_message_recall_id", ["recall_id"])
    names = "id, message_id, package_id, number, worker, begun_at, ended_at, outcome, detail"
    # What was begun before this version may have been called.
    op.execute(f"INSERT INTO attempt ({names}, called_at) SELECT {names}, begun_at FROM attempt_kept")  # noqa: S608
    op.drop_table("attempt_kept")


def _new_columns() -> list[sa.Column[object]]:
    return [
        sa.Column("key", sa.String(length=160), nullable=True),
        sa.Column("dispatch", sa.String(length=32), nullable=True),
        sa.Column("purpose", sa.String(length=16), nullable=False, server_default="package"),
        sa.Column("recall_id", sa.Integer(), nullable=True),
        sa.Column("address", sa.Text(), nullable=True),
        sa.Column("address_hash", sa.String(length=64), nullable=True),
        sa.Column("content", sa.Text(), nullable=True),
        sa.Column("record", sa.String(length=11), nullable=True),
        sa.Column("citizen", sa.Boolean(), nullable=False, server_default=sa.false()),
        sa.Column("priority", sa.Integer(), nullable=False, server_default="1"),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("failures", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("lookups", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("expires_at", _MOMENT, nullable=True),
        sa.Column("called_on", sa.Date(), nullable=True),
    ]


def _name_old_messages() -> None:
    message = sa.table(
        "message",
        *(sa.column(name) for name in ("id", "run_id", "recipient_id", "channel", "key", "dispatch")),
    )
    connection = op.get_bind()
    query = sa.select(message.c.id, message.c.run_id, message.c.recipient_id, message.c.channel).order_by(message.c.id)
    named: set[str] = set()
    for id_, run, recipient, channel in connection.execute(query).all():
        key = f"package/{run}/{recipient}/{channel}"
        key = f"{key}/{id_}" if key in named else key
        named.add(key)
        values = {"key": key, "dispatch": secrets.token_hex(10)}
        connection.execute(sa.update(message).where(message.c.id == id_).values(values))


def _make_tables() -> None:
    op.create_table(
        "recall",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("record", sa.String(length=11), nullable=False),
        sa.Column("case_number", sa.Text(), nullable=True),
        sa.Column("type", sa.String(length=10), nullable=False),
        sa.Column("at", _MOMENT, nullable=False),
        sa.Column("due_on", sa.Date(), nullable=False),
        sa.Column("made_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_recall")),
        sa.UniqueConstraint("sequence", "record", "at", name=op.f("uq_recall_sequence")),
    )
    op.create_index("ix_recall_record", "recall", ["record", "sequence"])
    op.create_table(
        "receipt",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("token", sa.String(length=64), nullable=False),
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=True),
        sa.Column("reference", sa.String(length=128), nullable=True),
        sa.Column("state", sa.String(length=32), nullable=False),
        sa.Column("detail", sa.Text(), nullable=False),
        sa.Column("received_at", _MOMENT, nullable=False),
        sa.Column("applied", sa.Boolean(), nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_receipt_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_receipt")),
        sa.UniqueConstraint("token", name=op.f("uq_receipt_token")),
    )
    op.create_index("ix_receipt_reference", "receipt", ["reference"])
    op.create_index("ix_receipt_message_id", "receipt", ["message_id"])
    op.create_table(
        "suppression",
        sa.Column("address_hash", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("opted_out", sa.Boolean(), nullable=False),
        sa.Column("since", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("address_hash", name=op.f("pk_suppression")),
    )
    op.create_table(
        "channel",
        sa.Column("name", sa.String(length=32), nullable=False),
        sa.Column("paused_at", _MOMENT, nullable=True),
        sa.Column("reason", sa.Text(), nullable=True),
        sa.Column("held_until", _MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_channel")),
    )
    op.create_table(
        "channel_day",
        sa.Column("channel", sa.String(length=32), nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.PrimaryKeyConstraint("channel", "day", name=op.f("pk_channel_day")),
    )
    op.create_table(
        "run_approval",
        sa.Column("period", sa.String(length=8), nullable=False),
        sa.Column("kind", sa.String(length=32), nullable=False),
        sa.Column("approved_by", sa.Text(), nullable=False),
        sa.Column("approved_at", _MOMENT, nullable=False),
        sa.PrimaryKeyConstraint("period", "kind", name=op.f("pk_run_approval")),
    )
    op.create_table(
        "entry_case",
        sa.Column("record", sa.String(length=11), nullable=False),
        sa.Column("case_number", sa.Text(), nullable=True),
        sa.PrimaryKeyConstraint("record", name=op.f("pk_entry_case")),
    )
    op.create_table(
        "printing",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("recipient_id", sa.Integer(), nullable=False),
        sa.Column("place", sa.Text(), nullable=False),
        sa.Column("sequence", sa.Integer(), nullable=False),
        sa.Column("put_up_at", _MOMENT, nullable=False),
        sa.Column("put_up_by", sa.Text(), nullable=False),
        sa.Column("taken_down_at", _MOMENT, nullable=True),
        sa.ForeignKeyConstraint(["recipient_id"], ["recipient.id"], name=op.f("fk_printing_recipient_id_recipient")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_printing")),
    )
    op.create_table(
        "printing_entry",
        sa.Column("printing_id", sa.Integer(), nullable=False),
        sa.Column("record", sa.String(length=11), nullable=False),
        sa.ForeignKeyConstraint(["printing_id"], ["printing.id"], name=op.f("fk_printing_entry_printing_id_printing")),
        sa.PrimaryKeyConstraint("printing_id", "record", name=op.f("pk_printing_entry")),
    )
    op.create_index("ix_printing_entry_record", "printing_entry", ["record"])
    op.create_table(
        "acknowledgement",
        sa.Column("id", sa.Integer(), nullable=False),
        sa.Column("message_id", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("given_by", sa.Text(), nullable=False),
        sa.Column("given_at", _MOMENT, nullable=False),
        sa.Column("place", sa.Text(), nullable=True),
        sa.Column("noted_by", sa.Text(), nullable=False),
        sa.Column("noted_at", _MOMENT, nullable=False),
        sa.ForeignKeyConstraint(["message_id"], ["message.id"], name=op.f("fk_acknowledgement_message_id_message")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_acknowledgement")),
        sa.UniqueConstraint("message_id", "kind", name=op.f("uq_acknowledgement_message_id")),
    )


def downgrade() -> None:
    """What went out cannot be forgotten for the sake of an older version."""
    raise NotImplementedError
