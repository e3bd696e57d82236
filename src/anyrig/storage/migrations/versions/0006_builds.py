"""Tests of kind build: what they are, their runs, what is said of both; and users with passwords."""

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

_NUMBER = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
_NAME = sa.Text().with_variant(sa.Text(collation="C"), "postgresql")
_PRESENT = sa.text("removed IS NULL")
_LIVE = sa.text("sealed IS NOT NULL")


def upgrade() -> None:
    op.create_table(
        "passwords",
        sa.Column("user", _NAME, nullable=False),
        sa.Column("hash", sa.Text(), nullable=False),
        sa.Column("role", _NAME, nullable=False),
        sa.ForeignKeyConstraint(["user"], ["users.name"], name="fk_passwords_user", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("user", name="pk_passwords"),
    )
    _create_builds()
    _create_records()
    _create_deliveries()


def _create_builds() -> None:
    op.create_table(
        "builds",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("listen_point", _NAME, nullable=False),
        sa.Column("project", _NAME, nullable=False),
        sa.Column("history", _NUMBER, nullable=False),
        sa.Column("sealed", sa.LargeBinary(), nullable=False),
        sa.Column("config_file", sa.Text()),
        sa.Column("created", sa.BigInteger(), nullable=False),
        sa.Column("created_by", _NAME, nullable=False),
        sa.Column("removed", sa.BigInteger()),
        sa.PrimaryKeyConstraint("id", name="pk_builds"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_builds_history", "builds", ["history"])
    op.create_index(
        "uq_builds_present",
        "builds",
        ["listen_point"],
        unique=True,
        sqlite_where=_PRESENT,
        postgresql_where=_PRESENT,
    )
    op.create_table(
        "build_jobs",
        sa.Column("job", _NUMBER, nullable=False),
        sa.Column("build", _NUMBER, nullable=False),
        sa.Column("history", _NUMBER, nullable=False),
        sa.Column("listeners", sa.JSON(), nullable=False),
        sa.Column("sealed", sa.LargeBinary()),
        sa.Column("level", sa.Integer()),
        sa.Column("message", sa.Text()),
        sa.ForeignKeyConstraint(["job"], ["jobs.id"], name="fk_build_jobs_job", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(["build"], ["builds.id"], name="fk_build_jobs_build", ondelete="CASCADE"),
        sa.PrimaryKeyConstraint("job", name="pk_build_jobs"),
    )
    op.create_index("ix_build_jobs_history", "build_jobs", ["history", "job"])
    op.create_index("ix_build_jobs_live", "build_jobs", ["build"], sqlite_where=_LIVE, postgresql_where=_LIVE)


def _create_records() -> None:
    op.create_table(
        "build_records",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("history", _NUMBER, nullable=False),
        sa.Column("job", _NUMBER),
        sa.Column("task", _NUMBER),
        sa.Column("attempt", sa.Integer()),
        sa.Column("number", sa.Integer()),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.Column("channel", _NAME, nullable=False),
        sa.Column("level", sa.Integer(), nullable=False),
        sa.Column("message", sa.Text(), nullable=False),
        sa.PrimaryKeyConstraint("id", name="pk_build_records"),
        sa.UniqueConstraint("task", "attempt", "number", name="uq_build_records_task_attempt_number"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_build_records_history", "build_records", ["history", "at", "id", "level"])
    op.create_index("ix_build_records_channel", "build_records", ["history", "channel", "at", "id", "level"])
    op.create_index("ix_build_records_at", "build_records", ["at"])


def _create_deliveries() -> None:
    op.create_table(
        "build_deliveries",
        sa.Column("build", _NUMBER, nullable=False),
        sa.Column("delivery", _NAME, nullable=False),
        sa.Column("at", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["build"], ["builds.id"], name="fk_build_deliveries_build", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("build", "delivery", name="pk_build_deliveries"),
    )
    op.create_index("ix_build_deliveries_at", "build_deliveries", ["at"])
    op.create_table(
        "announcements",
        sa.Column("id", _NUMBER, nullable=False),
        sa.Column("build", _NUMBER, nullable=False),
        sa.Column("extension", _NAME, nullable=False),
        sa.Column("record", _NUMBER, nullable=False),
        sa.Column("due", sa.BigInteger(), nullable=False),
        sa.Column("tries", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(["build"], ["builds.id"], name="fk_announcements_build", ondelete="CASCADE"),
        sa.ForeignKeyConstraint(
            ["record"], ["build_records.id"], name="fk_announcements_record", ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("id", name="pk_announcements"),
        sqlite_autoincrement=True,
    )
    op.create_index("ix_announcements_record", "announcements", ["record"])
    op.create_index("ix_announcements_due", "announcements", ["due"])
    op.create_index("ix_announcements_order", "announcements", ["build", "extension", "id"])
