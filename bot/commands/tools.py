"""`threadloop tools`: list the tools, call one, or begin a new one."""

from __future__ import annotations

import asyncio
import json
import sys
from contextlib import nullcontext
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import httpx2

import tools
from bot.commands import new_tool
from bot.commands.terminal import Terminal
from bot.errors import ToolCallFailed
from bot.settings import Settings
from bot.toolbox import CONNECT_WITHIN_S, open_mcp, open_policy, open_toolbox
from tools import Access, Asker, Context, Policy, Registry

_ZONES = "zoneinfo/"


def run(settings: Settings, action: str, name: str, arguments_json: str, *, yes: bool = False) -> None:
    """List the tools, or call or write one.

    Args:
        settings: where tools are, and what they may know.
        action: `list`, `call` or `new`.
        name: the tool's name; not for the list.
        arguments_json: the arguments of a call, an object.
        yes: whether a call is approved already.

    Raises:
        ToolsUnusable: a tool, the policy or the file of MCP servers is written wrongly.
        ToolCallFailed: the call gave no result, or was not approved.
        ToolNotWritten: the new tool's name will not do, or a file is in its place.
    """
    terminal = Terminal(sys.stdout)
    match action:
        case "list":
            asyncio.run(_list(settings, terminal))
        case "call":
            terminal.say(asyncio.run(_call(settings, name, arguments_json, approved=yes)))
        case "new":
            for path in _new(settings, name):
                terminal.say(f"Wrote {path}")
            terminal.say(f"Try it: threadloop tools call {name} '{new_tool.EXAMPLE}'")


async def _list(settings: Settings, terminal: Terminal) -> None:
    policy = open_policy(settings)
    async with open_mcp(settings, policy) as servers:
        registry = open_toolbox(settings, policy, servers)
        if servers is not None:
            await servers.settled(CONNECT_WITHIN_S)
        _show(registry, terminal)
        for status in servers.status() if servers else ():
            if status.state != "up":
                terminal.say(f"Not listed: the MCP server {status.server} is {status}")


def _show(registry: Registry, terminal: Terminal) -> None:
    name_width = max(len(tool.name) for tool in registry.tools)
    origin_width = max(len(tool.origin) for tool in registry.tools)
    terminal.say(f"{'TOOL':<{name_width}}  {'APPROVAL':<8}  {'FROM':<{origin_width}}  WHAT IT DOES")
    for tool in registry.tools:
        approval = "asks" if registry.asks(tool.name) else "no"
        what = tool.description.partition("\n")[0]
        terminal.say(f"{tool.name:<{name_width}}  {approval:<8}  {tool.origin:<{origin_width}}  {what}")
    for sentence in registry.not_offered:
        terminal.say(f"Not offered: {sentence}")


def _new(settings: Settings, name: str) -> tuple[Path, Path]:
    existing = open_toolbox(settings, Policy()).names
    if settings.tools_dir is not None:
        return new_tool.write_in_folder(settings.tools_dir, name, existing)
    return new_tool.write_in_checkout(Path(tools.__file__).parents[1], name, existing)


async def _call(settings: Settings, name: str, arguments_json: str, *, approved: bool) -> str:
    # Servers need seconds to start, and only their tools' names have this in them.
    mcp = open_mcp(settings, open_policy(settings)) if "__" in name else nullcontext()
    # Certificates take long to read: only a call needs them.
    async with mcp as servers, httpx2.AsyncClient() as http:
        # Whoever can start programs here is not one of the people whom the policy is about.
        registry = open_toolbox(settings, Policy(), servers)
        if servers is not None:
            await servers.settled(CONNECT_WITHIN_S)
        context = _context(settings, registry, name, http)
        if not approved and registry.needs_approval(name, arguments_json, Access.of(context)):
            approved = _approves(registry.describe_call(name, arguments_json))
        outcome = await registry.call(name, arguments_json, context, approved=approved)
    if not outcome.ok:
        # Whoever writes the tool is told what the model is, and not what people are.
        raise ToolCallFailed(json.loads(outcome.content)["error"])
    return outcome.content


def _context(settings: Settings, registry: Registry, name: str, http: httpx2.AsyncClient) -> Context:
    zone = _local_zone()
    # One of the people, in one of the channels, that the tool is open to.
    options = next((tool.options for tool in registry.tools if tool.name == name), None)
    users, channels = (options.users, options.channels) if options else ((), ())
    return Context(
        asker=Asker(id=users[0] if users else "U0", name="you", timezone=zone.key),
        channel=channels[0] if channels else "C0",
        http=http,
        now=datetime.now(zone),
        run_id=f"command:{datetime.now(zone).isoformat()}",
        config=settings.tool_config(registry.settings),
        progress=Terminal(sys.stderr).say,
    )


def _approves(description: str) -> bool:
    if not sys.stdin.isatty():
        raise ToolCallFailed("This tool asks a person first. Nobody is here: add --yes.")
    Terminal(sys.stderr).say(f"{description}\nGo ahead? [y/N]")
    return sys.stdin.readline().strip().lower() in ("y", "yes")


def _local_zone() -> ZoneInfo:
    """This machine's zone, which is a link to a file named after it; UTC where it is not."""
    _, found, name = str(Path("/etc/localtime").resolve()).rpartition(_ZONES)
    return ZoneInfo(name if found else "UTC")
