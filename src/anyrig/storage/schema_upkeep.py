"""The tables of what a server does by itself: keys of projects, and duties that one server has at a time."""

from sqlalchemy import BigInteger, Column, ForeignKey, LargeBinary, Table, Text, text

from anyrig.storage.schema_base import Name, Number, metadata

project_keys = Table(
    "project_keys",
    metadata,
    Column("project", Number, ForeignKey("projects.id", ondelete="CASCADE"), primary_key=True),
    Column("public", Text, nullable=False),
    Column("sealed", LargeBinary, nullable=False),
    Column("created", BigInteger, nullable=False),
)
"""``public`` is PEM; ``sealed`` is the private key, encrypted with a key that is not in the database."""

duties = Table(
    "duties",
    metadata,
    Column("name", Name, primary_key=True),
    Column("due", BigInteger, nullable=False),
)
"""When each may be taken up next, by whichever server is first."""

PRESENT = text("deleted IS NULL AND NOT pinned")
"""Results that may be removed."""
DELETED = text("deleted IS NOT NULL")
"""Results that were."""
