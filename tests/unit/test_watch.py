"""The watch over answers: live calls are noted once, read-back ones not at all, and cancelled ones end."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, nullcontext
from typing import TypeVar

import pytest
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor
from opentelemetry.sdk.trace.export.in_memory_span_exporter import InMemorySpanExporter
from support.http_bot import Samples

from bot.agent.interfaces import Steps
from bot.conversation import ChatMessage, ModelReply, Outcome, Question, TextDelta, ToolResult, Usage
from bot.errors import ContextTooLong, ModelError, ModelKeyRefused
from bot.telemetry.metrics import Metrics
from bot.telemetry.probes import LastCall
from bot.telemetry.traces import Traces
from bot.telemetry.watch import Watch

Value = TypeVar("Value")
Live = TypeVar("Live")

QUESTION = Question("T1", "C1", "1.1", "1.1", "U1", "Hello?", "mention")
REPLY = ModelReply(ChatMessage("assistant", "Hi."), "stop", Usage(10, 2))
RESULT = ToolResult("call_1", "clock", "noon", ok=True)


class LiveSteps:
    """Steps that run and are stored nowhere."""

    run_id = revision = "T1:C1:1.1"
    may_have_posted = False
    resumes = None

    async def turn(self) -> None:
        return None

    def resting(self) -> AbstractAsyncContextManager[None]:
        return nullcontext()

    def run(self, name: str, kind: type[Value], work: Callable[[], Awaitable[Value]]) -> Awaitable[Value]:
        return work()

    def stream(
        self, name: str, kind: type[Value], work: Callable[[], AsyncGenerator[Live | Value, None]]
    ) -> AsyncGenerator[Live | Value, None]:
        return work()


class StoredSteps(LiveSteps):
    """Steps that all ended before a restart: their results are read back."""

    def __init__(self, *results: object) -> None:
        self._results = {type(result): result for result in results}

    def run(self, name: str, kind: type[Value], work: Callable[[], Awaitable[Value]]) -> Awaitable[Value]:
        async def read() -> Value:
            result = self._results[kind]
            assert isinstance(result, kind)
            return result

        return read()


class Scene:
    """A watch, and what it noted."""

    def __init__(self) -> None:
        self._exporter = InMemorySpanExporter()
        provider = TracerProvider(shutdown_on_exit=False)
        provider.add_span_processor(SimpleSpanProcessor(self._exporter))
        self.metrics = Metrics()
        traces = Traces(provider.get_tracer("test"), "mock", "offline")
        self.watch = Watch(self.metrics, traces, "mock/offline", lambda: ["clock"], LastCall())

    @property
    def spans(self) -> dict[str, object]:
        """The error type of each span by its name."""
        ended = self._exporter.get_finished_spans()
        return {span.name: (span.attributes or {}).get("error.type") for span in ended}

    @property
    def samples(self) -> Samples:
        return Samples(self.metrics.exposition().decode())


async def model() -> AsyncGenerator[TextDelta | ModelReply, None]:
    yield TextDelta("Hi.")
    yield REPLY


async def clock() -> ToolResult:
    return RESULT


async def answer(_question: Question, steps: Steps) -> Outcome:
    assert await steps.run("tool clock", ToolResult, clock) == RESULT
    events = [event async for event in steps.stream("model", ModelReply, model)]
    assert events == [TextDelta("Hi."), REPLY]
    return Outcome("answered", "Hi.")


async def test_live_calls_are_counted_and_traced() -> None:
    scene = Scene()
    await scene.watch.over(answer)(QUESTION, LiveSteps())
    assert scene.spans == {"execute_tool clock": None, "chat offline": None, "invoke_agent threadloop": None}
    assert scene.samples.value("threadloop_tokens_total", kind="input") == 10
    assert scene.samples.value("threadloop_tokens_total", kind="output") == 2
    assert scene.samples.value("threadloop_tool_seconds_count", tool="clock") == 1


async def test_what_is_read_back_after_a_restart_is_not_counted_again() -> None:
    scene = Scene()

    async def resumed(_question: Question, steps: Steps) -> Outcome:
        await steps.run("tool clock", ToolResult, clock)
        return Outcome("answered", "Hi.")

    await scene.watch.over(resumed)(QUESTION, StoredSteps(RESULT))
    assert scene.samples.value("threadloop_tool_seconds_count") == 0
    assert scene.spans == {"invoke_agent threadloop": None}


async def test_steps_that_are_no_calls_pass_unseen() -> None:
    scene = Scene()

    async def post() -> str:
        return "1.2"

    async def posting(_question: Question, steps: Steps) -> Outcome:
        assert await steps.run("show part 0", str, post) == "1.2"
        await steps.turn()
        assert (steps.run_id, steps.may_have_posted) == ("T1:C1:1.1", False)
        return Outcome("answered", "Hi.")

    await scene.watch.over(posting)(QUESTION, LiveSteps())
    assert scene.spans == {"invoke_agent threadloop": None}


async def test_a_cancelled_question_ends_its_spans_and_is_neither_answered_nor_failed() -> None:
    scene, begun = Scene(), asyncio.Event()

    async def endless() -> ToolResult:
        begun.set()
        await asyncio.Event().wait()
        return RESULT

    async def hanging(_question: Question, steps: Steps) -> Outcome:
        await steps.run("tool clock", ToolResult, endless)
        raise AssertionError("the tool never ends")

    task = asyncio.ensure_future(scene.watch.over(hanging)(QUESTION, LiveSteps()))
    await begun.wait()
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert scene.spans == {
        "execute_tool clock": "CancelledError",
        "invoke_agent threadloop": "CancelledError",
    }
    assert scene.samples.value("threadloop_answers_total") == 0
    assert scene.samples.value("threadloop_failures_total") == 0


async def test_a_reader_who_has_the_reply_leaves_no_failure_behind() -> None:
    scene = Scene()

    async def takes_the_reply(_question: Question, steps: Steps) -> Outcome:
        events = steps.stream("model", ModelReply, model)
        while await anext(events) != REPLY:
            pass
        await events.aclose()
        return Outcome("answered", "Hi.")

    await scene.watch.over(takes_the_reply)(QUESTION, LiveSteps())
    assert scene.spans == {"chat offline": None, "invoke_agent threadloop": None}


@pytest.mark.parametrize(
    ("error", "fault"),
    [(ModelKeyRefused(), "its last call ended in ModelKeyRefused"), (ContextTooLong(), None)],
    ids=["refuses-us", "refuses-the-question"],
)
async def test_only_a_model_that_can_answer_nobody_makes_the_bot_unready(
    error: ModelError, fault: str | None
) -> None:
    scene = Scene()

    async def failing() -> AsyncGenerator[TextDelta | ModelReply, None]:
        yield TextDelta("Well")
        raise error

    async def asking(_question: Question, steps: Steps) -> Outcome:
        with pytest.raises(type(error)):
            [event async for event in steps.stream("model", ModelReply, failing)]
        return Outcome("failed", error.sentence, error=type(error).__name__)

    await scene.watch.over(asking)(QUESTION, LiveSteps())
    assert await scene.watch.model.fault() == fault
    assert scene.spans["chat offline"] == type(error).__name__
    assert scene.samples.value("threadloop_failures_total", error=type(error).__name__) == 1
