"""Answer one question: history → loop → reply → logs.

Slack and the run engine are handed in as protocols, so this reads as the story of one answer and nothing more.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass
from datetime import UTC, datetime, tzinfo
from typing import Protocol, TypeAlias, TypeVar
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx2
from humanloop.prompt_utils import populate_prompt_template
from sqlalchemy.exc import DBAPIError

from bot import loop
from bot.conversation import (
    ChatMessage,
    Done,
    Event,
    History,
    ModelReply,
    Outcome,
    Person,
    Question,
    TextDelta,
    ToolCall,
    ToolChoice,
    ToolResult,
)
from bot.errors import DatabaseBusy, QuestionTimedOut, RunError, Unexpected
from bot.flow import Flows, ToolRun
from bot.model import HumanloopModel, Prompt
from tools import Asker, Context, Registry

_log = logging.getLogger(__name__)

Value = TypeVar("Value")
Live = TypeVar("Live")


class Steps(Protocol):
    """Runs the steps of one question so that a finished one is not run again after a restart."""

    @property
    def run_id(self) -> str:
        """The run's id, for people: the question's, and the revision if it was asked anew."""

    @property
    def may_have_posted(self) -> bool:
        """Whether an earlier attempt at this question may have shown something already."""

    async def turn(self) -> None:
        """Wait until the earlier questions of the thread are answered.

        Raises:
            TooManyQuestions: too many wait already.
        """

    def run(self, name: str, kind: type[Value], work: Callable[[], Awaitable[Value]]) -> Awaitable[Value]:
        """Run `work` once and keep its result. The step is numbered when this is called, not when awaited."""

    def stream(
        self, name: str, kind: type[Value], work: Callable[[], AsyncGenerator[Live | Value, None]]
    ) -> AsyncGenerator[Live | Value, None]:
        """Run a generator as one step. Its last value, of type `kind`, is kept; the others are live only."""


class Reply(Protocol):
    """One answer's life where the asker sees it."""

    async def begin(self) -> None:
        """Show that the question was heard."""

    async def finish(self, text: str) -> None:
        """Show the answer."""

    async def fail(self, error: RunError) -> None:
        """Show what went wrong, with the run id. Never raises."""


class Transcript(Protocol):
    """Reads a question's thread."""

    async def history(self, question: Question) -> History:
        """The thread up to the question, as chat messages."""


@dataclass(frozen=True, slots=True)
class Limits:
    """What one question may use."""

    tool_turns: int
    question_timeout_s: float


@dataclass(frozen=True, slots=True)
class ToolSurroundings:
    """What tools get to know besides the question."""

    http: httpx2.AsyncClient
    config: Mapping[str, str]
    sample_data: bool
    state: dict[str, object]


Observer: TypeAlias = Callable[[Question, Event], None]

_CUT = "\n\n_The answer was cut at the model's length limit._"


@dataclass(frozen=True, slots=True)
class Answerer:
    """Answers questions. All its parts are shared by all of them."""

    transcript: Transcript
    open_reply: Callable[[Question, Steps], Reply]
    model: HumanloopModel
    prompt: Prompt
    tools: Registry
    surroundings: ToolSurroundings
    flows: Flows
    limits: Limits
    observe: Observer
    talking: asyncio.Semaphore
    """How many questions may ask things of Slack at a time: a burst must not hold up the event loop."""

    async def answer(self, question: Question, steps: Steps) -> Outcome:
        """Answer `question`. Whatever goes wrong is shown in the answer's place, and is not raised."""
        reply = self.open_reply(question, steps)
        work = _Work(self, question, steps, reply)
        try:
            outcome = Outcome("answered", await work.run())
        except Exception as fault:  # every fault must end in a message to the asker
            error = _as_run_error(fault)
            _log.error("No answer: %s: %s", type(error).__name__, error, exc_info=isinstance(error, Unexpected))
            await reply.fail(error)
            outcome = Outcome("failed", error.sentence, error=type(error).__name__)
        await self.flows.finish(question, work.tool_runs, outcome)
        return outcome


class _Work:
    """The work on one question."""

    def __init__(self, parts: Answerer, question: Question, steps: Steps, reply: Reply) -> None:
        self._parts = parts
        self._question = question
        self._steps = steps
        self._reply = reply
        self.tool_runs: list[ToolRun] = []

    async def run(self) -> str:
        """Work out the answer, show it, and return its Markdown."""
        async with asyncio.timeout(None) as limit:
            history, _ = await asyncio.gather(self._history(limit), self._begin())
            now = datetime.now(_zone(history.asker))
            messages = [*history.messages, *self._context(history, now)]
            text = await self._converse(messages, history.asker, now)
            await self._reply.finish(text)
        return text

    async def _begin(self) -> None:
        async with self._parts.talking:
            await asyncio.gather(self._reply.begin(), self._parts.flows.begin(self._question))

    async def _history(self, limit: asyncio.Timeout) -> History:
        await self._steps.turn()
        # The thread is read, and the question's time begins, when the earlier answers are there.
        limit.reschedule(asyncio.get_running_loop().time() + self._parts.limits.question_timeout_s)
        async with self._parts.talking:
            return await self._parts.transcript.history(self._question)

    async def _converse(self, messages: Sequence[ChatMessage], asker: Person, now: datetime) -> str:
        context = self._tool_context(asker, now)
        events = loop.run(
            messages,
            self._call_model,
            lambda call: self._call_tool(call, context),
            tool_turns=self._parts.limits.tool_turns,
        )
        text = ""
        async with aclosing(events):
            async for event in events:
                self._parts.observe(self._question, event)
                if isinstance(event, Done):
                    text = event.text + (_CUT if event.cut else "")
        return text

    def _context(self, history: History, now: datetime) -> Iterator[ChatMessage]:
        inputs = {
            "now": f"{now:%A}, {now.day} {now:%B %Y, %H:%M}",
            "asker": history.asker.name,
            "timezone": history.asker.timezone,
            "channel": history.place,
        }
        for message in self._parts.prompt.context:
            yield ChatMessage(message["role"], populate_prompt_template(message["content"], inputs))

    def _tool_context(self, asker: Person, now: datetime) -> Context:
        around = self._parts.surroundings
        return Context(
            asker=Asker(asker.id, asker.name, asker.timezone),
            channel=self._question.channel,
            http=around.http,
            now=now,
            run_id=self._question.run_id,
            config=around.config,
            sample_data=around.sample_data,
            state=around.state,
        )

    def _call_model(
        self, messages: Sequence[ChatMessage], tool_choice: ToolChoice
    ) -> AsyncGenerator[TextDelta | ModelReply, None]:
        return self._steps.stream(
            "model",
            ModelReply,
            lambda: self._parts.model.call(
                messages,
                tool_choice,
                flow_log_id=self._parts.flows.log_id(self._question),
                user=self._question.user,
            ),
        )

    def _call_tool(self, call: ToolCall, context: Context) -> Awaitable[ToolResult]:
        async def work() -> ToolResult:
            started = datetime.now(UTC)
            outcome = await self._parts.tools.call(call.name, call.arguments, context)
            ended = datetime.now(UTC)
            result = ToolResult(
                call.id, call.name, outcome.content, outcome.ok, (ended - started).total_seconds()
            )
            self.tool_runs.append(ToolRun(call, result, started, ended))
            return result

        return self._steps.run(f"tool {call.name}", ToolResult, work)


def _zone(person: Person) -> tzinfo:
    try:
        return ZoneInfo(person.timezone)
    except (ZoneInfoNotFoundError, ValueError):
        return UTC


def _as_run_error(fault: Exception) -> RunError:
    if isinstance(fault, RunError):
        return fault
    if isinstance(fault, TimeoutError):
        return QuestionTimedOut()
    if isinstance(fault, DBAPIError):
        return DatabaseBusy(f"{type(fault).__name__}: {fault.orig}")
    return Unexpected(f"{type(fault).__name__}: {fault}")
