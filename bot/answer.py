"""Answer one question: history → loop → reply → logs.

Slack and the run engine are handed in as protocols, so this reads as the story of one answer and nothing more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Iterator, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from datetime import UTC, datetime, tzinfo
from typing import TYPE_CHECKING, Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import httpx2
from humanloop.prompt_utils import populate_prompt_template
from sqlalchemy.exc import DBAPIError

from bot import loop
from bot.conversation import (
    Answer,
    ChatMessage,
    Done,
    Event,
    History,
    Link,
    ModelReply,
    Outcome,
    Pause,
    Paused,
    Person,
    Question,
    TextDelta,
    ToolCall,
    ToolChoice,
    ToolFinished,
    ToolResult,
)
from bot.deadline import Deadline
from bot.errors import DatabaseBusy, QuestionTimedOut, RunError, Unexpected
from bot.flow import Flows, ToolRun
from bot.interfaces import Approvals, Reply, Steps, Transcript
from bot.model import HumanloopModel, Prompt
from tools import Access, Asker, Context, Elicit, Elicitation, ElicitationAnswer, Registry
from tools import Outcome as ToolOutcome

if TYPE_CHECKING:
    # Only handed on to tools: answering itself knows no Slack.
    from slack_sdk.web.async_client import AsyncWebClient

_log = logging.getLogger(__name__)


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
    slack: AsyncWebClient
    action_token: Callable[[str], str]
    """Slack's leave to search as the asker, by the question's run id; empty where there is none."""


Observer: TypeAlias = Callable[[Question, Event], None]

_NO_THREAD = "This has to be approved first, and a slash command has no thread to do that in."
_ASK_THERE = "Do not repeat this call. Tell the asker to ask for it in a channel, a thread or a direct message."
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
    approvals: Approvals
    elicit: Callable[[Question, ToolCall], Elicit | None]
    """How a tool asks the asker something while it runs; `None` where it can't."""
    limits: Limits
    observe: Observer
    talking: asyncio.Semaphore
    """How many questions may ask things of Slack at a time: a burst must not hold up the event loop."""

    async def answer(self, question: Question, steps: Steps) -> Outcome:
        """Answer `question`. Whatever goes wrong is shown in the answer's place, and is not raised."""
        reply = self.open_reply(question, steps)
        work = _Work(self, question, steps, reply)
        try:
            outcome = await work.run()
        except Exception as fault:  # every fault must end in a message to the asker
            error = _as_run_error(fault)
            _log.error("No answer: %s: %s", type(error).__name__, error, exc_info=isinstance(error, Unexpected))
            await reply.fail(error)
            outcome = Outcome("failed", error.sentence, error=type(error).__name__)
        except BaseException:  # cancelled, by asyncio or by the run engine
            await reply.abandon()
            raise
        await self.flows.finish(question, work.tool_runs, outcome)
        return outcome


class _Work:
    """The work on one question."""

    def __init__(self, parts: Answerer, question: Question, steps: Steps, reply: Reply) -> None:
        self._parts = parts
        self._question = question
        self._steps = steps
        self._reply = reply
        self._deadline = Deadline()
        self.tool_runs: list[ToolRun] = []
        self._used: list[str] = []

    async def run(self) -> Outcome:
        """Work out the answer and show it, or come to where people have to decide."""
        async with self._deadline:
            # First of all, so that the question is seen to be heard.
            await self._begin()
            history, _ = await asyncio.gather(self._history(), self._open_flow())
            started = time.monotonic()
            self._reply.know(history)
            now = datetime.now(_zone(history.asker))
            messages = [*history.messages, *self._context(history, now)]
            end = await self._converse(messages, history, now)
            # What is answered is delivered, however long Slack makes it wait.
            self._deadline.lift()
            if isinstance(end, Paused):
                return await self._pause(end.pause)
            return await self._finish(end, time.monotonic() - started)

    async def _pause(self, pause: Pause) -> Outcome:
        messages = await self._reply.pause()
        await self._parts.approvals.open(self._question, self._steps, pause.calls)
        return Outcome("paused", "", pause=pause, messages=messages)

    async def _finish(self, done: Done, seconds: float) -> Outcome:
        answer = Answer(
            text=done.text + (_CUT if done.cut else ""),
            model=str(self._parts.prompt.parameters.get("model", "")),
            tools=tuple(self._used),
            seconds=seconds,
            cost=done.usage.cost,
        )
        await self._reply.finish(answer)
        return Outcome("answered", answer.text)

    async def _begin(self) -> None:
        async with self._parts.talking:
            await self._reply.begin()

    async def _open_flow(self) -> None:
        async with self._parts.talking:
            await self._parts.flows.begin(self._question)

    async def _history(self) -> History:
        await self._steps.turn()
        # The thread is read, and the question's time begins, when the earlier answers are there.
        self._deadline.start(self._parts.limits.question_timeout_s)
        async with self._parts.talking:
            return await self._parts.transcript.history(self._question)

    async def _converse(
        self, messages: Sequence[ChatMessage], history: History, now: datetime
    ) -> Done | Paused:
        context = self._tool_context(history, now)
        access = Access.of(context)
        tools = self._parts.tools
        schemas = tools.schemas_for(access)
        resumption = await self._resumption()
        approved = resumption.approved if resumption else ()
        events = loop.run(
            messages,
            lambda so_far, choice: self._call_model(so_far, choice, schemas),
            lambda call: self._call_tool(call, context, approved=call in approved),
            tool_turns=self._parts.limits.tool_turns,
            needs_approval=lambda call: (
                self._has_thread and tools.needs_approval(call.name, call.arguments, access)
            ),
            resumption=resumption,
        )
        async with aclosing(events):
            async for event in events:
                self._parts.observe(self._question, event)
                self._reply.show(event)
                if isinstance(event, ToolFinished):
                    # Also those that a former process called, which are only read back.
                    self._used.append(event.call.name)
                elif isinstance(event, Done | Paused):
                    end = event
        return end

    @property
    def _has_thread(self) -> bool:
        """Whether there is a place for people to decide in."""
        return self._question.source != "command"

    async def _resumption(self) -> loop.Resumption | None:
        paused = self._steps.resumes
        if paused is None:
            return None
        return loop.Resumption(paused.pause, await self._parts.approvals.verdicts(paused))

    def _context(self, history: History, now: datetime) -> Iterator[ChatMessage]:
        inputs = {
            "now": f"{now:%A}, {now.day} {now:%B %Y, %H:%M}",
            "asker": history.asker.name,
            "timezone": history.asker.timezone,
            "channel": history.place,
        }
        for message in self._parts.prompt.context:
            yield ChatMessage(message["role"], populate_prompt_template(message["content"], inputs))

    def _tool_context(self, history: History, now: datetime) -> Context:
        around = self._parts.surroundings
        return Context(
            asker=_asker(history.asker),
            channel=self._question.channel,
            thread_ts=self._question.thread_ts,
            participants=tuple(map(_asker, history.people)),
            http=around.http,
            now=now,
            run_id=self._question.run_id,
            config=around.config,
            sample_data=around.sample_data,
            state=around.state,
            slack=around.slack,
            action_token=around.action_token(self._question.run_id),
        )

    def _call_model(
        self,
        messages: Sequence[ChatMessage],
        tool_choice: ToolChoice,
        tool_schemas: Sequence[Mapping[str, Any]],
    ) -> AsyncGenerator[TextDelta | ModelReply, None]:
        return self._steps.stream(
            "model",
            ModelReply,
            lambda: self._parts.model.call(
                messages,
                tool_choice,
                tool_schemas,
                flow_log_id=self._parts.flows.log_id(self._question),
                user=self._question.user,
            ),
        )

    def _call_tool(self, call: ToolCall, context: Context, *, approved: bool) -> Awaitable[ToolResult]:
        own = replace(
            context,
            call_id=call.id,
            progress=lambda text: self._reply.report(call, text),
            elicit=self._untimed(self._parts.elicit(self._question, call)),
        )

        async def work() -> ToolResult:
            started = datetime.now(UTC)
            outcome = await self._outcome(call, own, approved=approved)
            ended = datetime.now(UTC)
            result = ToolResult(
                call.id,
                call.name,
                outcome.content,
                outcome.ok,
                (ended - started).total_seconds(),
                outcome.summary,
                tuple(Link(source.title, source.url) for source in outcome.sources),
            )
            self.tool_runs.append(ToolRun(call, result, started, ended))
            return result

        return self._steps.run(f"tool {call.name}", ToolResult, work)

    async def _outcome(self, call: ToolCall, context: Context, *, approved: bool) -> ToolOutcome:
        tools = self._parts.tools
        if not self._has_thread and tools.needs_approval(call.name, call.arguments, Access.of(context)):
            return ToolOutcome.refusal(_NO_THREAD, _ASK_THERE, context.config)
        return await tools.call(call.name, call.arguments, context, approved=approved)

    def _untimed(self, elicit: Elicit | None) -> Elicit | None:
        """The same, while the question's time rests."""
        if elicit is None:
            return None

        async def ask(elicitation: Elicitation) -> ElicitationAnswer:
            with self._deadline.resting():
                return await elicit(elicitation)

        return ask


def _asker(person: Person) -> Asker:
    return Asker(
        person.id,
        person.name,
        person.timezone,
        locale=person.locale,
        is_guest=person.is_guest,
        is_external=person.is_external,
        groups=person.groups,
    )


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
