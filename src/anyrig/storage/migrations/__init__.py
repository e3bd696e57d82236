"""The schema's history, by Alembic."""

HEAD = "0006"
"""The newest revision: a database that has it needs no migration."""
