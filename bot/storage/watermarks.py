"""Up to when the bot has seen every question, by conversation. Kept across restarts."""

from __future__ import annotations

import sqlalchemy as sa

from bot.storage.database import in_transaction, metadata, upsert

_watermarks = sa.Table(
    "watermarks",
    metadata,
    sa.Column("conversation", sa.String(64), primary_key=True),
    sa.Column("seen_until", sa.Float, nullable=False),
)


class Watermarks:
    """The marks in the database. Times are seconds since the epoch, as Slack's timestamps are."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def all(self) -> dict[str, float]:
        """Every mark, by conversation."""
        return await in_transaction(self._engine, _all)

    async def raise_to(self, seen_until: float, *conversations: str) -> None:
        """Move these conversations' marks up to a time. A mark never moves back."""
        if conversations:
            await in_transaction(
                self._engine, lambda connection: _raise_to(connection, seen_until, conversations)
            )


def _all(connection: sa.Connection) -> dict[str, float]:
    return {row.conversation: row.seen_until for row in connection.execute(sa.select(_watermarks))}


def _raise_to(connection: sa.Connection, seen_until: float, conversations: tuple[str, ...]) -> None:
    # Replicas may do this at the same time, so it is one statement.
    rows = [{"conversation": name, "seen_until": seen_until} for name in conversations]
    statement = upsert(connection, _watermarks).values(rows)
    raised = statement.on_conflict_do_update(
        index_elements=["conversation"],
        set_={"seen_until": statement.excluded.seen_until},
        where=_watermarks.c.seen_until < statement.excluded.seen_until,
    )
    connection.execute(raised)
