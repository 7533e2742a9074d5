"""The tools that the settings ask for, under the policy that they name."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Sequence
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
    Toolset,
    read_policy,
    rules_for_nothing,
)

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
    toolsets: Sequence[Toolset] = (),
    budget: Budget | None = None,
) -> Registry:
    """Every tool: the bundled ones, those of installed packages and of TOOLS_DIR, and those of the toolsets.

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
            toolsets=toolsets,
            policy=policy,
            budget=budget or MemoryBudget(),
            config={**environment(), **settings.tool_config()},
        )
    except BadTool as error:
        raise ToolsUnusable(str(error)) from error
    _warn_of_idle_rules(settings, policy, registry)
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


def _warn_of_idle_rules(settings: Settings, policy: Policy, registry: Registry) -> None:
    """Log the policy's rules that fit no tool: a slip of the pen, or a tool that comes later."""
    if settings.policy_file is not None:
        for warning in rules_for_nothing(settings.policy_file, policy, registry.names):
            _log.warning("%s", warning)
