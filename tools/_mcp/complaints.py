"""What a server says when something is wrong: its error output, and the status of its HTTP answers."""

from __future__ import annotations

import asyncio
import logging
import os
from collections.abc import AsyncIterator, Callable, Iterable
from contextlib import asynccontextmanager, suppress
from typing import TextIO

from tools._framework.limits import cut
from tools._framework.secret_shapes import without_credentials

_log = logging.getLogger(__name__)

_MOST_LINE_CHARS = 500
_MOST_PENDING_BYTES = 100_000
_LINES_A_MINUTE = 60
_LAST_WORDS_S = 0.5


class Complaints:
    """One server's complaints: logged without secrets, and the last one kept to explain why it is away.

    Args:
        server: its name, for the log.
        secrets: what must not be logged.
    """

    def __init__(self, server: str, secrets: Iterable[str]) -> None:
        self._server = server
        self._secrets = secrets
        self.last = ""
        self._minute_ends = 0.0
        self._lines_left = 0

    def forget(self) -> None:
        """Begin anew: what an earlier connection said explains nothing any more."""
        self.last = ""

    def add(self, line: str) -> None:
        """Take note of a line. Beyond 60 a minute they are kept out of the log."""
        text = cut(without_credentials(line.strip(), self._secrets), _MOST_LINE_CHARS)
        if not text:
            return
        self.last = text
        now = asyncio.get_running_loop().time()
        if now >= self._minute_ends:
            self._minute_ends, self._lines_left = now + 60, _LINES_A_MINUTE
        self._lines_left -= 1
        if self._lines_left > 0:
            _log.info("MCP server %s: %s", self._server, text)
        elif self._lines_left == 0:
            _log.info("MCP server %s: %s (the rest of this minute is left out)", self._server, text)

    @asynccontextmanager
    async def listening(self, on_end: Callable[[], None]) -> AsyncIterator[TextIO]:
        """A pipe for a child's error output: close it once the child has it.

        `on_end` is called when no process holds the pipe any more, which is how the death of an idle server
        is noticed.
        """
        reading, writing = os.pipe()
        lines = _Lines(self.add, on_end)
        loop = asyncio.get_running_loop()
        with os.fdopen(writing, "w") as output:
            transport, _ = await loop.connect_read_pipe(lambda: lines, os.fdopen(reading, "rb", 0))
            try:
                yield output
            finally:
                output.close()
                # A grandchild that outlives its parent may hold the pipe: its words are not waited for.
                with suppress(TimeoutError):
                    async with asyncio.timeout(_LAST_WORDS_S):
                        await lines.ended.wait()
                transport.close()


class _Lines(asyncio.Protocol):
    """Cuts a stream into lines. What never becomes one is dropped."""

    def __init__(self, add: Callable[[str], None], on_end: Callable[[], None]) -> None:
        self._add = add
        self._on_end = on_end
        self._rest = b""
        self.ended = asyncio.Event()

    def data_received(self, data: bytes) -> None:
        *lines, rest = (self._rest + data).split(b"\n")
        self._rest = rest if len(rest) <= _MOST_PENDING_BYTES else b""
        for line in lines:
            self._add(line.decode(errors="replace"))

    def connection_lost(self, error: Exception | None) -> None:
        self._add(self._rest.decode(errors="replace"))
        self.ended.set()
        self._on_end()
