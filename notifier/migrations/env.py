"""Alembic's entry point for the notifier's database."""

from __future__ import annotations

from alembic import context

from notifier.database import open_engine
from notifier.tables import Base
from notifier.wechat import tables as _wechat  # noqa: F401  (its tables belong to Base)

engine = open_engine(context.config.get_main_option("sqlalchemy.url") or "")
with engine.connect() as connection:
    context.configure(
        connection=connection,
        target_metadata=Base.metadata,
        # On PostgreSQL the registry may live in the same database, with a version table of its own.
        version_table="notifier_version",
        render_as_batch=True,
        compare_type=True,
    )
    with context.begin_transaction():
        context.run_migrations()
    connection.commit()
engine.dispose()
