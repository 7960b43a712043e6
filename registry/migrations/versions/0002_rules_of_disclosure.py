"""an index to find what was disclosed under other rules"""

from __future__ import annotations

from alembic import op

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_record_policy", "record", ["state", "policy"])
