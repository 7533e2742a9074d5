"""Looks on while questions are answered: counts, times and traces what happens.

Every model and tool call passes through its run's steps, so watching the steps is enough. What a resumed run
reads back from storage is not seen again: it was counted when it happened.
"""

from __future__ import annotations

import time
from collections.abc import AsyncGenerator, Awaitable, Callable, Collection
from contextlib import AbstractAsyncContextManager, aclosing
from dataclasses import dataclass
from typing import TypeAlias, TypeVar

from opentelemetry.trace import Span

from bot.agent.interfaces import Steps
from bot.conversation import ModelReply, Outcome, PausedRun, Question, ToolResult
from bot.errors import ModelError, ModelKeyRefused, ModelUnreachable
from bot.telemetry.metrics import Metrics
from bot.telemetry.probes import LastCall
from bot.telemetry.traces import Traces, mark_outcome, mark_reply, mark_result

Answer: TypeAlias = Callable[[Question, Steps], Awaitable[Outcome]]
"""Answers a question in steps, and raises nothing but a cancellation."""

Value = TypeVar("Value")
Live = TypeVar("Live")

_UNKNOWN_TOOL = "unknown"
_NO_MODEL = (ModelUnreachable, ModelKeyRefused)


@dataclass(frozen=True, slots=True)
class Watch:
    """Where what happens is noted."""

    metrics: Metrics
    traces: Traces
    model_name: str
    """As the metrics call it."""
    tool_names: Callable[[], Collection[str]]
    """The tools there are now; a model may ask for others."""
    model: LastCall

    def over(self, answer: Answer) -> Answer:
        """The same `answer`, watched."""

        async def watched(question: Question, steps: Steps) -> Outcome:
            started = time.perf_counter()
            if steps.resumes is None:
                self.metrics.questions.labels(question.source).inc()
            with self.traces.question(question, steps.run_id) as span:
                outcome = await answer(question, _WatchedSteps(self, span, steps))
                mark_outcome(span, outcome)
            self.metrics.run_seconds.observe(time.perf_counter() - started)
            if outcome.error is not None:
                self.metrics.failures.labels(outcome.error).inc()
            elif outcome.state == "answered":
                self.metrics.answers.inc()
            return outcome

        return watched

    def note_reply(self, span: Span, reply: ModelReply, seconds: float) -> None:
        """A model call went well."""
        mark_reply(span, reply)
        self.model.succeeded()
        self.metrics.model_seconds.labels(self.model_name, "ok").observe(seconds)
        self.metrics.tokens.labels(self.model_name, "input").inc(reply.usage.input_tokens or 0)
        self.metrics.tokens.labels(self.model_name, "output").inc(reply.usage.output_tokens or 0)

    def note_failure(self, error: ModelError, seconds: float) -> None:
        """A model call failed."""
        if isinstance(error, _NO_MODEL):
            self.model.failed(f"its last call ended in {type(error).__name__}")
        else:
            self.model.succeeded()
        self.metrics.model_seconds.labels(self.model_name, type(error).__name__).observe(seconds)

    def note_result(self, span: Span, tool: str, result: ToolResult, seconds: float) -> None:
        """A tool call ended, well or not."""
        mark_result(span, result)
        self.metrics.tool_seconds.labels(tool, "ok" if result.ok else "failed").observe(seconds)

    def known_tool(self, name: str) -> str:
        """`name`, or one word for all names that a model made up."""
        return name if name in self.tool_names() else _UNKNOWN_TOOL


class _WatchedSteps:
    """A question's steps; its model and tool calls are watched while they run."""

    def __init__(self, watch: Watch, question: Span, steps: Steps) -> None:
        self._watch = watch
        self._question = question
        self._steps = steps

    @property
    def run_id(self) -> str:
        return self._steps.run_id

    @property
    def revision(self) -> str:
        return self._steps.revision

    @property
    def may_have_posted(self) -> bool:
        return self._steps.may_have_posted

    @property
    def resumes(self) -> PausedRun | None:
        return self._steps.resumes

    async def turn(self) -> None:
        await self._steps.turn()

    def resting(self) -> AbstractAsyncContextManager[None]:
        return self._steps.resting()

    def run(self, name: str, kind: type[Value], work: Callable[[], Awaitable[Value]]) -> Awaitable[Value]:
        if issubclass(kind, ToolResult):
            work = self._tool(name.removeprefix("tool "), work)
        return self._steps.run(name, kind, work)

    def stream(
        self, name: str, kind: type[Value], work: Callable[[], AsyncGenerator[Live | Value, None]]
    ) -> AsyncGenerator[Live | Value, None]:
        if issubclass(kind, ModelReply):
            work = self._model(work)
        return self._steps.stream(name, kind, work)

    def _tool(self, name: str, work: Callable[[], Awaitable[Value]]) -> Callable[[], Awaitable[Value]]:
        tool = self._watch.known_tool(name)

        async def watched() -> Value:
            started = time.perf_counter()
            with self._watch.traces.tool_call(self._question, tool) as span:
                result = await work()
                if isinstance(result, ToolResult):
                    self._watch.note_result(span, tool, result, time.perf_counter() - started)
            return result

        return watched

    def _model(
        self, work: Callable[[], AsyncGenerator[Live | Value, None]]
    ) -> Callable[[], AsyncGenerator[Live | Value, None]]:
        async def watched() -> AsyncGenerator[Live | Value, None]:
            started = time.perf_counter()
            try:
                with self._watch.traces.model_call(self._question) as span:
                    async with aclosing(work()) as values:
                        async for value in values:
                            if isinstance(value, ModelReply):
                                self._watch.note_reply(span, value, time.perf_counter() - started)
                            yield value
            except ModelError as error:
                self._watch.note_failure(error, time.perf_counter() - started)
                raise

        return watched
