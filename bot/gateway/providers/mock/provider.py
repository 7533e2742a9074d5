"""Humanloop's provider without a model: deterministic, offline, answering by patterns.

It knows the bot's own tools by name and calls them as a model would, so that everything around a
model can be seen at work without an account. What it can't read it says it can't.
"""

from __future__ import annotations

import json
import re
from collections.abc import AsyncGenerator

from bot.gateway.chat import FunctionCall, ToolCall
from bot.gateway.providers.base import Chunk, Finished, ModelRequest, TextDelta, TokenUsage
from bot.gateway.providers.mock import answering
from bot.gateway.providers.mock.dialogue import Dialogue, read
from bot.gateway.providers.mock.planning import Plan, plan

_CHARACTERS_A_TOKEN = 4  # a rule of thumb for English: there is no tokenizer to ask
_PIECE = re.compile(r"(?:\S+\s*){1,6}|\s+")


class MockProvider:
    """Answers from the words of the last question and the tools on offer."""

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """Tool calls for a question that has none yet, else an answer in several pieces."""
        tools = {tool.name for tool in request.tools}
        dialogue = read(request.messages)
        planned = plan(dialogue.question, dialogue.earlier, tools, dialogue.today)
        if planned.calls and not dialogue.results and request.tool_choice != "none":
            calls = _tool_calls(planned, dialogue)
            yield Finished("tool_calls", calls, _usage(request, str(calls)))
            return
        text = f"{_answer(dialogue, planned, tools)}\n\n{answering.SIGN_OFF}"
        for piece in _PIECE.findall(text):
            yield TextDelta(piece)
        yield Finished("stop", usage=_usage(request, text))

    async def aclose(self) -> None:
        """Nothing is open."""


def _answer(dialogue: Dialogue, planned: Plan, tools: set[str]) -> str:
    if dialogue.results:
        return answering.from_results(dialogue.results, planned.calls)
    return answering.WHICH_PLACE if planned.place_missing else answering.abilities(tools)


def _tool_calls(planned: Plan, dialogue: Dialogue) -> tuple[ToolCall, ...]:
    first = dialogue.calls_so_far + 1
    return tuple(
        ToolCall(
            f"call_{number}", FunctionCall(call.tool, json.dumps(dict(call.arguments), ensure_ascii=False))
        )
        for number, call in enumerate(planned.calls, start=first)
    )


def _usage(request: ModelRequest, said: str) -> TokenUsage:
    read_characters = sum(len(message.text) for message in request.messages)
    return TokenUsage(
        prompt=max(1, read_characters // _CHARACTERS_A_TOKEN), output=max(1, len(said) // _CHARACTERS_A_TOKEN)
    )
