"""The composition root: wires every part of the bot for given settings. Nothing else constructs services."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

import httpx2
from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette

from bot.agent.answer import Answerer, Limits, Observer
from bot.agent.flow import Flows
from bot.agent.humanloop_client import open_humanloop
from bot.agent.model import HumanloopModel
from bot.agent.prompt import Prompt
from bot.agent.tool_calls import ToolSurroundings
from bot.conversation import Event, Question
from bot.gateway import RetryPolicy
from bot.http_server import serve
from bot.runs import RunLimits, Runs
from bot.settings import Settings, secret
from bot.slack import connection, listeners
from bot.slack.action_tokens import ActionTokens
from bot.slack.approvals import ApprovalCards
from bot.slack.catch_up import CatchUp
from bot.slack.client import PacedClient, open_client
from bot.slack.content import Footer
from bot.slack.decisions import Decisions
from bot.slack.elicitations import ElicitationCards
from bot.slack.files import FileLimits, Files
from bot.slack.identity import Identity, identify
from bot.slack.pacing import Pacer
from bot.slack.people import Directory
from bot.slack.reply import Replies, Timing
from bot.slack.tiers import unlimited
from bot.slack.transcript import Transcript
from bot.storage import open_database
from bot.storage.approvals import Approvals
from bot.storage.budget import SharedBudget
from bot.storage.elicitations import Elicitations
from bot.storage.watermarks import Watermarks
from bot.telemetry import health
from bot.telemetry.metrics import Metrics
from bot.telemetry.probes import LastCall, database_probe
from bot.telemetry.traces import Traces, open_tracer
from bot.telemetry.watch import Watch
from bot.toolbox import open_mcp, open_policy, open_toolbox
from tools import McpServers, Registry

_USER_AGENT = "threadloop"
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
        enter = stack.enter_async_context

        # What the parts stand on.
        engine = await enter(open_database(settings.database_url))
        metrics, model_health = Metrics(), LastCall()
        tracer = await enter(open_tracer(settings.otel_exporter_otlp_endpoint))
        client = await enter(_slack_client(settings, metrics))
        me = await identify(client)
        humanloop = await enter(open_humanloop(settings, engine, retry))
        http = await enter(httpx2.AsyncClient(headers={"User-Agent": _USER_AGENT}))
        policy = open_policy(settings)
        mcp = await enter(open_mcp(settings, policy))
        tools = tools or open_toolbox(settings, policy, mcp, SharedBudget(engine))

        # The parts. Nothing begins yet.
        directory = Directory(client, me.team_id, with_groups=tools.names_groups)
        approvals, elicitations, action_tokens = Approvals(engine), Elicitations(engine), ActionTokens()
        # What no person may read, wherever a model or a tool has it from.
        secrets = (*settings.secrets(), *(mcp.secrets if mcp else ()))
        expire_s, wait_s = settings.approval_hours * 3600, settings.elicitation_minutes * 60
        cards = ApprovalCards(
            client, approvals, tools, directory, me.user_id, expire_s=expire_s, secrets=secrets
        )
        prompt = Prompt.load(settings.provider_and_model())
        flows = Flows(humanloop, prompt.path)
        stack.push_async_callback(flows.aclose)
        replies = _replies(settings, client, tools, me, secrets, timing or Timing())
        answerer = Answerer(
            transcript=_transcript(settings, client, directory, http, me),
            open_reply=replies,
            model=HumanloopModel(humanloop, prompt),
            prompt=prompt,
            tools=tools,
            surroundings=ToolSurroundings(
                http,
                settings.tool_config(tools.settings),
                sample_data,
                state={},
                slack=client,
                action_token=action_tokens.of,
            ),
            flows=flows,
            approvals=cards,
            elicit=ElicitationCards(client, elicitations, me.user_id, secrets, wait_s),
            limits=Limits(settings.tool_turns, settings.question_timeout_s),
            observe=observe,
        )
        traces, model_name = Traces(tracer, prompt.provider, prompt.model), f"{prompt.provider}/{prompt.model}"
        watch = Watch(metrics, traces, model_name, lambda: tools.names, model_health)
        runs = Runs(engine, watch.over(answerer.answer), limits=_run_limits(settings))
        metrics.count_runs(lambda: runs.running, lambda: runs.waiting)
        decisions = Decisions(approvals, cards, runs, tools, directory, metrics.approvals_waiting.set)
        bolt = _bolt(settings, client, me)
        slack = _connection(settings, bolt)
        window_s = settings.catch_up_minutes * 60
        catch_up = CatchUp(client, runs, Watermarks(engine), me, slack, window_s=window_s)
        runs.turns.submit_earlier, runs.end_former = catch_up.ahead_of, decisions.end_former
        listeners.register(
            bolt,
            listeners.Services(
                client,
                runs,
                directory,
                answerer.flows,
                decisions,
                elicitations,
                action_tokens,
                catch_up.note_stop,
                me.user_id,
                secrets,
            ),
        )
        probes = {"slack": slack.fault, "database": database_probe(engine), "model": model_health.fault}
        web = health.create_app(health.Readiness(probes), metrics.exposition, slack.routes)

        # Open runs go on, then there is somebody at the port, and then Slack may send.
        await runs.start()
        stack.push_async_callback(replies.afterwards.aclose)
        stack.push_async_callback(runs.aclose, settings.shutdown_grace_s)
        port = await _serve(web, settings.port, stack) if serve_health or slack.routes else None
        await catch_up.begin()
        await enter(slack)
        await enter(_in_background(catch_up.stay_caught_up()))
        await enter(_in_background(decisions.watch()))
        yield Bot(runs, me, port, mcp)


def _slack_client(settings: Settings, metrics: Metrics) -> AbstractAsyncContextManager[PacedClient]:
    pacer = Pacer() if settings.slack_paced else Pacer(limits=unlimited)
    return open_client(
        secret(settings.slack_bot_token), settings.slack_api_url, metrics.count_slack_call, pacer
    )


def _transcript(
    settings: Settings, client: PacedClient, directory: Directory, http: httpx2.AsyncClient, me: Identity
) -> Transcript:
    limits = FileLimits(settings.max_file_bytes, settings.max_image_bytes, settings.model_sees_images)
    files = Files(http, secret(settings.slack_bot_token), settings.slack_api_url, limits)
    return Transcript(client, directory, files, limits, me, settings.history_tokens)


def _replies(
    settings: Settings,
    client: PacedClient,
    tools: Registry,
    me: Identity,
    secrets: tuple[str, ...],
    timing: Timing,
) -> Replies:
    return Replies(
        client,
        me.user_id,
        title=lambda call: tools.title(call.name, call.arguments),
        footer=Footer(facts=settings.answer_facts, cost=settings.answer_cost),
        secrets=secrets,
        timing=timing,
    )


def _run_limits(settings: Settings) -> RunLimits:
    return RunLimits(settings.max_concurrent_runs, settings.max_waiting_runs, settings.keep_runs_days)


def _bolt(settings: Settings, client: AsyncWebClient, me: Identity) -> AsyncApp:
    # Bolt warns that it uses neither the client's token nor SLACK_BOT_TOKEN, which it reads by itself.
    logging.getLogger("slack_bolt.AsyncApp").addFilter(lambda record: "`token`" not in record.getMessage())

    async def authorize() -> AuthorizeResult:
        # Bolt would ask Slack who it is, and in a burst do so for every event.
        return AuthorizeResult(
            enterprise_id=None,
            team_id=me.team_id,
            bot_id=me.bot_id,
            bot_user_id=me.user_id,
            bot_token=client.token,
        )

    return AsyncApp(
        client=client,
        authorize=authorize,
        signing_secret=secret(settings.slack_signing_secret) or None,
        # Slack is answered when the listener is done, so that a question is stored before it is acknowledged.
        process_before_response=True,
    )


def _connection(settings: Settings, bolt: AsyncApp) -> connection.Connection:
    if settings.slack_app_token is not None:
        return connection.SocketMode(bolt, secret(settings.slack_app_token))
    return connection.RequestUrl(bolt)


async def _serve(web: Starlette, port: int, stack: AsyncExitStack) -> int | None:
    """Serve until the stack closes; return the port, which the system chose if it was 0."""
    return urlsplit(await stack.enter_async_context(serve(web, host=_EVERYWHERE, port=port))).port


@asynccontextmanager
async def _in_background(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with suppress(asyncio.CancelledError):
            await task
