"""Results can be pinned or removed, projects have keys, and duties are taken up by one server at a time."""

import sqlalchemy as sa
from alembic import op

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_PRESENT = sa.text("deleted IS NULL AND NOT pinned")
_DELETED = sa.text("deleted IS NOT NULL")
_FORGET_TRIGRAMS = """
CREATE TRIGGER reasons_trigrams_removed AFTER DELETE ON reasons
BEGIN INSERT INTO reasons_trigrams (reasons_trigrams, rowid, text) VALUES ('delete', old.id, old.text); END
"""


def upgrade() -> None:
    op.add_column("results", sa.Column("pinned", sa.Boolean(), nullable=False, server_default=sa.false()))
    op.add_column("jobs", sa.Column("deleted", sa.BigInteger(), nullable=True))
    op.create_index(
        "ix_results_present", "results", ["start", "id"], sqlite_where=_PRESENT, postgresql_where=_PRESENT
    )
    op.create_index(
        "ix_results_deleted", "results", ["deleted"], sqlite_where=_DELETED, postgresql_where=_DELETED
    )
    op.create_index("ix_tasks_log", "tasks", ["log_sha256"])
    _create_tables()
    if op.get_context().dialect.name == "sqlite":
        op.execute(_FORGET_TRIGRAMS)


def _create_tables() -> None:
    op.create_table(
        "project_keys",
        sa.Column("project", _NUMBER, nullable=False),
        sa.Column("public", sa.Text(), nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["project"], ["projects.id"], name="fk_project_keys_project", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("project", name="pk_project_keys"),
    )
    op.create_table(
        "duties",
        sa.Column("name", _NAME, nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("name", name="pk_duties"),
    )
