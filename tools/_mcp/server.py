"""One server over time: connected, listed anew when something changed, and connected again when it was lost."""

from __future__ import annotations

import asyncio
import importlib
import logging
import math
import random
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType
from typing import TYPE_CHECKING

import anyio

from tools._framework.dynamic import DynamicTool
from tools._framework.limits import cut
from tools._framework.secret_shapes import without_credentials
from tools._mcp.complaints import Complaints
from tools._mcp.config import ServerConfig
from tools._mcp.faults import in_words
from tools._mcp.status import ServerStatus, State

if TYPE_CHECKING:
    from tools._mcp.connection import Connection

_log = logging.getLogger(__name__)

_FIRST_PAUSE_S = 0.5
_LONGEST_PAUSE_S = 60.0
_DOUBLED_AT_MOST = 10
_BREATH_S = 0.2
_STEADY_S = 60.0
_GOODBYE_S = 2.0
_MOST_DETAIL_CHARS = 400


@dataclass(frozen=True, slots=True, kw_only=True)
class Timing:
    """How long a server may take, in seconds."""

    connect_s: float = 30.0
    """For the handshake and for a list of its tools."""
    call_s: float = 60.0
    """For one call, beside the time in which a person is asked, unless the server's entry says otherwise."""
    check_s: float = 60.0
    """Between looks at whether an idle server is still there."""
    arrival_s: float = 15.0
    """For a call that waits for its server."""


class Server:
    """Keeps one server connected, in the task that awaits `run`.

    Args:
        config: the server.
        is_trusted: whether its word is taken for what is read-only.
        timing: its limits.
        on_change: called when its state or its tools have changed.
    """

    def __init__(
        self, config: ServerConfig, *, is_trusted: bool, timing: Timing, on_change: Callable[[], None]
    ) -> None:
        self.tools: tuple[DynamicTool, ...] = ()
        self.status = ServerStatus(config.name, "connecting", "no answer yet")
        self.prefix = config.prefix
        self._config = config
        self._is_trusted = is_trusted
        self._timing = timing
        self._on_change = on_change
        self._complaints = Complaints(config.name, config.given)
        self._doubt = asyncio.Event()
        self._stopping = asyncio.Event()
        self._scope = anyio.CancelScope()

    async def run(self) -> None:
        """Stay connected until `stop`."""
        failures = 0
        # The SDK shields the end of a child process from such a scope, but not from a task's own cancellation.
        with self._scope:
            while not self._stopping.is_set():
                began = anyio.current_time()
                problem = await self._one_connection()
                failures = 1 if anyio.current_time() - began > _STEADY_S else failures + 1
                await self._pause(failures, problem)
        self._become((), "down", "stopped")

    def stop(self) -> None:
        """Let `run` end: at once where it waits, and soon where a server is slow to say goodbye."""
        self._scope.deadline = anyio.current_time() + _GOODBYE_S
        self._stopping.set()
        self._doubt.set()

    async def _one_connection(self) -> str:
        """Connect, and stay as long as it lasts; return why it ended."""
        self._complaints.forget()
        limit = anyio.CancelScope(deadline=anyio.current_time() + self._timing.connect_s)
        try:
            connections = await asyncio.to_thread(_connections)
            with limit:
                async with connections.connected(
                    self._config,
                    self._complaints,
                    self._doubt.set,
                    is_trusted=self._is_trusted,
                    call_timeout_s=self._config.transport.timeout or self._timing.call_s,
                ) as connection:
                    await self._list(connection)
                    limit.deadline = math.inf
                    await self._stay(connection)
        except Exception as error:
            # Whatever a server or its transport does, the others must not notice.
            _log.debug("MCP server %s", self._config.name, exc_info=True)
            return in_words(error, self._complaints.last)
        if limit.cancelled_caught:
            return in_words(
                TimeoutError(f"no answer within {self._timing.connect_s:g} s"), self._complaints.last
            )
        return "the connection ended"

    async def _stay(self, connection: Connection) -> None:
        while not self._stopping.is_set():
            with anyio.move_on_after(self._timing.check_s):
                await self._doubt.wait()
            if not self._stopping.is_set():
                with anyio.fail_after(self._timing.connect_s):
                    await self._list(connection)
                # A server may announce a change each time it is asked for its list.
                await self._rest(_BREATH_S)

    async def _rest(self, seconds: float) -> None:
        with anyio.move_on_after(seconds):
            await self._stopping.wait()

    async def _list(self, connection: Connection) -> None:
        # Cleared first: what changes during the look is looked at again.
        self._doubt.clear()
        tools = await connection.tools()
        self._become(tools, "up", f"{len(tools)} tool{'' if len(tools) == 1 else 's'}")

    async def _pause(self, failures: int, problem: str) -> None:
        if self._stopping.is_set():
            return
        seconds = longest_pause_s(failures) * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing
        reason = cut(without_credentials(problem, self._config.given), _MOST_DETAIL_CHARS)
        _log.warning("MCP server %s is away: %s", self._config.name, reason)
        self._become((), "down", f"{reason}; next try in {math.ceil(seconds)} s")
        await self._rest(seconds)

    def _become(self, tools: tuple[DynamicTool, ...], state: State, detail: str) -> None:
        if state == "up" and self.status.state != "up":
            _log.info("MCP server %s is up: %s", self._config.name, detail)
        self.tools, self.status = tools, ServerStatus(self._config.name, state, detail)
        self._on_change()


def longest_pause_s(failures: int) -> float:
    """The most seconds to wait after so many failures in a row: doubled with each, up to a minute."""
    # Bounded before it is a power: a server that is away for a night fails more often than a float can say.
    return min(_FIRST_PAUSE_S * 2.0 ** min(failures - 1, _DOUBLED_AT_MOST), _LONGEST_PAUSE_S)


def _connections() -> ModuleType:
    # Importing `mcp` takes over half a second: only where there are servers, and off the event loop.
    return importlib.import_module("tools._mcp.connection")
