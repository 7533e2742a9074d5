"""What people decide: about tool calls that wait for approval, and about what a running tool asks them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004"
down_revision = "0003"


def upgrade() -> None:
    """Make the tables."""
    op.create_table(
        "approvals",
        sa.Column("run_id", sa.String(160), primary_key=True),
        sa.Column("call_id", sa.String(128), primary_key=True),
        sa.Column("tool", sa.String(64), nullable=False),
        sa.Column("arguments", sa.Text, nullable=False),
        sa.Column("digest", sa.String(64), nullable=False),
        sa.Column("state", sa.String(16), nullable=False, index=True),
        sa.Column("decided_by", sa.String(32)),
        sa.Column("reason", sa.Text),
        sa.Column("card_ts", sa.String(32)),
        sa.Column("expires_at", sa.Float, nullable=False, index=True),
        sa.Column("settled", sa.Boolean, nullable=False, index=True),
    )
    op.create_table(
        "elicitations",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("asker", sa.String(32), nullable=False),
        sa.Column("message", sa.Text, nullable=False),
        sa.Column("form", sa.JSON, nullable=False),
        sa.Column("action", sa.String(16)),
        sa.Column("content", sa.JSON, nullable=False),
        sa.Column("asked_at", sa.Float, nullable=False, index=True),
    )
