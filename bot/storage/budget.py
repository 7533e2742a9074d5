"""How often tools were called each day, counted for all replicas together."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa

from bot.storage.database import in_transaction, metadata, upsert

_calls = sa.Table(
    "tool_calls_per_day",
    metadata,
    sa.Column("name", sa.String(255), primary_key=True),
    sa.Column("day", sa.Date, primary_key=True),
    sa.Column("calls", sa.Integer, nullable=False),
)


class SharedBudget:
    """The counts in the database."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def spend(self, limits: Mapping[str, int], day: date) -> str | None:
        """Count a call under each of the names; if one is used up, count it nowhere and name that one."""
        try:
            await in_transaction(self._engine, lambda connection: _spend(connection, limits, day))
        except _UsedUp as used_up:
            return used_up.name
        return None


class _UsedUp(Exception):
    """Takes back what was counted under other names."""

    def __init__(self, name: str) -> None:
        super().__init__(name)
        self.name = name


def _spend(connection: sa.Connection, limits: Mapping[str, int], day: date) -> None:
    # In one order everywhere: two replicas that lock two rows crosswise would wait for each other.
    for name, most in sorted(limits.items()):
        if not _count(connection, name, most, day):
            raise _UsedUp(name)
    connection.execute(sa.delete(_calls).where(_calls.c.day < day))


def _count(connection: sa.Connection, name: str, most: int, day: date) -> bool:
    if most <= 0:
        return False
    counted = (
        upsert(connection, _calls)
        .values(name=name, day=day, calls=1)
        .on_conflict_do_update(
            index_elements=["name", "day"], set_={"calls": _calls.c.calls + 1}, where=_calls.c.calls < most
        )
        # PostgreSQL's driver does not tell how many rows an insertion has changed.
        .returning(_calls.c.calls)
    )
    return connection.execute(counted).first() is not None
