"""The registry's own time: what it adds to a call, and how well the calls of one turn run beside each other."""

from __future__ import annotations

import asyncio
import json
import statistics
import time
from collections.abc import AsyncGenerator, Sequence

from benchmarks.report import Report
from support.tool_context import tool_context

from bot.agent import loop
from bot.conversation import ChatMessage, ModelReply, ToolCall, ToolChoice, ToolResult
from tools import Context, Policy, Registry, tool

_WARM_UP = 200
_CALLS = 2_000
_ROUNDS = 20
_AT_ONCE = 10
_TOOL_S = 0.2
_ARGUMENTS = json.dumps({"city": "Boston", "days": 3, "unit": None, "tags": ["a", "b"]})
_POLICY = Policy.model_validate(
    {"tools": {"nothing": {"guests": "allow"}, "*": {"calls_per_day": {"each_person": 1_000_000}}}}
)


@tool(title="Doing nothing in {city}")
async def nothing(
    city: str, tags: list[str], context: Context, days: int = 1, unit: str = "celsius"
) -> dict[str, object]:
    """Do nothing."""
    return {"city": city, "days": days, "unit": unit, "tags": tags, "summary": "Nothing was done."}


@tool
async def wait(seconds: float, number: int) -> str:
    """Wait."""
    await asyncio.sleep(seconds)
    return f"done {number}"


@tool
def wait_blocking(seconds: float, number: int) -> str:
    """Wait in a thread."""
    time.sleep(seconds)
    return f"done {number}"


async def measure(report: Report) -> None:
    """Measure both."""
    registry = Registry([nothing, wait, wait_blocking], policy=_POLICY)
    async with tool_context() as context:
        times = [await _seconds(registry, context) for _ in range(_WARM_UP + _CALLS)][_WARM_UP:]
        report.add("registry overhead of a call, median", statistics.median(times) * 1000, "ms", 1)
        report.add("registry overhead of a call, 99 %", statistics.quantiles(times, n=100)[98] * 1000, "ms")
        for name in ("wait", "wait_blocking"):
            rounds = [await _turn(registry, name, context) for _ in range(_ROUNDS)]
            kind = "async" if name == "wait" else "sync"
            report.add(f"{_AT_ONCE} {kind} tools of 200 ms in one turn, longest", max(rounds) * 1000, "ms", 260)


async def _seconds(registry: Registry, context: Context) -> float:
    started = time.perf_counter()
    outcome = await registry.call("nothing", _ARGUMENTS, context)
    assert outcome.ok
    return time.perf_counter() - started


async def _turn(registry: Registry, name: str, context: Context) -> float:
    """Seconds of one turn of the loop, from the model's calls to what it says about them."""
    # Equal calls would be made once.
    wanted = [json.dumps({"seconds": _TOOL_S, "number": number}) for number in range(_AT_ONCE)]
    calls = tuple(ToolCall(f"call_{number}", name, arguments) for number, arguments in enumerate(wanted))

    async def model(messages: Sequence[ChatMessage], _choice: ToolChoice) -> AsyncGenerator[ModelReply, None]:
        is_first = len(messages) == 1
        yield ModelReply(
            ChatMessage("assistant", None if is_first else "Done.", tool_calls=calls if is_first else ())
        )

    async def call_tool(call: ToolCall) -> ToolResult:
        outcome = await registry.call(call.name, call.arguments, context)
        assert outcome.ok
        return ToolResult(call.id, call.name, outcome.content, outcome.ok)

    started = time.perf_counter()
    async for _ in loop.run([ChatMessage("user", "Ann: well?")], model, call_tool, tool_turns=2):
        pass
    return time.perf_counter() - started
