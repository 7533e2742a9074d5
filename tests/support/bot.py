"""The whole bot in an embedded workspace: real Bolt over a real WebSocket, the real SDK, the real engine.

async with bot_in_workspace(tmp_path, model=OpenAIServer([text("Sunny.")])) as scene:
    ts = await scene.ada.say("#general", "@threadloop How is the weather?")
    assert await scene.answer(ts) == "Sunny."
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from support.anthropic_server import AnthropicServer
from support.model_server import ModelServer
from support.patience import patient_workspace

from bot.agent.answer import Observer
from bot.app import Bot, build
from bot.conversation import Event, Question
from bot.gateway import RetryPolicy
from bot.playground import Person, Playground, Seed
from bot.playground.objects import AgentThread
from bot.settings import Settings
from bot.slack.marker import Marker, read_marker
from bot.slack.reply import Timing
from bot.slack.text import unescape
from tools import Registry

Json = dict[str, Any]


@dataclass
class Scene:
    """A workspace with the bot in it, and what there is to see of it."""

    playground: Playground
    settings: Settings
    build: Callable[[], AbstractAsyncContextManager[Bot]]
    seen: list[tuple[Question, Event]] = field(default_factory=list)
    _running: AsyncExitStack = field(default_factory=AsyncExitStack)
    _bot: Bot | None = None

    @property
    def bot(self) -> Bot:
        """The bot that is running."""
        assert self._bot is not None
        return self._bot

    async def start(self) -> None:
        """Start the bot, on the database that is there."""
        self._bot = await self._running.enter_async_context(self.build())
        await self.playground.connected()

    async def stop(self) -> None:
        """Stop the bot, as a signal does."""
        await self._running.aclose()

    @property
    def ada(self) -> Person:
        """Who asks, where it doesn't matter who."""
        return self.playground.person("ada")

    def answers(self, ts: str, channel: str = "#general", *, root: str | None = None) -> list[Json]:
        """The messages that answer the question `ts`, in the thread `root`, once they are final."""
        return [
            message
            for message, marker in self._marked(channel, root or ts)
            if marker.question_ts == ts and marker.state != "pending"
        ]

    async def answer(self, ts: str, channel: str = "#general", *, root: str | None = None) -> str:
        """The text that answers the question `ts`, when its run has ended."""
        await self.playground.until(lambda: self.answers(ts, channel, root=root), what="the answer")
        await self.bot.runs.outcome(self.run_id(ts, channel))
        return "\n".join(unescape(message["text"]) for message in self.answers(ts, channel, root=root))

    def run_id(self, ts: str, channel: str = "#general") -> str:
        """The id of the run that answers the question `ts`."""
        return f"{self.playground.team_id}:{self.playground.workspace.channel(channel).id}:{ts}"

    def status(self, ts: str, channel: str = "#general") -> str:
        """The status line of the thread `ts`."""
        return self._agent_thread(ts, channel).status

    def session(self, ts: str, channel: str = "#general") -> str:
        """Where the bot's session in the thread `ts` stands."""
        return self._agent_thread(ts, channel).session

    def _agent_thread(self, ts: str, channel: str) -> AgentThread:
        return self.playground.workspace.agent_thread(self.playground.workspace.channel(channel).id, ts)

    def shown(self, ts: str, channel: str = "#general") -> list[Json]:
        """What the bot shows in the thread `ts`, final or not."""
        thread = self.playground.thread(channel, ts)
        return [message for message in thread if message["user"] == self.playground.bot_user_id]

    async def until_shown(self, words: str, ts: str, channel: str = "#general") -> Json:
        """Wait until a message of the bot's shows these words; return it."""

        def found() -> Json | None:
            return next((message for message in self.shown(ts, channel) if words in message["text"]), None)

        message = await self.playground.until(found, what=f"a message with {words!r}")
        assert message is not None
        return message

    def calls(self, method: str) -> list[Json]:
        """The arguments of the bot's calls of a Web API method, in order."""
        return [call.arguments for call in self.playground.calls if call.method == method]

    async def caught_up(self) -> None:
        """Wait until the bot has looked for what it missed, and makes no more calls for that."""
        me = self.playground.bot_user_id
        rooms = {room.id for room in self.playground.workspace.channels.values() if me in room.members}
        await self.playground.until(
            lambda: rooms <= {call["channel"] for call in self.calls("conversations.history")},
            what="a look at every conversation",
        )

    def _marked(self, channel: str, ts: str) -> list[tuple[Json, Marker]]:
        thread = self.playground.thread(channel, ts)
        return [(message, marker) for message in thread if (marker := read_marker(message))]


@asynccontextmanager
async def bot_in_workspace(
    folder: Path,
    *,
    model: ModelServer | None = None,
    tools: Registry | None = None,
    seed: Seed | None = None,
    attempts: int = 2,
    sample_data: bool = False,
    observe: Observer | None = None,
    timing: Timing | None = None,
    playground: Playground | None = None,
    **settings: Any,
) -> AsyncIterator[Scene]:
    """Start a workspace and a bot in it; without a model server the bot answers offline."""
    async with server_or_none(model):
        playground = playground or patient_workspace(seed)
        async with playground.serve():
            chosen = Settings(
                slack_bot_token=SecretStr(playground.bot_token),
                slack_app_token=SecretStr(playground.app_token),
                slack_api_url=playground.api_url,
                database_url=f"sqlite:///{folder}/bot.db",
                **_model_settings(model),
                **settings,
            )
            seen: list[tuple[Question, Event]] = []
            scene = Scene(
                playground,
                chosen,
                lambda: build(
                    chosen,
                    tools=tools,
                    retry=RetryPolicy(attempts=attempts, base_delay_s=0.0),
                    sample_data=sample_data,
                    observe=observe or (lambda question, event: seen.append((question, event))),
                    timing=timing,
                ),
                seen,
            )
            await scene.start()
            try:
                yield scene
            finally:
                await scene.stop()


@asynccontextmanager
async def server_or_none(model: ModelServer | None) -> AsyncIterator[None]:
    """Serve the model while the block lasts, if there is one."""
    if model is None:
        yield
        return
    async with model:
        yield


def _model_settings(model: ModelServer | None) -> Json:
    if model is None:
        return {}
    if isinstance(model, AnthropicServer):
        return {"anthropic_base_url": model.base_url, "anthropic_api_key": SecretStr("sk-ant-test-key-0000")}
    return {"openai_base_url": model.base_url, "openai_api_key": SecretStr("sk-test-key-000000")}


def blocks_of(message: Json, *kinds: str) -> list[Json]:
    """The blocks of these types in a message, those of a plan included."""
    blocks = list(message.get("blocks") or ())
    blocks += [card for block in blocks if block["type"] == "plan" for card in block["tasks"]]
    return [block for block in blocks if block["type"] in kinds]


def buttons_of(message: Json) -> list[str]:
    """The action ids of the buttons under a message."""
    return [element["action_id"] for block in blocks_of(message, "actions") for element in block["elements"]]
