"""The tables. Times are microseconds since the epoch, UTC; durations are microseconds."""

from typing import Any

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    Row,
    Table,
    Text,
    UniqueConstraint,
    false,
    text,
)

from anyrig.core.jobs import HOLDS_NODE, State
from anyrig.storage import schema_base, schema_builds, schema_upkeep

metadata, Number, Name = schema_builds.builds.metadata, schema_base.Number, schema_base.Name
project_keys, duties = schema_upkeep.project_keys, schema_upkeep.duties
PRESENT, DELETED = schema_upkeep.PRESENT, schema_upkeep.DELETED


def _in(states: frozenset[State]) -> str:
    return ", ".join(f"'{state}'" for state in sorted(states))


AnyRow = Row[*tuple[Any, ...]]

facts = Table(
    "facts", metadata, Column("name", Name, primary_key=True), Column("value", Text, nullable=False)
)

users = Table(
    "users",
    metadata,
    Column("name", Name, primary_key=True),
    Column("role", Name, nullable=False),
    Column("created", BigInteger, nullable=False),
)

tokens = Table(
    "tokens",
    metadata,
    Column("id", Name, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("user", Name, ForeignKey("users.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("role", Name, nullable=False),
    Column("projects", JSON),
    Column("created", BigInteger, nullable=False),
    Column("expires", BigInteger),
)

projects = Table(
    "projects",
    metadata,
    Column("id", Number, primary_key=True),
    Column("name", Name, nullable=False, unique=True),
    Column("upstream", Text),
    Column("created", BigInteger, nullable=False),
)

agents = Table(
    "agents",
    metadata,
    Column("name", Name, primary_key=True),
    Column("secret_hash", LargeBinary, nullable=False),
    Column("owner", Name, nullable=False),
    Column("created", BigInteger, nullable=False),
)

nodes = Table(
    "nodes",
    metadata,
    Column("name", Name, primary_key=True),
    Column("agent", Name, ForeignKey("agents.name", ondelete="CASCADE"), nullable=False, index=True),
    Column("kinds", JSON, nullable=False),
    Column("labels", JSON, nullable=False),
    Column("seen", BigInteger),
    Column("boot_id", Name),
    Column("version", Text),
    Column("local_ip", Text),
    Column("external_ip", Text),
    Column("trouble", Text),
    Column("device", JSON),
    Column("last_used_by", Name),
    Column("last_used", BigInteger),
    Column("created", BigInteger, nullable=False),
)

jobs = Table(
    "jobs",
    metadata,
    Column("id", Number, primary_key=True),
    Column("uid", Name, nullable=False, unique=True),
    Column("project", Name, nullable=False),
    Column("kind", Name, nullable=False),
    Column("state", Name, nullable=False),
    Column("user", Name, nullable=False),
    Column("category", Name, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("revision", Text, nullable=False),
    Column("branch", Text),
    Column("sha", Name, nullable=False),
    Column("tests", JSON, nullable=False),
    Column("remote_control", Text, nullable=False),
    Column("forever", Boolean, nullable=False),
    Column("shuffle", Boolean, nullable=False),
    Column("params", JSON, nullable=False),
    Column("retries", Integer, nullable=False),
    Column("created", BigInteger, nullable=False),
    Column("started", BigInteger),
    Column("ended", BigInteger),
    Column("expected", Integer, nullable=False),
    Column("passed", Integer, nullable=False),
    Column("failed", Integer, nullable=False),
    Column("errors", Integer, nullable=False),
    Column("stopped_by", Name),
    Column("idempotency", Name, unique=True),
    Column("deleted", BigInteger),
    Index("ix_jobs_created", "created", "id"),
    Index("ix_jobs_live", "id", sqlite_where=text("ended IS NULL"), postgresql_where=text("ended IS NULL")),
    sqlite_autoincrement=True,
)

tasks = Table(
    "tasks",
    metadata,
    Column("id", Number, primary_key=True),
    Column("job", Number, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False, index=True),
    Column("position", Integer, nullable=False),
    Column("state", Name, nullable=False),
    Column("wanted_node", Name),
    Column("labels", JSON, nullable=False),
    Column("lock_key", Name),
    Column("priority", Integer, nullable=False),
    Column("node", Name),
    Column("reason", Text, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("holder", Name),
    Column("placed", BigInteger),
    Column("started", BigInteger),
    Column("ended", BigInteger),
    Column("running_seq", Integer),
    Column("running_test", Text),
    Column("running_since", BigInteger),
    Column("running_offset", BigInteger),
    Column("log_sha256", Name),
    Column("log_size", BigInteger),
    Index("ix_tasks_node", "node", "id"),
    Index("ix_tasks_log", "log_sha256"),
    *(
        Index(
            name,
            column,
            unique=unique,
            sqlite_where=text(f"state IN ({states})"),
            postgresql_where=text(f"state IN ({states})"),
        )
        for name, column, unique, states in (
            ("uq_tasks_lease", "node", True, _in(HOLDS_NODE)),
            ("uq_tasks_lock", "lock_key", True, _in(HOLDS_NODE)),
            ("ix_tasks_queue", "priority", False, _in(frozenset({State.QUEUED}))),
        )
    ),
    sqlite_autoincrement=True,
)

HOLDING = text(f"tasks.state IN ({_in(HOLDS_NODE)})")
"""Tasks that hold a lease: said just as their index says it, so that it serves."""
QUEUED = text(f"tasks.state IN ({_in(frozenset({State.QUEUED}))})")

results = Table(
    "results",
    metadata,
    Column("id", Number, primary_key=True),
    Column("result_id", Name, nullable=False, unique=True),
    Column("job", Number, ForeignKey("jobs.id", ondelete="CASCADE"), nullable=False),
    Column("task", Number, nullable=False),
    Column("seq", Integer, nullable=False),
    Column("attempt", Integer, nullable=False),
    Column("project", Name, nullable=False),
    Column("job_uid", Name, nullable=False),
    Column("node", Name, nullable=False),
    Column("user", Name, nullable=False),
    Column("category", Name, nullable=False),
    Column("testcase", Name, nullable=False),
    Column("verdict", Name, nullable=False),
    Column("failure_reason", Text),
    Column("traceback", Text),
    Column("start", BigInteger, nullable=False),
    Column("end", BigInteger, nullable=False),
    Column("duration", BigInteger, nullable=False),
    Column("branch", Text),
    Column("sha", Name, nullable=False),
    Column("tags", JSON, nullable=False),
    Column("deleted", BigInteger),
    Column("pinned", Boolean, nullable=False, server_default=false()),
    UniqueConstraint("task", "seq"),
    Index("ix_results_present", "start", "id", sqlite_where=PRESENT, postgresql_where=PRESENT),
    Index("ix_results_deleted", "deleted", sqlite_where=DELETED, postgresql_where=DELETED),
    Index("ix_results_start", "start", "id"),
    Index("ix_results_duration", "duration", "id"),
    Index("ix_results_job", "job_uid", "start", "id"),
    Index("ix_results_category", "category", "start", "id"),
    Index("ix_results_testcase", "testcase", "start", "id"),
    Index("ix_results_verdict", "verdict", "start", "id"),
    Index("ix_results_node", "node", "start", "id"),
    Index("ix_results_user", "user", "start", "id"),
    Index("ix_results_sha", "sha", "start", "id"),
    Index("ix_results_project", "project", "start", "id"),
    Index("ix_results_category_duration", "category", "duration", "id"),
    Index("ix_results_category_verdict", "category", "verdict", "start", "id"),
    Index("ix_results_verdict_duration", "verdict", "duration", "id"),
    sqlite_autoincrement=True,
)

result_tags = Table(
    "result_tags",
    metadata,
    Column("name", Name, primary_key=True),
    Column("value", Name, primary_key=True),
    Column("result", Number, ForeignKey("results.id", ondelete="CASCADE"), primary_key=True, index=True),
)

names = Table(
    "names",
    metadata,
    Column("field", Name, primary_key=True),
    Column("name", Name, primary_key=True),
)
"""Each text that the column ``field`` of a result has or had, once: ``testcase`` or ``category``."""

reasons = Table(
    "reasons",
    metadata,
    Column("id", Number, primary_key=True),
    Column("text", Text, nullable=False),
    Index("ix_reasons_text", "text", postgresql_using="hash"),
)
"""The texts of failure reasons, each once; on PostgreSQL twice if two servers met it first at one time."""

result_reasons = Table(
    "result_reasons",
    metadata,
    Column("reason", Number, ForeignKey("reasons.id", ondelete="CASCADE"), primary_key=True),
    Column("result", Number, ForeignKey("results.id", ondelete="CASCADE"), primary_key=True, index=True),
)
"""These three are kept by triggers of ``results``: who looks for words reads them instead of all results."""

artifacts = Table(
    "artifacts",
    metadata,
    Column("result", Number, ForeignKey("results.id", ondelete="CASCADE"), primary_key=True),
    Column("name", Name, primary_key=True),
    Column("size", BigInteger, nullable=False),
    Column("md5", Name, nullable=False),
    Column("sha256", Name, nullable=False, index=True),
)

outbox = Table(
    "outbox",
    metadata,
    Column("task", Number, ForeignKey("tasks.id", ondelete="CASCADE"), primary_key=True),
    Column("node", Name, nullable=False),
    Column("generation", BigInteger, nullable=False),
)

reservations = Table(
    "reservations",
    metadata,
    Column("id", Number, primary_key=True),
    Column("node", Name, nullable=False),
    Column("user", Name, nullable=False),
    Column("message", Text, nullable=False),
    Column("start", BigInteger, nullable=False),
    Column("expires", BigInteger),
    Column("state", Name, nullable=False),
    Column("ended", BigInteger),
    Column("ended_by", Name),
    Column("reason", Text),
    Index(
        "uq_reservations_held",
        "node",
        unique=True,
        sqlite_where=text("ended IS NULL"),
        postgresql_where=text("ended IS NULL"),
    ),
    Index("ix_reservations_user", "user", "id"),
    sqlite_autoincrement=True,
)
"""A node's name outlives the node: an agent that is away for an update does not end its reservations."""
