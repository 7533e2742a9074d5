"""The gateway's logs and the versions of the files they belong to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0001"
down_revision = None

_INDEXED = ("file_id", "trace_parent_id", "trace_id", "evaluates", "created_at")


def upgrade() -> None:
    """Make the tables, where a Threadloop from before there were revisions has not made them."""
    op.create_table(
        "gateway_logs",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("file_id", sa.String(64), nullable=False),
        sa.Column("version_id", sa.String(64), nullable=False),
        sa.Column("trace_parent_id", sa.String(64)),
        sa.Column("trace_id", sa.String(64)),
        sa.Column("evaluates", sa.String(64)),
        sa.Column("status", sa.String(16)),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("body", sa.JSON, nullable=False),
        if_not_exists=True,
    )
    for column in _INDEXED:
        op.create_index(f"ix_gateway_logs_{column}", "gateway_logs", [column], if_not_exists=True)
    op.create_table(
        "gateway_versions",
        sa.Column("id", sa.String(64), primary_key=True),
        sa.Column("file_id", sa.String(64), primary_key=True),
        sa.Column("file_type", sa.String(16), nullable=False),
        sa.Column("path", sa.String(1024), nullable=False),
        sa.Column("content", sa.JSON, nullable=False),
        if_not_exists=True,
    )
