"""The composition root: wires every part of the bot for given settings. Nothing else constructs services."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import aiohttp
import httpx
import httpx2
import sqlalchemy as sa
from humanloop import AsyncHumanloop
from opentelemetry.trace import Tracer
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette

from bot import database, health
from bot.answer import Answerer, Limits, Observer, ToolSurroundings
from bot.approvals import Approvals
from bot.budget import SharedBudget
from bot.conversation import Event, Question
from bot.elicitations import Elicitations
from bot.errors import SettingsError
from bot.flow import Flows
from bot.gateway import Credentials, Gateway, RetryPolicy, parse_prompt
from bot.http_server import serve
from bot.migrations import migrate
from bot.model import HumanloopModel, Prompt
from bot.probes import LastCall, database_probe
from bot.runs import RunLimits, Runs
from bot.settings import Settings
from bot.slack import connection, listeners
from bot.slack.action_tokens import ActionTokens
from bot.slack.approvals import ApprovalCards
from bot.slack.catch_up import CatchUp
from bot.slack.clerk import Clerk
from bot.slack.client import PacedClient, open_client
from bot.slack.content import Footer
from bot.slack.elicitations import ElicitationCards
from bot.slack.files import FileLimits, Files
from bot.slack.pacing import Pacer
from bot.slack.people import Directory
from bot.slack.reply import Replies, Timing
from bot.slack.tiers import unlimited
from bot.slack.transcript import Identity, Transcript
from bot.telemetry.metrics import Metrics
from bot.telemetry.traces import Traces, open_tracer
from bot.telemetry.watch import Watch
from bot.toolbox import open_mcp, open_policy, open_toolbox, warn_of_idle_rules
from bot.watermarks import Watermarks
from tools import McpServers, Policy, Registry

_PROMPT_FILE = Path(__file__).parent / "prompts" / "assistant.prompt"
_HUMANLOOP_PATH = "threadloop/assistant"
_USER_AGENT = "threadloop"
_MOST_TALKING = 16
_EVERYWHERE = "0.0.0.0"  # noqa: S104 — a container is reached from outside


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot that is connected to Slack."""

    runs: Runs
    identity: Identity
    port: int | None
    """Where health, metrics and, in HTTP mode, Slack's events are served; `None` where nothing is."""
    mcp: McpServers | None
    """The MCP servers, which may still be connecting; `None` without a configuration of them."""


def _unobserved(_question: Question, _event: Event) -> None:
    """Nobody looks on."""


@asynccontextmanager
async def build(
    settings: Settings,
    *,
    tools: Registry | None = None,
    retry: RetryPolicy | None = None,
    sample_data: bool = False,
    observe: Observer = _unobserved,
    serve_health: bool = False,
    timing: Timing | None = None,
) -> AsyncIterator[Bot]:
    """Start the bot, and stop it when the block ends: no new questions, running ones finish, connections close.

    Args:
        settings: with Slack's tokens; see `Settings.mode`.
        tools: instead of the tools in `tools/`.
        retry: how the embedded endpoint tries a model's provider again.
        sample_data: whether tools may answer from bundled sample data where a service can't be reached.
        observe: sees the events of every answer.
        serve_health: whether to serve the health routes on `PORT` in Socket Mode, too.
        timing: when an answer is shown as it comes.

    Raises:
        SettingsError: Slack refuses a token.
        PortTaken: `PORT` is in use.
        DatabaseUnusable: the database can't be reached, or refuses us.
        DatabaseInUse: another process works with the same SQLite file.
        DatabaseTooNew: a newer Threadloop has changed the database.
        DatabaseBusy: the run engine can't open the database.
    """
    async with AsyncExitStack() as stack:
        stack.enter_context(database.exclusive(settings.database_url))
        engine = database.create_engine(settings.database_url)
        stack.callback(engine.dispose)
        await asyncio.to_thread(migrate, engine)
        metrics, model = Metrics(), LastCall()
        tracer = await stack.enter_async_context(open_tracer(settings.otel_exporter_otlp_endpoint))
        client = await stack.enter_async_context(
            open_client(
                _secret(settings.slack_bot_token),
                settings.slack_api_url,
                metrics.count_slack_call,
                Pacer() if settings.slack_paced else Pacer(limits=unlimited),
            )
        )
        identity = await _identify(client)
        http = await stack.enter_async_context(httpx2.AsyncClient(headers={"User-Agent": _USER_AGENT}))
        humanloop = await _humanloop(settings, engine, retry, stack)
        policy = open_policy(settings)
        mcp = await stack.enter_async_context(open_mcp(settings, policy))
        tools = tools or _tools(settings, policy, mcp, engine)
        directory = Directory(client, identity.team_id, with_groups=tools.names_groups)
        approvals, elicitations, tokens = Approvals(engine), Elicitations(engine), ActionTokens()
        expire_s = settings.approval_hours * 3600
        cards = ApprovalCards(client, approvals, tools, identity.user_id, expire_s=expire_s)
        answerer = _answerer(
            settings,
            client=client,
            identity=identity,
            directory=directory,
            humanloop=humanloop,
            http=http,
            tools=tools,
            approvals=cards,
            elicit=ElicitationCards(client, elicitations, identity.user_id),
            tokens=tokens,
            sample_data=sample_data,
            observe=observe,
            timing=timing or Timing(),
        )
        watch = _watch(answerer, metrics, tracer, model)
        runs = Runs(engine, watch.over(answerer.answer), limits=_run_limits(settings))
        metrics.count_runs(lambda: runs.running, lambda: runs.waiting)
        await runs.start()
        stack.push_async_callback(runs.aclose, settings.shutdown_grace_s)
        bolt = _bolt(settings, client)
        clerk = Clerk(approvals, cards, runs, tools, directory)
        services = listeners.Services(
            client, runs, directory, answerer.flows, clerk, elicitations, tokens, identity.user_id
        )
        listeners.register(bolt, services)
        slack = _connect(settings, bolt)
        probes = {"slack": slack.fault, "database": database_probe(engine), "model": model.fault}
        web = health.create_app(health.Readiness(probes), metrics.exposition, slack.routes)
        port = await _serve(web, settings.port, stack) if serve_health or slack.routes else None
        catch_up = CatchUp(client, runs, Watermarks(engine), identity, window_s=settings.catch_up_minutes * 60)
        await catch_up.begin()
        runs.turns.all_are_submitted = partial(catch_up.settled, slack)
        await stack.enter_async_context(slack)
        await stack.enter_async_context(_in_background(catch_up.stay_caught_up(slack)))
        await stack.enter_async_context(_in_background(clerk.watch()))
        yield Bot(runs, identity, port, mcp)


async def _serve(web: Starlette, port: int, stack: AsyncExitStack) -> int | None:
    """Serve until the stack closes; return the port, which the system chose if it was 0."""
    return urlsplit(await stack.enter_async_context(serve(web, host=_EVERYWHERE, port=port))).port


async def _identify(client: AsyncWebClient) -> Identity:
    try:
        who = await client.auth_test()
    except SlackApiError as error:
        raise SettingsError(
            f"Slack refuses SLACK_BOT_TOKEN ({error.response.get('error')}): copy it again from "
            "api.slack.com/apps → your app → OAuth & Permissions, after installing the app."
        ) from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise SettingsError(
            f"Slack can't be reached at {client.base_url}: {error}. Check the network and SLACK_API_URL."
        ) from error
    return Identity(team_id=who["team_id"], user_id=who["user_id"], bot_id=who["bot_id"])


async def _humanloop(
    settings: Settings, engine: sa.Engine, retry: RetryPolicy | None, stack: AsyncExitStack
) -> AsyncHumanloop:
    """The SDK's client: for `HUMANLOOP_BASE_URL`, or for the endpoint in this process."""
    key = _secret(settings.humanloop_api_key) or "embedded"
    # The question's own time limit ends a call that hangs; the SDK's would cut long answers.
    timeout = httpx.Timeout(settings.question_timeout_s, connect=10)
    if settings.humanloop_base_url is not None:
        http = await stack.enter_async_context(httpx.AsyncClient(timeout=timeout, follow_redirects=True))
        return AsyncHumanloop(api_key=key, base_url=settings.humanloop_base_url, httpx_client=http)
    gateway = await stack.enter_async_context(Gateway(engine, _credentials(settings), retry=retry))
    http = await stack.enter_async_context(httpx.AsyncClient(transport=gateway.transport(), timeout=timeout))
    return AsyncHumanloop(api_key=key, base_url=gateway.base_url, httpx_client=http)


def _credentials(settings: Settings) -> Credentials:
    return Credentials(
        openai_api_key=_secret(settings.openai_api_key) or None,
        openai_base_url=settings.openai_base_url,
        anthropic_api_key=_secret(settings.anthropic_api_key) or None,
        anthropic_base_url=settings.anthropic_base_url,
    )


def _answerer(
    settings: Settings,
    *,
    client: PacedClient,
    identity: Identity,
    directory: Directory,
    humanloop: AsyncHumanloop,
    http: httpx2.AsyncClient,
    tools: Registry,
    approvals: ApprovalCards,
    elicit: ElicitationCards,
    tokens: ActionTokens,
    sample_data: bool,
    observe: Observer,
    timing: Timing,
) -> Answerer:
    file_limits = FileLimits(settings.max_file_bytes, settings.max_image_bytes, settings.model_sees_images)
    files = Files(http, _secret(settings.slack_bot_token), settings.slack_api_url, file_limits)
    prompt = load_prompt(settings)
    return Answerer(
        transcript=Transcript(client, directory, files, file_limits, identity, settings.history_tokens),
        open_reply=Replies(
            client,
            identity.user_id,
            title=lambda call: tools.title(call.name, call.arguments),
            footer=Footer(facts=settings.answer_facts, cost=settings.answer_cost),
            secrets=tuple(settings.secrets()),
            timing=timing,
        ),
        model=HumanloopModel(humanloop, prompt),
        prompt=prompt,
        tools=tools,
        surroundings=ToolSurroundings(
            http, settings.tool_config(), sample_data, state={}, slack=client, action_token=tokens.of
        ),
        flows=Flows(humanloop, _HUMANLOOP_PATH),
        approvals=approvals,
        elicit=elicit,
        limits=Limits(settings.tool_turns, settings.question_timeout_s),
        observe=observe,
        talking=asyncio.Semaphore(_MOST_TALKING),
    )


def load_prompt(settings: Settings) -> Prompt:
    """The prompt file, for the model that the settings choose.

    Raises:
        PromptFileError: the file can't be read; the message names the line.
    """
    parameters = parse_prompt(_PROMPT_FILE.read_text(encoding="utf-8"))
    messages = parameters.pop("template")
    if chosen := settings.provider_and_model():
        parameters["provider"], parameters["model"] = chosen
    return Prompt(
        path=_HUMANLOOP_PATH,
        parameters=parameters,
        template=[message for message in messages if "{{" not in message["content"]],
        context=[message for message in messages if "{{" in message["content"]],
    )


@asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task


def _run_limits(settings: Settings) -> RunLimits:
    return RunLimits(settings.max_concurrent_runs, settings.max_waiting_runs, settings.keep_runs_days)


def _tools(settings: Settings, policy: Policy, mcp: McpServers | None, engine: sa.Engine) -> Registry:
    registry = open_toolbox(settings, policy, [mcp] if mcp else [], SharedBudget(engine))
    warn_of_idle_rules(settings, policy, registry)
    return registry


def _bolt(settings: Settings, client: AsyncWebClient) -> AsyncApp:
    # Bolt reads SLACK_BOT_TOKEN by itself, and warns that it has the client's already.
    logging.getLogger("slack_bolt.AsyncApp").addFilter(
        lambda record: "`token` will be unused" not in record.getMessage()
    )
    return AsyncApp(
        client=client,
        signing_secret=_secret(settings.slack_signing_secret) or None,
        # Slack is answered when the listener is done, so that a question is stored before it is acknowledged.
        process_before_response=True,
    )


def _watch(answerer: Answerer, metrics: Metrics, tracer: Tracer, model: LastCall) -> Watch:
    provider, name = (str(answerer.prompt.parameters.get(key)) for key in ("provider", "model"))
    return Watch(
        metrics, Traces(tracer, provider, name), f"{provider}/{name}", lambda: answerer.tools.names, model
    )


def _connect(settings: Settings, bolt: AsyncApp) -> connection.Connection:
    if settings.slack_app_token is not None:
        return connection.SocketMode(bolt, _secret(settings.slack_app_token))
    return connection.RequestUrl(bolt)


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value is not None else ""
