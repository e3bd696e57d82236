"""Nodes have devices: what stands there, as their agent describes it."""

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("nodes", sa.Column("device", sa.JSON(), nullable=True))
