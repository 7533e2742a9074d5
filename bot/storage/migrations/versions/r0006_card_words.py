"""What a card says would be done."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006"
down_revision = "0005"


def upgrade() -> None:
    """Add the column."""
    op.add_column("approvals", sa.Column("words", sa.Text, nullable=False, server_default=""))
