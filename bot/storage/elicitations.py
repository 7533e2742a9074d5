"""What tools ask people while they run, and the answers: in the database, since any replica may hear them."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import sqlalchemy as sa

from bot.storage.database import in_transaction, metadata, upsert

Action: TypeAlias = Literal["accept", "decline", "cancel"]
Value = TypeVar("Value")

_REMEMBER_S = 24 * 3600.0

_elicitations = sa.Table(
    "elicitations",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("asker", sa.String(32), nullable=False),
    sa.Column("message", sa.Text, nullable=False),
    sa.Column("form", sa.JSON, nullable=False),
    sa.Column("action", sa.String(16)),
    sa.Column("content", sa.JSON, nullable=False),
    sa.Column("asked_at", sa.Float, nullable=False, index=True),
)


@dataclass(frozen=True, slots=True)
class Asked:
    """One thing that a tool asks."""

    id: str
    asker: str
    """The user id of who may answer."""
    message: str
    form: Mapping[str, Any]
    """JSON Schema of the form; empty where a yes or no is enough."""
    action: Action | None
    """What was answered, once it was."""
    content: Mapping[str, Any]
    """The form's values."""


class Elicitations:
    """The questions in the database.

    Args:
        look_every_s: how often to look for an answer that another process has taken, in seconds.
    """

    def __init__(self, engine: sa.Engine, *, look_every_s: float = 1.0) -> None:
        self._engine = engine
        self._look_every_s = look_every_s
        self._heard: dict[str, asyncio.Event] = {}

    async def ask(self, asked: Asked, asked_at: float) -> bool:
        """Note that a tool waits for an answer; whether it is for the first time."""
        row = {
            "id": asked.id,
            "asker": asked.asker,
            "message": asked.message,
            "form": dict(asked.form),
            "content": {},
            "asked_at": asked_at,
        }

        def insert(connection: sa.Connection) -> bool:
            # Of those whose tools never came back.
            old = _elicitations.c.asked_at < asked_at - _REMEMBER_S
            connection.execute(sa.delete(_elicitations).where(old))
            new = upsert(connection, _elicitations).values(row).on_conflict_do_nothing()
            # PostgreSQL's driver does not tell how many rows an insertion has made.
            return connection.execute(new.returning(_elicitations.c.id)).first() is not None

        return await self._do(insert)

    async def find(self, asked_id: str) -> Asked | None:
        """One of them; `None` once nobody waits any more."""
        query = sa.select(_elicitations).where(_elicitations.c.id == asked_id)
        row = await self._do(lambda connection: connection.execute(query).first())
        if row is None:
            return None
        return Asked(row.id, row.asker, row.message, row.form, row.action, row.content)

    async def answer(self, asked_id: str, action: Action, content: Mapping[str, Any]) -> bool:
        """Answer; whether this was the answer that counts."""
        change = (
            sa.update(_elicitations)
            .where(_elicitations.c.id == asked_id, _elicitations.c.action.is_(None))
            .values(action=action, content=dict(content))
        )
        counts = await self._do(lambda connection: connection.execute(change).rowcount == 1)
        if counts and (heard := self._heard.get(asked_id)):
            heard.set()
        return counts

    async def answered(self, asked_id: str) -> Asked:
        """Wait until it is answered: what is answered in this process is heard at once."""
        heard = self._heard[asked_id] = asyncio.Event()
        try:
            while True:
                heard.clear()
                asked = await self.find(asked_id)
                if asked is not None and asked.action is not None:
                    return asked
                with suppress(TimeoutError):
                    async with asyncio.timeout(self._look_every_s):
                        await heard.wait()
        finally:
            del self._heard[asked_id]

    async def forget(self, asked_id: str) -> None:
        """Nobody waits for the answer any more."""
        gone = sa.delete(_elicitations).where(_elicitations.c.id == asked_id)
        await self._do(lambda connection: connection.execute(gone))

    async def _do(self, work: Callable[[sa.Connection], Value]) -> Value:
        return await in_transaction(self._engine, work)
