"""Up to when the bot has seen every question, by conversation."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003"
down_revision = "0002"


def upgrade() -> None:
    """Make the table."""
    op.create_table(
        "watermarks",
        sa.Column("conversation", sa.String(64), primary_key=True),
        sa.Column("seen_until", sa.Float, nullable=False),
    )
