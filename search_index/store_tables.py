"""The tables of the disclosed store."""

from __future__ import annotations

from sqlalchemy import Column, Index, Integer, MetaData, String, Table, Text

metadata = MetaData()

# Instants are kept as UTC text of one width, so that they compare as they sort.
document_table = Table(
    "document",
    metadata,
    Column("record", String(11), primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("name_key", Text, nullable=False, index=True),
    Column("published_on", String(10), nullable=False, index=True),
    Column("visible_until", String(32), index=True),
    Column("body", Text, nullable=False),
)
change_table = Table(
    "change",
    metadata,
    Column("sequence", Integer, primary_key=True, autoincrement=False),
    Column("position", Integer, nullable=False),
    Column("type", String(10), nullable=False),
    Column("record", String(11), nullable=False, index=True),
    Column("at", String(32), nullable=False),
)
# A screen asks for the latest of them every two seconds, and they are never fewer; with the type, months are counted by it.
change_at = Index("ixchange_at", change_table.c.at, change_table.c.type)
tombstone_table = Table(
    "tombstone",
    metadata,
    Column("record", String(11), primary_key=True),
    Column("sequence", Integer, nullable=False),
    Column("at", String(32), nullable=False),
)
state_table = Table(
    "state",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("position", Integer, nullable=False),
    Column("sequence", Integer, nullable=False),
    Column("indexed", Integer, nullable=False),
    Column("updated_at", String(32)),
    Column("profile", Text),
)
# How the store is connected with the registry. `pulse_at`: when it was last known to hold everything that the registry had told
# until then; null before that was ever noted. `shut`: 1 while nothing of the list may be shown. On an isolated network
# `file_number` and `file_digest` are those of the last file of the journal that was applied.
link_table = Table(
    "link",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("pulse_at", String(32)),
    Column("shut", Integer, nullable=False),
    Column("file_number", Integer, nullable=False),
    Column("file_digest", String(64)),
    Column("file_epoch", String(32)),
)
# What the names in the store were folded by.
folding_table = Table("folding", metadata, Column("version", String(8), primary_key=True))

# Raised with every change of `folding.fold_name`.
FOLDING = "2"
