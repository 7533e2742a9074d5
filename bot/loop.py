"""The tool-call loop: model ⇄ tools until there is an answer.

It knows nothing of Slack, HTTP or the run engine: a model and tools are handed in, events come out.

The contract is Humanloop's: call the model, append its message, run every tool call of that message at once,
append one `tool` message for each in the order of the calls, and call again until the model asks for none.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import replace
from typing import Any, TypeAlias, TypeVar

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

Number = TypeVar("Number", int, float)


CallModel: TypeAlias = Callable[
    [Sequence[ChatMessage], ToolChoice], AsyncGenerator[TextDelta | ModelReply, None]
]
"""One call of the model: text as it comes, then exactly one `ModelReply`."""

CallTool: TypeAlias = Callable[[ToolCall], Awaitable[ToolResult]]
"""One tool call. It never raises: what went wrong is a result too.

The loop calls it for every call of a turn, in order, before it awaits any, so that a durable runner can
number its steps.
"""


async def run(
    messages: Sequence[ChatMessage], call_model: CallModel, call_tool: CallTool, *, tool_turns: int
) -> AsyncGenerator[Event, None]:
    """Answer `messages`, yielding events; the last one is `Done`.

    After `tool_turns` rounds of tools the model is called once more with `tool_choice="none"`.

    Raises:
        EmptyAnswer: the model ended without a word.
        ModelError: whatever `call_model` raises.
    """
    history = list(messages)
    tools = _Tools(call_tool)
    usage = Usage()
    for turn in range(tool_turns + 1):
        tool_choice: ToolChoice = "auto" if turn < tool_turns else "none"
        async with aclosing(call_model(history, tool_choice)) as reply_events:
            async for event in reply_events:
                if isinstance(event, TextDelta):
                    yield event
                else:
                    reply = event
        usage = _add(usage, reply.usage)
        calls = reply.message.tool_calls if tool_choice == "auto" else ()
        if not calls:
            yield _done(reply, usage, turns=turn + 1)
            return
        history.append(reply.message)
        for call in calls:
            yield ToolStarted(call)
        results: dict[str, ToolResult] = {}
        async with aclosing(tools.run(calls)) as finished_calls:
            async for finished in finished_calls:
                results[finished.call.id] = finished.result
                yield finished
        history += [ChatMessage("tool", results[call.id].content, tool_call_id=call.id) for call in calls]


def _done(reply: ModelReply, usage: Usage, turns: int) -> Done:
    text = reply.message.content
    if not isinstance(text, str) or not text.strip():
        raise EmptyAnswer
    return Done(text=text, usage=usage, turns=turns, cut=reply.finish_reason == "length")


class _Tools:
    """Runs the calls of a turn at once; a call that succeeded before is answered from the first."""

    def __init__(self, call_tool: CallTool) -> None:
        self._call_tool = call_tool
        self._first: dict[tuple[str, str], asyncio.Future[ToolResult]] = {}

    async def run(self, calls: Sequence[ToolCall]) -> AsyncGenerator[ToolFinished, None]:
        """Yield each call's result as it comes in. Leaving early cancels what still runs."""
        for call in calls:
            if _meaning(call) not in self._first:
                self._first[_meaning(call)] = asyncio.ensure_future(self._call_tool(call))
        waiting = [asyncio.ensure_future(self._finish(call)) for call in calls]
        try:
            for finished in asyncio.as_completed(waiting):
                yield await finished
        finally:
            await _cancel([*waiting, *self._first.values()])
            # A failure may pass: only a success stands in for a later call.
            self._first = {key: first for key, first in self._first.items() if _succeeded(first)}

    async def _finish(self, call: ToolCall) -> ToolFinished:
        result = await asyncio.shield(self._first[_meaning(call)])
        return ToolFinished(call, replace(result, call_id=call.id))


def _meaning(call: ToolCall) -> tuple[str, str]:
    """What makes two calls the same: the tool and its arguments, however the JSON is written."""
    try:
        arguments = json.dumps(json.loads(call.arguments), sort_keys=True)
    except ValueError:
        arguments = call.arguments
    return call.name, arguments


def _succeeded(future: asyncio.Future[ToolResult]) -> bool:
    return not future.cancelled() and future.exception() is None and future.result().ok


async def _cancel(futures: Sequence[asyncio.Future[Any]]) -> None:
    for future in futures:
        future.cancel()
    await asyncio.gather(*futures, return_exceptions=True)


def _add(total: Usage, more: Usage) -> Usage:
    return Usage(
        input_tokens=_sum(total.input_tokens, more.input_tokens),
        output_tokens=_sum(total.output_tokens, more.output_tokens),
        cost=_sum(total.cost, more.cost),
    )


def _sum(left: Number | None, right: Number | None) -> Number | None:
    if left is None or right is None:
        return right if left is None else left
    return left + right
