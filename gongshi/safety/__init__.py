"""Keeping a home safe: the logs beside the databases, backups, recovery keys, coming back from a backup."""
