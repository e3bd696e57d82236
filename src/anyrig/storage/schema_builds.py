"""The tables of tests of kind ``build``: what they are, their runs, and what was said of both."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Table,
    Text,
    UniqueConstraint,
    text,
)

from anyrig.storage.schema_base import Name, Number, metadata

PRESENT = text("removed IS NULL")
"""Builds that were not removed."""
LIVE = text("sealed IS NOT NULL")
"""Runs that are not over."""

passwords = Table(
    "passwords",
    metadata,
    Column("user", Name, ForeignKey("users.name", ondelete="CASCADE"), primary_key=True),
    Column("hash", Text, nullable=False),
    Column("role", Name, nullable=False),
)
"""Of users of other products, who go on using them: hashed by Argon2."""

builds = Table(
    "builds",
    metadata,
    Column("id", Number, primary_key=True),
    Column("listen_point", Name, nullable=False),
    Column("project", Name, nullable=False),
    Column("history", Number, nullable=False, index=True),
    Column("sealed", LargeBinary, nullable=False),
    Column("config_file", Text),
    Column("created", BigInteger, nullable=False),
    Column("created_by", Name, nullable=False),
    Column("removed", BigInteger),
    Index("uq_builds_present", "listen_point", unique=True, sqlite_where=PRESENT, postgresql_where=PRESENT),
    sqlite_autoincrement=True,
)
"""``sealed`` is the app file, encrypted: there may be passwords in it. A build never changes, it is removed
and created anew; ``history`` is the number of the first that it continues, as a rule its own."""

build_jobs = Table(
    "build_jobs",
    metadata,
    Column("job", Number, ForeignKey("jobs.id", ondelete="CASCADE"), primary_key=True),
    Column("build", Number, ForeignKey("builds.id", ondelete="CASCADE"), nullable=False),
    Column("history", Number, nullable=False),
    Column("listeners", JSON, nullable=False),
    Column("sealed", LargeBinary),
    Column("level", Integer),
    Column("message", Text),
    Index("ix_build_jobs_history", "history", "job"),
    Index("ix_build_jobs_live", "build", sqlite_where=LIVE, postgresql_where=LIVE),
)
"""``sealed`` is what its node has to know, encrypted, until the job is over; then ``message`` says how."""

build_records = Table(
    "build_records",
    metadata,
    Column("id", Number, primary_key=True),
    Column("history", Number, nullable=False),
    Column("job", Number),
    Column("task", Number),
    Column("attempt", Integer),
    Column("number", Integer),
    Column("at", BigInteger, nullable=False),
    Column("channel", Name, nullable=False),
    Column("level", Integer, nullable=False),
    Column("message", Text, nullable=False),
    UniqueConstraint("task", "attempt", "number"),
    Index("ix_build_records_history", "history", "at", "id", "level"),
    Index("ix_build_records_channel", "history", "channel", "at", "id", "level"),
    Index("ix_build_records_at", "at"),
    sqlite_autoincrement=True,
)
"""The log of builds; ``number`` counts those that a node said of one attempt at a task."""

build_deliveries = Table(
    "build_deliveries",
    metadata,
    Column("build", Number, ForeignKey("builds.id", ondelete="CASCADE"), primary_key=True),
    Column("delivery", Name, primary_key=True),
    Column("at", BigInteger, nullable=False, index=True),
)
"""Webhooks that were taken, each once."""

announcements = Table(
    "announcements",
    metadata,
    Column("id", Number, primary_key=True),
    Column("build", Number, ForeignKey("builds.id", ondelete="CASCADE"), nullable=False),
    Column("extension", Name, nullable=False),
    Column("record", Number, ForeignKey("build_records.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("due", BigInteger, nullable=False),
    Column("tries", Integer, nullable=False),
    Index("ix_announcements_due", "due"),
    Index("ix_announcements_order", "build", "extension", "id"),
    sqlite_autoincrement=True,
)
"""Records that an extension of the build is still to tell of."""
