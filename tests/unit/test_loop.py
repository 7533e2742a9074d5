"""The tool-call loop with a scripted model, without anything else of the bot."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Sequence

import pytest

from bot.agent import loop
from bot.conversation import (
    ChatMessage,
    Done,
    Event,
    ModelReply,
    TextDelta,
    ToolCall,
    ToolChoice,
    ToolFinished,
    ToolResult,
    ToolStarted,
    Usage,
)
from bot.errors import EmptyAnswer

QUESTION = [ChatMessage("user", "Ada: well?")]


class ScriptedModel:
    """Gives its replies in order, and keeps what it was asked. `live` ones come as text first."""

    def __init__(self, *replies: ModelReply, live: bool = True) -> None:
        self._replies = list(replies)
        self._live = live
        self.asked: list[list[ChatMessage]] = []
        self.choices: list[ToolChoice] = []

    async def __call__(
        self, messages: Sequence[ChatMessage], tool_choice: ToolChoice
    ) -> AsyncGenerator[TextDelta | ModelReply, None]:
        self.asked.append(list(messages))
        self.choices.append(tool_choice)
        reply = self._replies.pop(0)
        if self._live and isinstance(reply.message.content, str):
            yield TextDelta(reply.message.content)
        yield reply


class EchoTools:
    """Each call's result is its arguments; a call named `wait` ends only when it is released."""

    def __init__(self) -> None:
        self.ran: list[str] = []
        self.cancelled: list[str] = []
        self.release = asyncio.Event()

    async def __call__(self, call: ToolCall) -> ToolResult:
        self.ran.append(call.id)
        if call.name == "wait":
            try:
                await self.release.wait()
            except asyncio.CancelledError:
                self.cancelled.append(call.id)
                raise
        return ToolResult(call.id, call.name, call.arguments, ok=call.name != "fail")


async def test_text_without_tool_calls_is_the_answer() -> None:
    events = await _run(ScriptedModel(_says("Well.")), EchoTools())
    assert events == [TextDelta("Well."), Done("Well.", Usage(1, 1), turns=1)]


@pytest.mark.parametrize("live", [True, False], ids=["bit by bit", "read from the database after a restart"])
async def test_what_was_said_in_every_turn_is_the_answer(live: bool) -> None:
    replies = (_calls(ToolCall("1", "echo", "{}"), say="Let me look."), _calls(ToolCall("2", "echo", "{}")))
    events = await _run(ScriptedModel(*replies, _says("It falls."), live=live), EchoTools())
    done = events[-1]
    assert isinstance(done, Done)
    assert done.text == "Let me look.\n\nIt falls."
    assert "".join(event.text for event in events if isinstance(event, TextDelta)) == done.text


async def test_results_go_back_in_the_order_of_the_calls_whichever_ends_first() -> None:
    slow, quick = ToolCall("1", "wait", '{"n": 1}'), ToolCall("2", "echo", '{"n": 2}')
    model, tools = ScriptedModel(_calls(slow, quick), _says("Done.")), EchoTools()
    events: list[Event] = []
    async for event in loop.run(QUESTION, model, tools, tool_turns=8):
        events.append(event)
        if isinstance(event, ToolFinished):
            tools.release.set()
    assert [event.call.id for event in events if isinstance(event, ToolStarted)] == ["1", "2"]
    assert [event.call.id for event in events if isinstance(event, ToolFinished)] == ["2", "1"]
    assert [message.tool_call_id for message in model.asked[1][-2:]] == ["1", "2"]
    assert model.asked[1][:-2] == [*QUESTION, ChatMessage("assistant", tool_calls=(slow, quick))]


async def test_the_same_call_is_run_once_whatever_its_json_looks_like() -> None:
    first, same = ToolCall("1", "echo", '{"a": 1, "b": 2}'), ToolCall("2", "echo", '{"b":2,"a":1}')
    model, tools = (
        ScriptedModel(_calls(first, same), _calls(ToolCall("3", "echo", first.arguments)), _says(".")),
        EchoTools(),
    )
    await _run(model, tools)
    assert tools.ran == ["1"]
    assert [m.tool_call_id for m in model.asked[2] if m.role == "tool"] == ["1", "2", "3"]


async def test_a_call_that_failed_may_be_tried_again() -> None:
    model = ScriptedModel(_calls(ToolCall("1", "fail", "{}")), _calls(ToolCall("2", "fail", "{}")), _says("."))
    tools = EchoTools()
    await _run(model, tools)
    assert tools.ran == ["1", "2"]


async def test_at_the_limit_the_model_is_asked_for_an_answer_without_tools() -> None:
    turns = [_calls(ToolCall(str(n), "echo", str(n))) for n in range(2)]
    model = ScriptedModel(*turns, _says("Enough."))
    events = await _run(model, EchoTools(), tool_turns=2)
    assert model.choices == ["auto", "auto", "none"]
    assert events[-1] == Done("Enough.", Usage(3, 3), turns=3)


async def test_an_empty_answer_is_an_error() -> None:
    with pytest.raises(EmptyAnswer):
        await _run(ScriptedModel(_says("  ")), EchoTools())


async def test_an_answer_at_the_length_limit_is_marked_as_cut() -> None:
    events = await _run(ScriptedModel(_says("And then", finish_reason="length")), EchoTools())
    assert events[-1] == Done("And then", Usage(1, 1), turns=1, cut=True)


async def test_giving_up_cancels_the_tools_that_run() -> None:
    model, tools = ScriptedModel(_calls(ToolCall("1", "wait", "{}"), ToolCall("2", "echo", "{}"))), EchoTools()
    events = loop.run(QUESTION, model, tools, tool_turns=8)
    async for event in events:
        if isinstance(event, ToolFinished):
            break
    await events.aclose()
    assert tools.cancelled == ["1"]


async def _run(model: ScriptedModel, tools: EchoTools, tool_turns: int = 8) -> list[Event]:
    return [event async for event in loop.run(QUESTION, model, tools, tool_turns=tool_turns)]


def _says(text: str, finish_reason: str = "stop") -> ModelReply:
    return ModelReply(ChatMessage("assistant", text), finish_reason, Usage(1, 1))


def _calls(*calls: ToolCall, say: str | None = None) -> ModelReply:
    return ModelReply(ChatMessage("assistant", say, tool_calls=calls), "tool_calls", Usage(1, 1))
