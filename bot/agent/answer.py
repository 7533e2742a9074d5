"""Answer one question: history → loop → reply → logs.

Slack and the run engine are handed in as protocols, so this reads as the story of one answer and nothing more.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, tzinfo
from typing import Any, TypeAlias
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from sqlalchemy.exc import DBAPIError

from bot.agent import loop
from bot.agent.deadline import Deadline
from bot.agent.flow import Flows, ToolRun
from bot.agent.interfaces import Approvals, Reply, Steps, Transcript
from bot.agent.model import HumanloopModel
from bot.agent.prompt import Prompt
from bot.agent.tool_calls import ToolCalls, ToolSurroundings
from bot.conversation import (
    Answer,
    ChatMessage,
    Done,
    Event,
    History,
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
)
from bot.errors import DatabaseBusy, QuestionTimedOut, RunError, Unexpected
from tools import Elicit, Registry

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """What one question may use."""

    tool_turns: int
    question_timeout_s: float


Observer: TypeAlias = Callable[[Question, Event], None]

_MOST_TALKING = 16
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
    talking: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MOST_TALKING))
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
        self.flows.finish(question, work.tool_runs, outcome)
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
        # Before people were asked to decide.
        self._used = list(steps.resumes.pause.tools) if steps.resumes else []
        self._seconds = steps.resumes.pause.seconds if steps.resumes else 0.0

    async def run(self) -> Outcome:
        """Work out the answer and show it, or come to where people have to decide."""
        async with self._deadline:
            # First of all, so that the question is seen to be heard.
            await self._begin()
            history, _ = await asyncio.gather(self._history(), self._open_flow())
            started = time.monotonic()
            self._reply.know(history)
            asked_at = self._question.asked_at.astimezone(_zone(history.asker))
            messages = [*history.messages, *self._parts.prompt.filled_in(history, asked_at)]
            end = await self._converse(messages, self._tool_calls(history, asked_at))
            # What is answered is delivered, however long Slack makes it wait.
            self._deadline.lift()
            self._seconds += time.monotonic() - started
            return await (self._pause(end.pause) if isinstance(end, Paused) else self._finish(end))

    async def _pause(self, pause: Pause) -> Outcome:
        messages = await self._reply.pause()
        await self._parts.approvals.open(self._question, self._steps, pause.calls)
        pause = replace(pause, tools=tuple(self._used), seconds=self._seconds)
        return Outcome("paused", "", pause=pause, messages=messages)

    async def _finish(self, done: Done) -> Outcome:
        answer = Answer(
            text=done.text + (_CUT if done.cut else ""),
            model=self._parts.prompt.model,
            tools=tuple(self._used),
            seconds=self._seconds,
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

    def _tool_calls(self, history: History, asked_at: datetime) -> ToolCalls:
        return ToolCalls(
            self._parts.tools,
            self._question,
            self._parts.surroundings.context(self._question, self._steps.revision, history, asked_at),
            self._steps,
            self._reply,
            self._deadline,
            self._parts.elicit,
            self._parts.approvals,
            done=self.tool_runs,
        )

    async def _converse(self, messages: Sequence[ChatMessage], calls: ToolCalls) -> Done | Paused:
        schemas, resumption = calls.schemas(), await self._resumption()
        approved = resumption.approved if resumption else ()
        events = loop.run(
            messages,
            lambda so_far, choice: self._call_model(so_far, choice, schemas),
            lambda call: calls.start(call, approved=call in approved),
            tool_turns=self._parts.limits.tool_turns,
            needs_approval=calls.needs_approval,
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

    async def _resumption(self) -> loop.Resumption | None:
        paused = self._steps.resumes
        if paused is None:
            return None
        return loop.Resumption(paused.pause, await self._parts.approvals.verdicts(paused))

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
