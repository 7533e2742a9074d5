"""`threadloop doctor`: looks at everything the bot needs, without answering anything."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.commands.terminal import Terminal
from bot.errors import ThreadloopError, Unwell
from bot.settings import Settings
from bot.storage import database
from bot.telemetry.probes import database_probe
from bot.toolbox import CONNECT_WITHIN_S, idle_rules, open_mcp, open_policy, open_toolbox


@dataclass(frozen=True, slots=True)
class Finding:
    """What was found out about one thing."""

    about: str
    detail: str
    is_well: bool = True


async def run(settings: Settings, *, connect_within_s: float = CONNECT_WITHIN_S) -> None:
    """Write a line about each thing.

    Args:
        settings: what to look at.
        connect_within_s: how long to wait for MCP servers.

    Raises:
        Unwell: something is wrong; the lines say what.
    """
    terminal = Terminal(sys.stdout)
    findings: list[Finding] = []
    for examine in (_slack, _model, _database):
        findings += await examine(settings)
    findings += await _tools(settings, connect_within_s)
    width = max(len(finding.about) for finding in findings)
    for finding in findings:
        terminal.say(f"{'ok ' if finding.is_well else 'BAD'}  {finding.about:<{width}}  {finding.detail}")
    if not all(finding.is_well for finding in findings):
        raise Unwell


async def _slack(settings: Settings) -> list[Finding]:
    if settings.slack_bot_token is None:
        return [Finding("Slack", "no tokens: `threadloop run` brings a workspace of its own")]
    client = AsyncWebClient(settings.slack_bot_token.get_secret_value(), settings.slack_api_url)
    try:
        who = await client.auth_test()
    except SlackApiError as error:
        return [Finding("Slack", f"refuses SLACK_BOT_TOKEN ({error.response.get('error')})", is_well=False)]
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        return [Finding("Slack", f"can't be reached: {error}", is_well=False)]
    return [Finding("Slack", f"{who['user']} in {who['team']}, by {settings.mode}")]


async def _model(settings: Settings) -> list[Finding]:
    chosen = settings.provider_and_model()
    where = f" through {settings.humanloop_base_url}" if settings.humanloop_base_url else ""
    return [Finding("Model", ("/".join(chosen) if chosen else "the prompt file's") + where)]


async def _database(settings: Settings) -> list[Finding]:
    try:
        engine = database.create_engine(settings.database_url)
    except ThreadloopError as error:
        return [Finding("Database", str(error), is_well=False)]
    try:
        fault = await database_probe(engine)()
    finally:
        engine.dispose()
    return [Finding("Database", fault or f"{engine.dialect.name} answers", is_well=fault is None)]


async def _tools(settings: Settings, connect_within_s: float) -> list[Finding]:
    try:
        policy = open_policy(settings)
        async with open_mcp(settings, policy) as servers:
            registry = open_toolbox(settings, policy, servers)
            if servers is not None:
                await servers.settled(connect_within_s)
            findings = [Finding("Tools", f"{len(registry.names)}: {', '.join(registry.names)}")]
            findings += [Finding("Tools", f"not offered: {sentence}") for sentence in registry.not_offered]
            findings += [
                Finding(f"MCP {status.server}", str(status), is_well=status.state in ("up", "disabled"))
                for status in (servers.status() if servers else ())
            ]
            idle = idle_rules(settings, policy, registry, servers)
            return [*findings, *(Finding("Policy", sentence, is_well=False) for sentence in idle)]
    except ThreadloopError as error:
        return [Finding("Tools", str(error), is_well=False)]
