"""Three hundred questions in forty threads, and everything that a bot answers them with, under observation.

    async with Load.open(chance()) as load:
        …  # start a bot with load.environment(database_url)
        await load.ask(10)
        await load.until_answered()

Each question makes the model call one or two tools, for places that no other question asks for. So whatever was
done twice is seen: at the model, at the tool's service and in the workspace.
"""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from random import Random, SystemRandom
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from support.bot_processes import slack_environment
from support.model_replies import Reply
from support.openai_server import OpenAIServer, text, tool_calls
from support.patience import PATIENCE_S

from bot.http_server import serve
from bot.playground import Change, Playground, Seed
from bot.slack.marker import read_marker

QUESTIONS = 300
THREADS = 40
TOOL = "look_around"

# All of it on a small machine, beside other tests.
_WITHIN_S = 3 * PATIENCE_S
# What was sent before a death takes a few rounds of the event loop to arrive, on any machine.
_ROUNDS = 200
_NUMBER = re.compile(r"\bQ(\d+):")
_LETTERS = "abcdefghijklmnopqrstuvwxyz"
# It waits for as long as it takes: a time limit would make failed calls of a busy machine.
_TOOL = '''"""Tells what it is like somewhere."""

from tools import Context, tool


@tool
async def look_around(place: str, context: Context) -> str:
    """Tell what it is like somewhere.

    Args:
        place: where.
    """
    response = await context.http.get("{url}", params={{"place": place}}, timeout=None)
    return response.text
'''


@dataclass(frozen=True, slots=True)
class Asked:
    """A question that was posted."""

    number: int
    channel: str
    """Its id."""
    root: str
    ts: str
    run_id: str

    @property
    def thread(self) -> tuple[str, str]:
        """What tells its thread from others."""
        return self.channel, self.root


@dataclass(frozen=True, slots=True)
class Prompt:
    """A request that reached the model, and what of it matters here."""

    number: int
    """Of the question."""
    turn: int
    """How many rounds of tools came before."""
    answers: tuple[str, ...]
    """What the thread held of the bot's own."""
    at: float


class Places:
    """The service that the tool asks. It notes when it was asked for which place."""

    def __init__(self, on_request: Callable[[], object]) -> None:
        self.executions: list[tuple[str, float]] = []
        self._on_request = on_request

    @asynccontextmanager
    async def serve(self) -> AsyncIterator[Path]:
        """Serve while the block lasts; yield a folder with the tool."""
        app = Starlette(routes=[Route("/", self._tell)])
        async with serve(app) as url:
            with _folder_with(_TOOL.format(url=url)) as folder:
                yield folder

    async def _tell(self, request: Request) -> Response:
        place = request.query_params["place"]
        self.executions.append((place, time.time()))
        self._on_request()
        return PlainTextResponse(f"It is fair in {place}.")


@contextmanager
def _folder_with(tool: str) -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, f"{TOOL}.py").write_text(tool)
        yield Path(folder)


def chance() -> Random:
    """Chance that can be had again: pytest shows the printed seed of a test that failed."""
    seed = SystemRandom().getrandbits(32)
    print(f"seed: {seed}")
    return Random(seed)


def places(number: int) -> list[str]:
    """The places that a question is about: one or two, and nobody else's."""
    return [_place(2 * number + which) for which in range(1 + number % 2)]


def answer(number: int) -> str:
    """What the model says in the end."""
    return f"A{number}: fair in {' and '.join(places(number))}."


class Load:
    """The questions, and what became of them. `random` decides who asks what where."""

    def __init__(self, random: Random) -> None:
        self.playground = Playground(Seed.default(), retry_delays_s=(0.0, 5.0, 10.0))
        self.model = OpenAIServer(reply=self._reply)
        self.model_answers = asyncio.Event()
        """While it is not set, the model keeps everybody waiting."""
        self.model_answers.set()
        self.places = Places(on_request=self._look)
        self.asked: list[Asked] = []
        self.prompts: list[Prompt] = []
        self.deaths: list[float] = []
        """When a bot ended, in seconds since 1970: only then may something be done again."""
        self.faults: dict[int, list[Reply]] = {}
        """What the model answers to a question, by its number, before it comes to its senses."""
        self._random = random
        self._plan = _plan(random)
        self._roots: dict[int, tuple[str, str]] = {}
        # As a set that keeps its order.
        self._settled: dict[str, None] = {}
        self._due: tuple[int, Callable[[], None]] | None = None
        self._tools = Path()

    @classmethod
    @asynccontextmanager
    async def open(cls, random: Random) -> AsyncIterator[Self]:
        """The load, with its servers running."""
        load = cls(random)
        async with AsyncExitStack() as stack:
            await stack.enter_async_context(load.model)
            load._tools = await stack.enter_async_context(load.places.serve())
            await stack.enter_async_context(load.playground.serve())
            load.playground.workspace.listen(load._notice)
            yield load

    def environment(self, database_url: str, **variables: str) -> dict[str, str]:
        """The variables that a bot needs to answer these questions."""
        return {
            **slack_environment(self.playground),
            "TOOLS_DIR": str(self._tools),
            "TOOL_TIMEOUT_S": str(_WITHIN_S),
            "QUESTION_TIMEOUT_S": str(_WITHIN_S),
            "OPENAI_BASE_URL": self.model.base_url,
            "OPENAI_API_KEY": "sk-test-key-000000",
            "DATABASE_URL": database_url,
            # Three hundred questions in four conversations would take minutes at Slack's own pace.
            "SLACK_PACED": "false",
            **variables,
        }

    # asking

    async def ask(self, count: int) -> None:
        """Post the next questions, without waiting for anything."""
        for _ in range(min(count, len(self._plan) - len(self.asked))):
            await self._ask_next()

    async def _ask_next(self) -> None:
        number = len(self.asked)
        thread = self._plan[number]
        channel, root = self._roots.get(thread) or (await self._room(thread), "")
        members = self.playground.workspace.channel(channel).members
        asker = self._random.choice([who for who in ("ada", "grace", "linus") if self._id(who) in members])
        question = f"@threadloop Q{number}: how is it in {' and '.join(places(number))}?"
        ts = await self.playground.person(asker).say(channel, question, thread_ts=root or None)
        self._roots.setdefault(thread, (channel, ts))
        run_id = f"{self.playground.team_id}:{channel}:{ts}"
        self.asked.append(Asked(number, channel, root or ts, ts, run_id))

    async def _room(self, thread: int) -> str:
        """The conversation of a thread: two channels and two people's direct messages, in turn."""
        rooms = ("#general", "#ops", "ada", "grace")
        where = rooms[thread % len(rooms)]
        if where.startswith("#"):
            return self.playground.workspace.channel(where).id
        return await self.playground.person(where).open_dm()

    def _id(self, who: str) -> str:
        return self.playground.person(who).id

    # observing

    @property
    def settled(self) -> list[str]:
        """The run ids of the questions that were answered, in the order of the answers."""
        return list(self._settled)

    @property
    def all_answered(self) -> bool:
        """Whether nothing that was asked is open."""
        return len(self._settled) >= len(self.asked)

    async def until_connected(self, connections: int = 1) -> None:
        """Wait until so many bots have asked for a connection, and the first has one. Raises TimeoutError."""
        await self.playground.until(
            lambda: (
                sum(call.method == "apps.connections.open" for call in self.playground.calls) >= connections
            ),
            _WITHIN_S,
            what="a bot",
        )
        await self.playground.connected()

    async def until_events(self, events: int) -> None:
        """Wait until the bots have done that much more, or all there is to do. Raises TimeoutError."""
        enough = self.events + events
        await self.playground.until(lambda: self.events >= enough or self.all_answered, _WITHIN_S)

    async def until_answered(self) -> None:
        """Wait until everything that was asked is answered. Raises TimeoutError."""
        await self.playground.until(lambda: self.all_answered, _WITHIN_S, what="the answer to every question")

    @property
    def events(self) -> int:
        """How much the bots have done so far: calls of Slack, of the model and of the tool."""
        return len(self.playground.calls) + len(self.prompts) + len(self.places.executions)

    def after(self, events: int, act: Callable[[], None]) -> None:
        """Call `act` once, in the very moment when the bots have done that much more."""
        self._due = self.events + events, act

    async def until_due(self) -> None:
        """Wait until what `after` said has happened; it also happens when there is no more to do."""

        def happened() -> bool:
            self._look()
            return self._due is None or self.all_answered

        await self.playground.until(happened, _WITHIN_S, what="what is due")
        if self._due is not None:
            self._act(self._due[1])

    async def note_death(self) -> None:
        """Note that a bot has just been killed, or has ended.

        What it had sent by then is still on its way into this process, and is of that life, too.
        """
        for _ in range(_ROUNDS):
            self.deaths.append(time.time())
            await asyncio.sleep(0)

    def _look(self) -> None:
        if self._due is not None and self.events >= self._due[0]:
            self._act(self._due[1])

    def _act(self, act: Callable[[], None]) -> None:
        self._due = None
        act()

    def _notice(self, change: Change) -> None:
        marker = read_marker({"metadata": change.message.metadata}) if change.message else None
        if marker and marker.state != "pending":
            self._settled.setdefault(marker.run_id)
        # Before Slack's response, so that a bot may die without it.
        self._look()

    def _reply(self, request: dict[str, Any]) -> Reply:
        prompt = _read(request["messages"])
        self.prompts.append(prompt)
        self._look()
        if trouble := self.faults.get(prompt.number):
            return trouble.pop(0)
        if prompt.turn:
            reply = text(*re.split(r"(?<= )", answer(prompt.number)))
        else:
            reply = tool_calls(*((TOOL, {"place": place}) for place in places(prompt.number)))
        return replace(reply, wait=self.model_answers)


def _read(messages: list[dict[str, Any]]) -> Prompt:
    asked = [match[1] for message in messages if (match := _NUMBER.search(str(message.get("content"))))]
    answers = [message["content"] for message in messages if message["role"] == "assistant"]
    return Prompt(
        number=int(asked[-1]),
        turn=sum(bool(message.get("tool_calls")) for message in messages),
        answers=tuple(content for content in answers if content),
        at=time.time(),
    )


def _plan(random: Random) -> list[int]:
    """For each question its thread."""
    plan = [number % THREADS for number in range(QUESTIONS)]
    random.shuffle(plan)
    return plan


def _place(number: int) -> str:
    high, low = divmod(number, 26)
    return f"Town{_LETTERS[high // 26]}{_LETTERS[high % 26]}{_LETTERS[low]}"
