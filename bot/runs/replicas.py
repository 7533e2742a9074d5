"""Replicas of the bot on one PostgreSQL database: who is alive, and whose runs are orphaned.

Each replica holds an advisory lock for as long as its session lasts. The database itself releases it when the
process dies or its host vanishes, so a lock that can be had belongs to a replica that is gone.
"""

from __future__ import annotations

import asyncio
import contextlib
import hashlib
import logging
from collections.abc import Awaitable, Callable, Collection
from uuid import uuid4

import sqlalchemy as sa

from bot.storage.database import metadata

_log = logging.getLogger(__name__)

# A database that restarts ends every session, and who comes back first would take the others for dead. So dead
# is whose lock is free at three looks in a row: twice the time a living replica needs to notice and lock again.
_LOOK_S = 2.0
_LOOKS = 3

# A host that vanishes closes no connection. The server then asks three times, a second apart, and gives it up;
# left to itself it would begin to ask after two hours.
_KEEPALIVES = ("tcp_keepalives_idle=3", "tcp_keepalives_interval=1", "tcp_keepalives_count=3")

_replicas = sa.Table(
    "replicas",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("started_at", sa.DateTime(timezone=True), nullable=False, server_default=sa.func.now()),
)


class Replicas:
    """This replica, `id`, among the others. When it has left, another one adopts its open runs.

    Args:
        engine: of PostgreSQL, not through a pooler that shares sessions.
        adopt: takes over the open runs of the replica with this id, which is dead.
    """

    def __init__(self, engine: sa.Engine, adopt: Callable[[str], Awaitable[object]]) -> None:
        self.id = uuid4().hex
        self._engine = engine
        self._adopt = adopt
        self._session: _Session | None = None
        self._looks: dict[str, int] = {}
        self._watching: asyncio.Task[None] | None = None
        self._stopping = asyncio.Event()

    async def announce(self) -> _Session:
        """Be alive to the others. To be called before the first run starts.

        Raises:
            sqlalchemy.exc.DBAPIError: the database is away.
        """
        self._session = await asyncio.to_thread(_Session, self._engine, self.id)
        return self._session

    def watch(self) -> None:
        """Begin to look for dead replicas, as soon as this one can run their runs."""
        self._watching = asyncio.create_task(self._watch_forever(), name="replica-watch")

    async def unwatch(self) -> None:
        """Adopt no more: this replica is about to stop."""
        self._stopping.set()
        if self._watching is not None:
            # Not cancelled: a thread in the middle of a look would go on with the session that is closed next.
            await asyncio.wait({self._watching})

    async def leave(self) -> None:
        """Be dead to the others. To be called when no run runs here any more."""
        session, self._session, self._looks = self._session, None, {}
        if session is not None:
            await asyncio.to_thread(session.close)

    async def _watch_forever(self) -> None:
        while not self._stopping.is_set():
            try:
                await self._look()
            except Exception as error:  # whatever the database says, the watch goes on
                _log.warning("Looking for dead replicas failed and is tried again: %s", error)
                await self._reconnect()
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), _LOOK_S)

    async def _reconnect(self) -> None:
        await self.leave()
        with contextlib.suppress(sa.exc.DBAPIError):  # the next look tries again, and reports it
            await self.announce()

    async def _look(self) -> None:
        session = self._session or await self.announce()
        free = await asyncio.to_thread(session.lock_dead)
        looks = {replica: self._looks.get(replica, 0) + 1 for replica in free}
        dead = [replica for replica, times in looks.items() if times >= _LOOKS]
        for replica in dead:
            await self._adopt(replica)
            _log.warning("Replica %s is gone. Others go on with its open runs.", replica)
        await asyncio.to_thread(session.unlock, free, forget=dead)
        self._looks = {replica: times for replica, times in looks.items() if replica not in dead}


class _Session:
    """A database session that holds the lock of the replica `me`. Synchronous; for one thread at a time."""

    def __init__(self, engine: sa.Engine, me: str) -> None:
        self._me = me
        self._connection = engine.connect().execution_options(isolation_level="AUTOCOMMIT")
        try:
            self._announce()
        except BaseException:
            self.close()
            raise

    def _announce(self) -> None:
        for keepalive in _KEEPALIVES:
            self._connection.exec_driver_sql(f"SET {keepalive}")
        # The lock first: a replica that is listed without it counts as dead.
        self._connection.execute(sa.select(sa.func.pg_advisory_lock(_key(self._me))))
        if not self._connection.scalar(sa.select(_replicas.c.id).where(_replicas.c.id == self._me)):
            self._connection.execute(_replicas.insert().values(id=self._me))

    def lock_dead(self) -> frozenset[str]:
        """Lock every other replica whose lock is free, and return them."""
        others = self._connection.scalars(sa.select(_replicas.c.id).where(_replicas.c.id != self._me)).all()
        return frozenset(
            other
            for other in others
            if self._connection.scalar(sa.select(sa.func.pg_try_advisory_lock(_key(other))))
        )

    def unlock(self, replicas: Collection[str], *, forget: Collection[str]) -> None:
        """Release the locks of these replicas, and strike those whose runs are in other hands off the list."""
        if forget:
            self._connection.execute(_replicas.delete().where(_replicas.c.id.in_(forget)))
        for replica in replicas:
            self._connection.execute(sa.select(sa.func.pg_advisory_unlock(_key(replica))))

    def close(self) -> None:
        """End the session and its locks. Given back to the pool, the connection would keep them."""
        self._connection.invalidate()
        self._connection.close()


def _key(replica: str) -> int:
    digest = hashlib.sha256(f"threadloop replica {replica}".encode()).digest()
    return int.from_bytes(digest[:8], "big", signed=True)
