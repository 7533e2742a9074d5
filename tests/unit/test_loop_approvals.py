"""The loop where calls have to be approved: it pauses, and goes on from there."""

from __future__ import annotations

import json
from collections.abc import AsyncGenerator, Mapping, Sequence

from bot.agent import loop
from bot.conversation import (
    ChatMessage,
    Done,
    Event,
    ModelReply,
    Pause,
    Paused,
    TextDelta,
    ToolCall,
    ToolChoice,
    ToolFinished,
    ToolResult,
    ToolStarted,
    Usage,
    Verdict,
)

QUESTION = [ChatMessage("user", "Ada: well?")]
READ = ToolCall("1", "read", "{}")
WRITE = ToolCall("2", "write", '{"n": 1}')
YES = Verdict(True)


class ScriptedModel:
    """Gives its replies in order, and keeps what it was asked."""

    def __init__(self, *replies: ModelReply) -> None:
        self._replies = list(replies)
        self.asked: list[list[ChatMessage]] = []

    async def __call__(
        self, messages: Sequence[ChatMessage], _choice: ToolChoice
    ) -> AsyncGenerator[TextDelta | ModelReply, None]:
        self.asked.append(list(messages))
        yield self._replies.pop(0)


class Tools:
    """Each call's result is its name; whatever writes has to be approved."""

    def __init__(self) -> None:
        self.ran: list[str] = []

    async def __call__(self, call: ToolCall) -> ToolResult:
        self.ran.append(call.id)
        return ToolResult(call.id, call.name, f"{call.name} {call.id}", ok=True)


async def test_a_call_to_be_approved_pauses_the_loop_after_the_others_have_run() -> None:
    model, tools = ScriptedModel(_calls(WRITE, READ)), Tools()
    *events, last = await _run(model, tools)
    assert [type(event) for event in events] == [ToolStarted, ToolFinished]
    assert isinstance(last, Paused)
    assert last.pause.calls == (WRITE,)
    assert [result.call_id for result in last.pause.results] == ["1"]
    assert (last.pause.turns, last.pause.usage) == (1, Usage(1, 1))
    assert tools.ran == ["1"]


async def test_an_approved_call_runs_and_the_model_reads_all_results_in_order() -> None:
    pause = await _paused(WRITE, READ)
    model, tools = ScriptedModel(_says("Done.")), Tools()
    events = await _run(model, tools, pause, {"2": YES})
    assert events[-1] == Done("Done.", Usage(2, 2), turns=2)
    assert tools.ran == ["2"]
    assert [(m.tool_call_id, m.content) for m in model.asked[0][-2:]] == [("2", "write 2"), ("1", "read 1")]


async def test_a_refused_call_does_not_run_and_the_model_reads_why() -> None:
    pause = await _paused(WRITE)
    model, tools = ScriptedModel(_says("Then not.")), Tools()
    events = await _run(model, tools, pause, {"2": Verdict(False, "The reason given: no")})
    assert events[-1] == Done("Then not.", Usage(2, 2), turns=2)
    assert tools.ran == []
    assert json.loads(str(model.asked[0][-1].content))["error"].endswith("The reason given: no")


async def test_the_same_call_approved_twice_runs_twice() -> None:
    again = ToolCall("3", WRITE.name, WRITE.arguments)
    tools = Tools()
    await _run(ScriptedModel(_says(".")), tools, await _paused(WRITE, again), {"2": YES, "3": YES})
    assert tools.ran == ["2", "3"]


async def test_the_turns_before_a_pause_count() -> None:
    pause = await _paused(WRITE)
    model, tools = ScriptedModel(_calls(READ), _says("Enough.")), Tools()
    events = await _run(model, tools, pause, {"2": YES}, tool_turns=2)
    assert events[-1] == Done("Enough.", Usage(3, 3), turns=3)


async def test_the_loop_pauses_again_for_the_next_call_to_be_approved() -> None:
    model = ScriptedModel(_calls(ToolCall("9", "write", "{}")))
    *_, last = await _run(model, Tools(), await _paused(WRITE), {"2": YES})
    assert isinstance(last, Paused)
    assert [call.id for call in last.pause.calls] == ["9"]
    assert [m.tool_call_id for m in last.pause.messages if m.role == "tool"] == ["2"]


async def test_an_id_that_a_model_uses_again_becomes_another_one() -> None:
    model = ScriptedModel(_calls(ToolCall("2", "write", '{"n": 2}')))
    *_, last = await _run(model, Tools(), await _paused(WRITE), {"2": YES})
    assert isinstance(last, Paused)
    (call,) = last.pause.calls
    assert call.id != WRITE.id
    assert last.pause.messages[-1].tool_calls == (call,)


async def _paused(*calls: ToolCall) -> Pause:
    *_, last = await _run(ScriptedModel(_calls(*calls)), Tools())
    assert isinstance(last, Paused)
    return last.pause


async def _run(
    model: ScriptedModel,
    tools: Tools,
    pause: Pause | None = None,
    verdicts: Mapping[str, Verdict] | None = None,
    tool_turns: int = 8,
) -> list[Event]:
    resumption = loop.Resumption(pause, verdicts or {}) if pause else None
    events = loop.run(
        QUESTION,
        model,
        tools,
        tool_turns=tool_turns,
        needs_approval=_writes,
        resumption=resumption,
    )
    return [event async for event in events]


async def _writes(call: ToolCall) -> bool:
    return call.name == "write"


def _says(text: str) -> ModelReply:
    return ModelReply(ChatMessage("assistant", text), "stop", Usage(1, 1))


def _calls(*calls: ToolCall) -> ModelReply:
    return ModelReply(ChatMessage("assistant", tool_calls=calls), "tool_calls", Usage(1, 1))
