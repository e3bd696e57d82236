"""The schema's history, by Alembic."""

HEAD = "0005"
"""The newest revision: a database that has it needs no migration."""
