"""The composition root: wires every part of the bot for given settings. Nothing else constructs services."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import httpx2
import sqlalchemy as sa
from humanloop import AsyncHumanloop
from pydantic import SecretStr
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot import database
from bot.answer import Answerer, Limits, Observer, ToolSurroundings
from bot.conversation import Event, Question
from bot.errors import SettingsError
from bot.flow import Flows
from bot.gateway import Credentials, Gateway, RetryPolicy, parse_prompt
from bot.model import HumanloopModel, Prompt
from bot.runs import Runs
from bot.settings import Settings
from bot.slack import connection, listeners
from bot.slack.client import open_client
from bot.slack.files import FileLimits, Files
from bot.slack.people import Directory
from bot.slack.reply import Replies
from bot.slack.transcript import Identity, Transcript
from tools import Registry

_PROMPT_FILE = Path(__file__).parent / "prompts" / "assistant.prompt"
_HUMANLOOP_PATH = "threadloop/assistant"
_USER_AGENT = "threadloop"


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot that is connected to Slack."""

    runs: Runs
    identity: Identity


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
) -> AsyncIterator[Bot]:
    """Start the bot, and stop it when the block ends: no new questions, running ones finish, connections close.

    Args:
        settings: with Slack's tokens; see `Settings.mode`.
        tools: instead of the tools in `tools/`.
        retry: how the embedded endpoint tries a model's provider again.
        sample_data: whether tools may answer from bundled sample data where a service can't be reached.
        observe: sees the events of every answer.

    Raises:
        SettingsError: Slack refuses a token.
        DatabaseBusy: the database can't be opened.
    """
    async with AsyncExitStack() as stack:
        engine = database.create_engine(settings.database_url)
        stack.callback(engine.dispose)
        database.create_tables(engine)
        client = await stack.enter_async_context(
            open_client(_secret(settings.slack_bot_token), settings.slack_api_url)
        )
        identity = await _identify(client)
        http = await stack.enter_async_context(httpx2.AsyncClient(headers={"User-Agent": _USER_AGENT}))
        humanloop = await _humanloop(settings, engine, retry, stack)
        directory = Directory(client)
        answerer = _answerer(
            settings,
            client=client,
            identity=identity,
            directory=directory,
            humanloop=humanloop,
            http=http,
            tools=tools or _discover(settings),
            sample_data=sample_data,
            observe=observe,
        )
        runs = Runs(engine, answerer.answer)
        await runs.start()
        stack.push_async_callback(runs.aclose)
        bolt = _bolt(settings, client)
        listeners.register(bolt, runs, directory)
        await stack.enter_async_context(_connect(settings, bolt))
        yield Bot(runs, identity)


async def _identify(client: AsyncWebClient) -> Identity:
    try:
        who = await client.auth_test()
    except SlackApiError as error:
        raise SettingsError(
            f"Slack refuses SLACK_BOT_TOKEN ({error.response.get('error')}): copy it again from "
            "api.slack.com/apps → your app → OAuth & Permissions, after installing the app."
        ) from error
    return Identity(user_id=who["user_id"], bot_id=who["bot_id"])


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
    client: AsyncWebClient,
    identity: Identity,
    directory: Directory,
    humanloop: AsyncHumanloop,
    http: httpx2.AsyncClient,
    tools: Registry,
    sample_data: bool,
    observe: Observer,
) -> Answerer:
    file_limits = FileLimits(settings.max_file_bytes, settings.max_image_bytes, settings.model_sees_images)
    files = Files(http, _secret(settings.slack_bot_token), settings.slack_api_url, file_limits)
    prompt = load_prompt(settings)
    return Answerer(
        transcript=Transcript(client, directory, files, file_limits, identity, settings.history_tokens),
        open_reply=Replies(client),
        model=HumanloopModel(humanloop, prompt, tools.schemas),
        prompt=prompt,
        tools=tools,
        surroundings=ToolSurroundings(http, settings.tool_config(), sample_data, state={}),
        flows=Flows(humanloop, _HUMANLOOP_PATH),
        limits=Limits(settings.tool_turns, settings.question_timeout_s),
        observe=observe,
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


def _discover(settings: Settings) -> Registry:
    return Registry.discover(timeout_s=settings.tool_timeout_s, max_result_chars=settings.max_tool_result_chars)


def _bolt(settings: Settings, client: AsyncWebClient) -> AsyncApp:
    return AsyncApp(
        client=client,
        signing_secret=_secret(settings.slack_signing_secret) or None,
        # Slack is answered when the listener is done, so that a question is stored before it is acknowledged.
        process_before_response=True,
    )


def _connect(settings: Settings, bolt: AsyncApp) -> AbstractAsyncContextManager[None]:
    if settings.slack_app_token is not None:
        return connection.socket_mode(bolt, _secret(settings.slack_app_token))
    return connection.http(bolt, settings.port)


def _secret(value: SecretStr | None) -> str:
    return value.get_secret_value() if value is not None else ""
