"""What the mock reads in a request: the question, what was asked before, and the tools' results."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from bot.gateway.chat import Message, is_context

_EARLIER_MAX = 10

# Each line of a thread is led by its speaker's name. A question may hold a colon too: "Convert: 5 km".
_SPEAKER = re.compile(
    r"(?!(?:what|how|when|convert|calculate|compute|weather|forecast|time)\b)[^\n:?]{1,60}: ", re.IGNORECASE
)
_DATE = re.compile(r"\b(\d{1,2} [A-Z][a-z]+ 20\d\d)\b")


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What a tool answered, and to which call."""

    tool: str
    arguments: dict[str, Any]
    content: str


@dataclass(frozen=True, slots=True)
class Dialogue:
    """The part of a conversation that an answer depends on."""

    question: str
    earlier: tuple[str, ...]
    """Questions before it, newest first."""
    results: tuple[ToolResult, ...]
    """What tools have answered since the question, in the order of their calls."""
    calls_so_far: int
    """Tool calls in the whole conversation: the next one's id must differ from all of theirs."""
    today: date | None
    """The date that the context message names."""


def read(messages: Sequence[Message]) -> Dialogue:
    """The dialogue in a request's messages."""
    asked = [
        index for index, message in enumerate(messages) if message.role == "user" and not is_context(message)
    ]
    questions = [_words(messages[index]) for index in asked]
    since = messages[asked[-1] :] if asked else ()
    return Dialogue(
        question=questions[-1] if questions else "",
        earlier=tuple(reversed(questions[:-1][-_EARLIER_MAX:])),
        results=tuple(_results(since)),
        calls_so_far=sum(len(message.tool_calls or ()) for message in messages),
        today=_today(messages),
    )


def _words(message: Message) -> str:
    return (
        _SPEAKER.sub("", message.text.strip(), count=1)
        if _SPEAKER.match(message.text.strip())
        else message.text
    )


def _results(messages: Sequence[Message]) -> Iterator[ToolResult]:
    answers = {message.tool_call_id: message.text for message in messages if message.role == "tool"}
    for message in messages:
        for call in message.tool_calls or ():
            if call.id in answers:
                yield ToolResult(call.function.name, _object(call.function.arguments), answers[call.id])


def _object(text: str | None) -> dict[str, Any]:
    try:
        parsed = json.loads(text or "{}")
    except ValueError:
        return {}
    return parsed if isinstance(parsed, dict) else {}


def _today(messages: Sequence[Message]) -> date | None:
    for message in reversed(messages):
        if message.role != "assistant" and is_context(message) and (found := _DATE.search(message.text)):
            return _parsed_date(found[1])
    return None


def _parsed_date(text: str) -> date | None:
    try:
        return datetime.strptime(text, "%d %B %Y").date()
    except ValueError:
        return None
