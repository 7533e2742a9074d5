"""What a scripted model server answers: the same words for OpenAI's and Anthropic's."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]


@dataclass(frozen=True)
class Answer:
    """An answer of status 200, streamed."""

    pieces: tuple[str, ...] = ()
    calls: tuple[tuple[str, str], ...] = ()
    """Tool names and their arguments as JSON text."""
    cut: bool = False
    """The connection drops after the pieces."""
    error: tuple[str, str] | None = None
    """Kind and message of an error event after the pieces, in place of an end."""
    wait: asyncio.Event | None = None
    """Nothing is sent, not even a status, before this is set."""
    hold: asyncio.Event | None = None
    """After the first piece nothing more is sent before this is set."""
    usage: bool = True
    pause_s: float = 0.0
    """Seconds from piece to piece: a model's own speed, for benchmarks."""


@dataclass(frozen=True)
class Failure:
    """An answer of status 4xx or 5xx."""

    status: int
    message: str
    kind: str = "error"
    """OpenAI's `code`, Anthropic's `type`."""
    headers: Mapping[str, str] = field(default_factory=dict)


Reply: TypeAlias = Answer | Failure
ReplyFunction: TypeAlias = Callable[[Json], Reply]


def text(
    *pieces: str,
    wait: asyncio.Event | None = None,
    hold: asyncio.Event | None = None,
    usage: bool = True,
    pause_s: float = 0.0,
) -> Answer:
    """A text, sent in these pieces."""
    return Answer(pieces, wait=wait, hold=hold, usage=usage, pause_s=pause_s)


def tool_calls(*calls: tuple[str, Mapping[str, Any] | str], say: str = "") -> Answer:
    """Calls of tools, in one turn. Arguments given as text are sent as they are, valid JSON or not."""
    written = tuple(
        (name, arguments if isinstance(arguments, str) else json.dumps(arguments)) for name, arguments in calls
    )
    return Answer((say,) if say else (), written)


def failure(
    status: int, message: str = "It failed.", *, kind: str = "error", headers: Mapping[str, str] | None = None
) -> Failure:
    """An error status."""
    return Failure(status, message, kind, headers or {})


def cut(*pieces: str) -> Answer:
    """A stream that breaks off after these pieces."""
    return Answer(pieces, cut=True)


def failing_stream(*pieces: str, kind: str, message: str) -> Answer:
    """A stream that ends with an error event after these pieces."""
    return Answer(pieces, error=(kind, message))


class Script:
    """Replies in order, or a function that makes them. A request too many is refused and remembered."""

    def __init__(self, replies: Sequence[Reply], reply: ReplyFunction | None) -> None:
        self._replies = list(replies)
        self._reply = reply
        self.unscripted: list[Json] = []

    def next(self, request: Json) -> Reply:
        if self._reply is not None:
            return self._reply(request)
        if self._replies:
            return self._replies.pop(0)
        self.unscripted.append(request)
        # Not a 500: that would be repeated, and blur which request was one too many.
        return Failure(400, "This request is not in the test's script.", "unscripted")

    def check(self) -> None:
        """Fail if a request came that the script did not expect."""
        assert not self.unscripted, f"{len(self.unscripted)} request(s) too many: {self.unscripted}"
