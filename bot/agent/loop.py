"""The tool-call loop: model ⇄ tools until there is an answer.

It knows nothing of Slack, HTTP or the run engine: a model and tools are handed in, events come out.

The contract is Humanloop's: call the model, append its message, run every tool call of that message at once,
append one `tool` message for each in the order of the calls, and call again until the model asks for none.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from typing import Any, TypeAlias, TypeVar

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
from bot.errors import EmptyAnswer

Number = TypeVar("Number", int, float)

_PARAGRAPH = "\n\n"


CallModel: TypeAlias = Callable[
    [Sequence[ChatMessage], ToolChoice], AsyncGenerator[TextDelta | ModelReply, None]
]
"""One call of the model: text as it comes, then exactly one `ModelReply`."""

CallTool: TypeAlias = Callable[[ToolCall], Awaitable[ToolResult]]
"""One tool call. It never raises: what went wrong is a result too.

The loop calls it for every call of a turn, in order, before it awaits any, so that a durable runner can
number its steps.
"""


NeedsApproval: TypeAlias = Callable[[ToolCall], Awaitable[bool]]


@dataclass(frozen=True, slots=True)
class Resumption:
    """What the loop goes on with after a pause."""

    pause: Pause
    verdicts: Mapping[str, Verdict]
    """By the ids of the calls that waited."""

    @property
    def approved(self) -> tuple[ToolCall, ...]:
        """The calls that may run."""
        return tuple(call for call in self.pause.calls if self.verdicts[call.id].approved)


async def _never(_call: ToolCall) -> bool:
    return False


async def run(
    messages: Sequence[ChatMessage],
    call_model: CallModel,
    call_tool: CallTool,
    *,
    tool_turns: int,
    needs_approval: NeedsApproval = _never,
    resumption: Resumption | None = None,
) -> AsyncGenerator[Event, None]:
    """Answer `messages`, yielding events; the last one is `Done`, or `Paused` if a call has to be approved.

    After `tool_turns` rounds of tools the model is called once more with `tool_choice="none"`.

    Raises:
        EmptyAnswer: the model ended without a word.
        ModelError: whatever `call_model` raises.
    """
    tools = _Tools(call_tool)
    talk = _Talk(messages)
    if resumption is not None:
        # What people have approved one by one is also run one by one, even if it is the same.
        async with aclosing(talk.resume(resumption, _Tools(call_tool, _itself))) as events:
            async for event in events:
                yield event
    while True:
        tool_choice: ToolChoice = "auto" if talk.turns < tool_turns else "none"
        async with aclosing(talk.ask(call_model, tool_choice)) as deltas:
            async for delta in deltas:
                yield delta
        calls = talk.reply.message.tool_calls if tool_choice == "auto" else ()
        if not calls:
            yield talk.done()
            return
        waiting = tuple([call for call in calls if await needs_approval(call)])
        async with aclosing(talk.use(tools, [call for call in calls if call not in waiting])) as events:
            async for event in events:
                yield event
        if waiting:
            yield Paused(talk.pause(waiting))
            return
        talk.take_results()


class _Talk:
    """The back-and-forth of one answer."""

    def __init__(self, messages: Sequence[ChatMessage]) -> None:
        self._thread = list(messages)
        self._added: list[ChatMessage] = []
        self._said: list[str] = []
        self._results: dict[str, ToolResult] = {}
        self._usage = Usage()
        self.turns = 0
        """How many times the model was called."""
        self.reply = ModelReply(ChatMessage("assistant"))
        """The latest."""

    async def ask(self, call_model: CallModel, tool_choice: ToolChoice) -> AsyncGenerator[TextDelta, None]:
        """Call the model."""
        # What a model says before it calls tools stays a paragraph of the answer: people have seen it.
        border, come = _PARAGRAPH if self._said else "", 0
        async with aclosing(call_model([*self._thread, *self._added], tool_choice)) as events:
            async for event in events:
                if isinstance(event, TextDelta):
                    yield TextDelta(border + event.text)
                    border, come = "", come + len(event.text)
                else:
                    self.reply = self._with_own_ids(event)
        self.turns += 1
        self._usage = _add(self._usage, self.reply.usage)
        text = self.reply.message.content
        if isinstance(text, str) and text:
            self._said.append(text)
            if come < len(text):
                # After a restart a stored reply is there at once, as a whole.
                yield TextDelta(border + text[come:])
        if self.reply.message.tool_calls:
            self._added.append(self.reply.message)

    def _with_own_ids(self, reply: ModelReply) -> ModelReply:
        """The reply with ids for its calls that no earlier call has: some models count anew each time."""
        used = {call.id for message in self._added for call in message.tool_calls}
        calls = tuple(
            replace(call, id=f"{call.id}-{self.turns}") if call.id in used else call
            for call in reply.message.tool_calls
        )
        return replace(reply, message=replace(reply.message, tool_calls=calls))

    async def use(self, tools: _Tools, calls: Sequence[ToolCall]) -> AsyncGenerator[Event, None]:
        """Run tool calls at once, and keep their results."""
        for call in calls:
            yield ToolStarted(call)
        async with aclosing(tools.run(calls)) as finished_calls:
            async for finished in finished_calls:
                self._results[finished.call.id] = finished.result
                yield finished

    def take_results(self) -> None:
        """Append one message for each call of the last message, in the order of the calls."""
        calls = self._added[-1].tool_calls
        self._added += [
            ChatMessage("tool", self._results[call.id].content, tool_call_id=call.id) for call in calls
        ]
        self._results = {}

    def pause(self, waiting: tuple[ToolCall, ...]) -> Pause:
        """Where this stands."""
        return Pause(tuple(self._added), tuple(self._results.values()), waiting, self.turns, self._usage)

    async def resume(self, resumption: Resumption, tools: _Tools) -> AsyncGenerator[Event, None]:
        """Take up a pause: run what was approved, and let the model know of the rest."""
        pause = resumption.pause
        self._added, self.turns, self._usage = list(pause.messages), pause.turns, pause.usage
        self._results = {result.call_id: result for result in pause.results}
        for call in pause.calls:
            if call not in resumption.approved:
                self._results[call.id] = _refused(call, resumption.verdicts[call.id])
        async with aclosing(self.use(tools, resumption.approved)) as events:
            async for event in events:
                yield event
        self.take_results()

    def done(self) -> Done:
        """The complete answer.

        Raises:
            EmptyAnswer: the model ended without a word.
        """
        text = self.reply.message.content
        if not isinstance(text, str) or not text.strip():
            raise EmptyAnswer
        is_cut = self.reply.finish_reason == "length"
        return Done(_PARAGRAPH.join(self._said), self._usage, self.turns, cut=is_cut)


def _refused(call: ToolCall, verdict: Verdict) -> ToolResult:
    error = f"This call was not approved. {verdict.words}".strip()
    advice = "Do not repeat it. Tell the asker, or go another way."
    content = json.dumps({"error": error, "advice": advice}, ensure_ascii=False)
    return ToolResult(call.id, call.name, content, ok=False, summary=error)


def _meaning(call: ToolCall) -> str:
    """What makes two calls the same: the tool and its arguments, however the JSON is written."""
    try:
        arguments = json.dumps(json.loads(call.arguments), sort_keys=True)
    except ValueError:
        arguments = call.arguments
    return f"{call.name} {arguments}"


def _itself(call: ToolCall) -> str:
    return call.id


class _Tools:
    """Runs the calls of a turn at once; a call that succeeded before is answered from the first.

    Args:
        call_tool: runs one.
        same: what two calls have in common if they are the same.
    """

    def __init__(self, call_tool: CallTool, same: Callable[[ToolCall], str] = _meaning) -> None:
        self._call_tool = call_tool
        self._same = same
        self._first: dict[str, asyncio.Future[ToolResult]] = {}

    async def run(self, calls: Sequence[ToolCall]) -> AsyncGenerator[ToolFinished, None]:
        """Yield each call's result as it comes in. Leaving early cancels what still runs."""
        for call in calls:
            if self._same(call) not in self._first:
                self._first[self._same(call)] = asyncio.ensure_future(self._call_tool(call))
        waiting = [asyncio.ensure_future(self._finish(call)) for call in calls]
        try:
            for finished in asyncio.as_completed(waiting):
                yield await finished
        finally:
            await _cancel([*waiting, *self._first.values()])
            # A failure may pass: only a success stands in for a later call.
            self._first = {key: first for key, first in self._first.items() if _succeeded(first)}

    async def _finish(self, call: ToolCall) -> ToolFinished:
        result = await asyncio.shield(self._first[self._same(call)])
        return ToolFinished(call, replace(result, call_id=call.id))


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
