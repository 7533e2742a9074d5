"""MCP servers for tests: a configuration of them, and ways to wait for and to call their tools.

async with running(tmp_path, {"pens": scripted(tools=[["fail"]])}) as servers:
    outcome = await call(servers, "pens__fail")
"""

from __future__ import annotations

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Unpack

from support.mcp_scripted import Behaviour
from support.patience import PATIENCE_S
from support.tool_context import tool_context

from tools import DynamicTool, Outcome, Registry
from tools._mcp import McpConfig, McpServers, Timing

_SCRIPT = Path(__file__).with_name("mcp_scripted.py")


def scripted(**behaviour: Unpack[Behaviour]) -> dict[str, Any]:
    """The entry of a server that behaves like this."""
    # Isolated, it starts in a third of the time.
    return {"command": sys.executable, "args": ["-I", str(_SCRIPT), json.dumps(behaviour)]}


class Door:
    """Keeps a server from its work until it is opened: `scripted(waits_for=str(door.path))`."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "door"
        os.mkfifo(self.path)

    async def open(self) -> None:
        """Let in one server, which may still be on its way."""
        await asyncio.to_thread(self.path.write_text, "")


def configured(
    folder: Path, entries: Mapping[str, object], environment: Mapping[str, str] | None = None
) -> McpConfig:
    """The configuration with these servers."""
    path = folder / "mcp.json"
    path.write_text(json.dumps({"mcpServers": entries}))
    return McpConfig.load(path, environment or {})


@asynccontextmanager
async def starting(
    folder: Path,
    entries: Mapping[str, object],
    *,
    trusted: frozenset[str] = frozenset(),
    timing: Timing | None = None,
    environment: Mapping[str, str] | None = None,
) -> AsyncIterator[McpServers]:
    """Servers that may not be there yet."""
    config = configured(folder, entries, environment)
    async with McpServers(config, trusted, timing=timing) as servers:
        yield servers


@asynccontextmanager
async def running(folder: Path, entries: Mapping[str, object], **options: Any) -> AsyncIterator[McpServers]:
    """Servers that have settled: each is up, or has failed once."""
    async with starting(folder, entries, **options) as servers:
        await servers.settled(PATIENCE_S)
        yield servers


async def until(servers: McpServers, condition: Callable[[], object]) -> None:
    """Wait for a change that makes `condition` true."""
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await servers.changed()


def names(servers: McpServers) -> list[str]:
    """The names of the tools that are offered now."""
    return [tool.name for tool in servers.tools()]


def tool(servers: McpServers, name: str) -> DynamicTool:
    """The tool of that name."""
    return next(tool for tool in servers.tools() if tool.name == name)


def state(servers: McpServers, server: str) -> str:
    """How a server is."""
    return next(status.state for status in servers.status() if status.server == server)


def detail(servers: McpServers, server: str) -> str:
    """What there is to say about a server."""
    return next(status.detail for status in servers.status() if status.server == server)


async def call(
    servers: McpServers, name: str, arguments: Mapping[str, object] | None = None, **context: Any
) -> Outcome:
    """Call a tool as the bot does, approved. `context` is for `tool_context`."""
    registry = Registry([], toolsets=[servers])
    async with tool_context(**context) as surroundings:
        return await registry.call(name, json.dumps(arguments or {}), surroundings, approved=True)
