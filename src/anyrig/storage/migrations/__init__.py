"""The schema's history, by Alembic."""

HEAD = "0001"
"""The newest revision: a database that has it needs no migration."""
