"""Logs in the database, written behind the requests' backs.

A request hands its log over and goes on. One task writes all that waits in one transaction, in a
thread. A log that can't be written is counted and reported, and costs nobody an answer.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
from collections import OrderedDict
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any, Self, TypeVar

import sqlalchemy as sa

from bot.gateway.logs import File, Log
from bot.gateway.tables import StoredLog, insert_log, select_log, select_page, update_log

_logger = logging.getLogger(__name__)

_WAITING_MAX = 2_000
_RECENT_MAX = 10_000
_FILES_MAX = 100

# A question leaves half a dozen logs within a moment. Waiting for them costs nobody anything and
# makes one commit of six, on a disk that the run engine commits to as well.
_GATHER_S = 0.25

_Write = Callable[[sa.Connection], None]
_T = TypeVar("_T")


class LogStore:
    """The logs of one gateway. `async with` starts the writer; leaving it writes what still waits."""

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine
        self._waiting: asyncio.Queue[_Write] = asyncio.Queue(_WAITING_MAX)
        self._recent: OrderedDict[str, Log] = OrderedDict()
        self._files: OrderedDict[str, File] = OrderedDict()
        self._hurry = asyncio.Event()
        self._writer: asyncio.Task[None] | None = None
        self.lost = 0
        """How many writes were given up since the start."""

    async def __aenter__(self) -> Self:
        self._writer = asyncio.create_task(self._write_forever(), name="gateway-log-writer")
        return self

    async def __aexit__(self, *_: object) -> None:
        if self._writer is not None:
            await self.flush()
            self._writer.cancel()
            await asyncio.wait({self._writer})
            self._writer = None

    async def flush(self) -> None:
        """Wait until everything handed over so far is written, or given up."""
        if self._writer is None:
            return
        self._hurry.set()
        await self._waiting.join()
        self._hurry.clear()

    def add(self, log: Log) -> Log:
        """Hand over a log to be written; gives it back with its trace filled in."""
        placed = replace(log, trace_id=self._trace_of(log), file=self._shared(log.file))
        self._remember(placed)
        self._hand_over(lambda connection: insert_log(connection, placed))
        return placed

    def update(self, log: Log, changes: dict[str, Any]) -> Log:
        """Hand over changes of a log's body; `log_status` among them becomes its status."""
        changed = replace(log, status=changes.get("log_status") or log.status)
        self._remember(changed)
        self._hand_over(lambda connection: update_log(connection, log.id, changes))
        return changed

    async def find(self, log_id: str) -> Log | None:
        """The log with this id. One of the recent ones comes from memory, without its body."""
        if recent := self._recent.get(log_id):
            return recent
        stored = await self.read(log_id)
        return stored.log if stored else None

    async def read(self, log_id: str) -> StoredLog | None:
        """The log with this id as it is stored, with all that hangs on it."""
        return await self._read(lambda connection: select_log(connection, log_id))

    async def page(self, file_id: str, page: int, size: int) -> tuple[list[Log], int]:
        """One page (from 1) of a file's logs, newest first, and how many there are in all."""
        return await self._read(lambda connection: select_page(connection, file_id, page, size))

    async def _read(self, work: Callable[[sa.Connection], _T]) -> _T:
        await self.flush()
        return await asyncio.to_thread(self._in_transaction, work)

    def _trace_of(self, log: Log) -> str | None:
        if log.trace_parent_id is None:
            return log.id if log.file.type == "flow" else None
        parent = self._recent.get(log.trace_parent_id)
        # A parent that is not remembered is a flow that a restart has interrupted: its own trace.
        return (parent and parent.trace_id) or log.trace_parent_id

    def _shared(self, file: File) -> File:
        """The file as it is known already: each log comes with its prompt's twenty tools."""
        known = self._files.setdefault(file.version_id, file)
        self._files.move_to_end(file.version_id)
        if len(self._files) > _FILES_MAX:
            self._files.popitem(last=False)
        return known if known.id == file.id else file

    def _remember(self, log: Log) -> None:
        # The body is for the database; later requests only need to know where the log belongs.
        self._recent[log.id] = replace(log, body={})
        self._recent.move_to_end(log.id)
        if len(self._recent) > _RECENT_MAX:
            self._recent.popitem(last=False)

    def _hand_over(self, write: _Write) -> None:
        try:
            self._waiting.put_nowait(write)
        except asyncio.QueueFull:
            self._give_up(1, "the database is too slow")

    def _give_up(self, count: int, reason: object) -> None:
        self.lost += count
        _logger.warning("%d gateway log(s) not written (%d since the start): %s", count, self.lost, reason)

    async def _write_forever(self) -> None:
        while True:
            batch = [await self._waiting.get()]
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._hurry.wait(), _GATHER_S)
            while not self._waiting.empty():
                batch.append(self._waiting.get_nowait())
            await self._write(batch)
            for _ in batch:
                self._waiting.task_done()

    async def _write(self, batch: Sequence[_Write]) -> None:
        def write_all(connection: sa.Connection) -> None:
            for write in batch:
                write(connection)

        try:
            await asyncio.to_thread(self._in_transaction, write_all)
        except sa.exc.IntegrityError as error:
            if len(batch) == 1:
                self._give_up(1, error.orig)
                return
            # One bad log, such as an id used twice, must not take its neighbours with it.
            for write in batch:
                await self._write([write])
        except Exception as error:  # whatever the database says, the answers go on
            self._give_up(len(batch), error)

    def _in_transaction(self, work: Callable[[sa.Connection], _T]) -> _T:
        with self._engine.begin() as connection:
            return work(connection)
