"""All MCP servers of the configuration, as one set of tools."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from typing import Self

from tools._framework.dynamic import DynamicTool
from tools._mcp.config import McpConfig
from tools._mcp.names import could_begin, prefix_in
from tools._mcp.server import Server, Timing
from tools._mcp.status import ServerStatus

_LEAST_SECRET_CHARS = 8


class McpServers:
    """Keeps servers connected while its `async with` block lasts, in the background: it waits for none.

    Args:
        config: the servers.
        trusted: the names of those whose word is taken for which of their tools only read. Calls of all others
            need approval.
        timing: how long a server may take.
    """

    def __init__(
        self, config: McpConfig, trusted: frozenset[str] = frozenset(), *, timing: Timing | None = None
    ) -> None:
        self._disabled = config.disabled
        self.secrets = tuple(
            secret for server in config.servers for secret in server.secrets if not _is_a_word(secret)
        )
        """What no person may be shown."""
        self._timing = timing or Timing()
        self._changed = asyncio.Event()
        self._servers = [
            Server(server, is_trusted=server.name in trusted, timing=self._timing, on_change=self._announce)
            for server in config.servers
        ]
        self._tasks: list[asyncio.Task[None]] = []

    async def __aenter__(self) -> Self:
        self._tasks = [asyncio.create_task(server.run()) for server in self._servers]
        return self

    async def __aexit__(self, *_: object) -> None:
        for server in self._servers:
            server.stop()
        await _all_ended(self._tasks)

    def tools(self) -> Sequence[DynamicTool]:
        """The tools of the servers that are up right now."""
        return [tool for server in self._servers for tool in server.tools]

    async def arrival(self, name: str, *, is_worth_waiting: bool) -> str | None:
        """Wait for a tool's server, as `Toolset` says: if it was never there yet, or if it is worth waiting."""
        server = next((server for server in self._servers if server.prefix == prefix_in(name)), None)
        if server is None:
            return None
        waits_for = ("connecting", "down") if is_worth_waiting else ("connecting",)
        with suppress(TimeoutError):
            async with asyncio.timeout(self._timing.arrival_s):
                while server.status.state in waits_for:
                    await self.changed()
        if server.status.state == "up":
            return None
        return f"The MCP server {server.status.server} is away, so nothing was done."

    def status(self) -> list[ServerStatus]:
        """How each server of the configuration is, in its order; the disabled ones come last."""
        return [
            *(server.status for server in self._servers),
            *(ServerStatus(name, "disabled") for name in self._disabled),
        ]

    def may_bring(self, pattern: str) -> bool:
        """Whether a policy's pattern may be about tools of a server that is not up right now."""
        return any(
            server.status.state != "up" and could_begin(server.prefix, pattern) for server in self._servers
        )

    async def changed(self) -> None:
        """Wait until a server has come or gone, or has changed its tools."""
        await self._changed.wait()

    async def settled(self, timeout_s: float) -> None:
        """Wait until each server was reached or failed once, for at most `timeout_s` seconds."""
        with suppress(TimeoutError):
            async with asyncio.timeout(timeout_s):
                while any(server.status.state == "connecting" for server in self._servers):
                    await self.changed()

    def _announce(self) -> None:
        self._changed.set()
        self._changed = asyncio.Event()


def _is_a_word(secret: str) -> bool:
    """Whether people may well say it. A password like `postgres` must not make the word vanish."""
    return len(secret) < _LEAST_SECRET_CHARS or secret.isalpha()


async def _all_ended(tasks: Sequence[asyncio.Task[None]]) -> None:
    """Wait for `tasks`, also while being cancelled: they end child processes, which must not be left over."""
    cancelled: asyncio.CancelledError | None = None
    while unfinished := [task for task in tasks if not task.done()]:
        try:
            await asyncio.wait(unfinished)
        except asyncio.CancelledError as error:
            cancelled = error
    for task in tasks:
        task.result()
    if cancelled is not None:
        raise cancelled
