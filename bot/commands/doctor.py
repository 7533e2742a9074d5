"""`threadloop doctor`: looks at everything the bot needs, without answering anything."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import aiohttp
import httpx
import sqlalchemy as sa
from humanloop.core.api_error import ApiError
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.agent.humanloop_client import open_humanloop
from bot.agent.model import model_error
from bot.agent.prompt import Prompt
from bot.commands.terminal import Terminal
from bot.errors import ThreadloopError, Unwell
from bot.gateway import RetryPolicy
from bot.settings import Settings, secret
from bot.slack.scopes import SCOPES
from bot.storage import database, migrations
from bot.telemetry.probes import database_probe
from bot.toolbox import CONNECT_WITHIN_S, idle_rules, open_mcp, open_policy, open_toolbox
from tools import Policy

_ANSWERS_WITHIN_S = 30.0
_MOST_FAULT_CHARS = 300


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
    findings: list[Finding] = []
    client = AsyncWebClient(secret(settings.slack_bot_token), settings.slack_api_url)
    with _refused_by_slack(findings, "SLACK_BOT_TOKEN"):
        who = await client.auth_test()
        findings.append(Finding("Slack", f"{who['user']} in {who['team']}, by {settings.mode}"))
        findings += _missing_scopes(who.headers.get("x-oauth-scopes"))
    if settings.slack_app_token is not None:
        with _refused_by_slack(findings, "SLACK_APP_TOKEN"):
            # An address to connect to: nothing is connected.
            await client.apps_connections_open(app_token=secret(settings.slack_app_token))
    return findings


@contextmanager
def _refused_by_slack(findings: list[Finding], variable: str) -> Iterator[None]:
    try:
        yield
    except SlackApiError as error:
        findings.append(Finding("Slack", f"refuses {variable} ({error.response.get('error')})", is_well=False))
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        findings.append(Finding("Slack", f"can't be reached: {error}", is_well=False))


def _missing_scopes(granted: str | None) -> Iterator[Finding]:
    missing = SCOPES - {scope.strip() for scope in granted.split(",")} if granted is not None else ()
    if missing:
        names = ", ".join(sorted(missing))
        remedy = "give the app the scopes of manifest.yml, and install it again"
        yield Finding("Slack", f"does not grant {names}: {remedy}", is_well=False)


async def _model(settings: Settings) -> list[Finding]:
    prompt = Prompt.load(settings.provider_and_model())
    where = f" through {settings.humanloop_base_url}" if settings.humanloop_base_url else ""
    name = f"{prompt.provider}/{prompt.model}{where}"
    try:
        async with asyncio.timeout(_ANSWERS_WITHIN_S):
            await _ask(settings, prompt)
    except TimeoutError:
        return [Finding("Model", f"{name} gives no answer within {_ANSWERS_WITHIN_S:g} s", is_well=False)]
    except ApiError as error:
        reason = str(model_error(error))[:_MOST_FAULT_CHARS]
        return [Finding("Model", f"{name} does not answer: {reason}", is_well=False)]
    except httpx.HTTPError as error:
        return [Finding("Model", f"{name} can't be reached: {error}", is_well=False)]
    return [Finding("Model", f"{name} answers")]


async def _ask(settings: Settings, prompt: Prompt) -> None:
    """Have the model say something, since nothing else shows that the key may use it."""
    async with (
        _scratch_database() as engine,
        open_humanloop(settings, engine, RetryPolicy(attempts=1)) as client,
    ):
        await client.prompts.call(
            path=prompt.path,
            save=False,
            request_options={
                "max_retries": 0,
                "additional_body_parameters": {
                    "prompt": {**prompt.with_tools([]), "template": []},
                    "messages": [{"role": "user", "content": "Say ok."}],
                },
            },
        )


@asynccontextmanager
async def _scratch_database() -> AsyncIterator[sa.Engine]:
    """A database for the log of this one call: the bot's own may be what is wrong."""
    with TemporaryDirectory(prefix="threadloop-") as folder:
        engine = database.create_engine(f"sqlite:///{Path(folder) / 'doctor.db'}")
        try:
            await asyncio.to_thread(database.metadata.create_all, engine)
            yield engine
        finally:
            engine.dispose()


async def _database(settings: Settings) -> list[Finding]:
    findings: list[Finding] = []
    with _noted(findings, "Database"):
        engine = database.create_engine(settings.database_url)
        try:
            if fault := await database_probe(engine)():
                return [Finding("Database", fault, is_well=False)]
            findings.append(Finding("Database", await asyncio.to_thread(_tables, engine)))
        finally:
            engine.dispose()
    return findings


def _tables(engine: sa.Engine) -> str:
    """What there is to say of our tables. Raises DatabaseTooNew."""
    answers = f"{engine.dialect.name} answers"
    stored = migrations.stored_revision(engine)
    if stored is None:
        return f"{answers}; the first start makes its tables"
    return (
        answers if stored == migrations.newest_revision() else f"{answers}; the next start changes its tables"
    )


async def _tools(settings: Settings, connect_within_s: float) -> list[Finding]:
    wrong: list[Finding] = []
    findings: list[Finding] = []
    policy, servers, registry = Policy(), None, None
    async with AsyncExitStack() as stack:
        with _noted(wrong, "Policy"):
            policy = open_policy(settings)
        with _noted(wrong, "MCP"):
            servers = await stack.enter_async_context(open_mcp(settings, policy))
        with _noted(wrong, "Tools"):
            registry = open_toolbox(settings, policy, servers)
        if servers is not None:
            await servers.settled(connect_within_s)
        if registry is not None:
            findings.append(Finding("Tools", f"{len(registry.names)}: {', '.join(registry.names)}"))
            findings += [Finding("Tools", f"not offered: {sentence}") for sentence in registry.not_offered]
        for status in servers.status() if servers else ():
            findings.append(
                Finding(f"MCP {status.server}", str(status), is_well=status.state in ("up", "disabled"))
            )
        if registry is not None and not wrong:
            idle = idle_rules(settings, policy, registry, servers)
            wrong += [Finding("Policy", sentence, is_well=False) for sentence in idle]
    return [*findings, *wrong]


@contextmanager
def _noted(findings: list[Finding], about: str) -> Iterator[None]:
    """Note what goes wrong, so that what comes next is looked at all the same."""
    try:
        yield
    except ThreadloopError as error:
        findings.append(Finding(about, str(error), is_well=False))
