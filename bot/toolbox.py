"""The tools that the settings ask for, under the policy that they name."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager

from bot.errors import ToolsUnusable
from bot.settings import Settings, environment
from tools import (
    BadPolicy,
    BadTool,
    Budget,
    McpConfig,
    McpServers,
    MemoryBudget,
    Policy,
    Registry,
    read_policy,
    rules_for_nothing,
)

CONNECT_WITHIN_S = 10.0
"""How long a command waits for MCP servers."""

_log = logging.getLogger(__name__)


@asynccontextmanager
async def open_mcp(settings: Settings, policy: Policy) -> AsyncIterator[McpServers | None]:
    """The MCP servers of MCP_CONFIG, while the block lasts; they connect in the background.

    Raises:
        ToolsUnusable: the file is wrong.
    """
    if settings.mcp_config is None:
        yield None
        return
    try:
        config = McpConfig.load(settings.mcp_config, environment())
    except BadTool as error:
        raise ToolsUnusable(str(error)) from error
    async with McpServers(config, frozenset(policy.mcp.trusted)) as servers:
        yield servers


def open_toolbox(
    settings: Settings,
    policy: Policy,
    servers: McpServers | None = None,
    budget: Budget | None = None,
) -> Registry:
    """Every tool: the bundled ones, those of installed packages and of TOOLS_DIR, and those of MCP servers.

    The policy's rules that fit none of them are logged.

    Raises:
        ToolsUnusable: a tool is written wrongly.
    """
    try:
        registry = Registry.discover(
            installed=True,
            folder=settings.tools_dir,
            timeout_s=settings.tool_timeout_s,
            max_result_chars=settings.max_tool_result_chars,
            toolsets=[servers] if servers else [],
            policy=policy,
            budget=budget or MemoryBudget(),
            config={**environment(), **settings.tool_config()},
        )
    except BadTool as error:
        raise ToolsUnusable(str(error)) from error
    for warning in idle_rules(settings, policy, registry, servers):
        _log.warning("%s", warning)
    return registry


def open_policy(settings: Settings) -> Policy:
    """The policy of POLICY_FILE; without one, each tool's own options hold.

    Raises:
        ToolsUnusable: the file is wrong.
    """
    if settings.policy_file is None:
        return Policy()
    try:
        return read_policy(settings.policy_file)
    except BadPolicy as error:
        raise ToolsUnusable(str(error)) from error


def idle_rules(
    settings: Settings, policy: Policy, registry: Registry, servers: McpServers | None
) -> Iterator[str]:
    """A sentence, with file and line, about each rule of POLICY_FILE that fits no tool: a slip of the pen.

    A rule for tools of an MCP server that is not up, as none is at the start, gets the benefit of the doubt.
    """
    if settings.policy_file is None:
        return
    to_judge = {
        pattern: rule for pattern, rule in policy.tools.items() if not (servers and servers.may_bring(pattern))
    }
    yield from rules_for_nothing(
        settings.policy_file,
        policy.model_copy(update={"tools": to_judge}),
        registry.known_names,
        servers=[status.server for status in servers.status()] if servers else [],
    )
