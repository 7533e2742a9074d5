"""A thread in the terminal: what is said and which tools run, as it happens, and lines that a person types."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
import sys
import textwrap
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import TextIO

from bot.conversation import Event, Question, ToolFinished, ToolStarted

_MOST_WIDTH = 110
_MOST_RESULT_CHARS = 600
_BOLD, _DIM, _RESET = "\033[1m", "\033[2m", "\033[0m"


class Terminal:
    """Writes to `stream`, in colour where it is a terminal."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._colour = stream.isatty()
        self._width = min(_MOST_WIDTH, shutil.get_terminal_size().columns) if self._colour else _MOST_WIDTH

    def say(self, text: str) -> None:
        """Write a line."""
        print(text, file=self._stream, flush=True)

    def message(self, speaker: str, place: str, text: str) -> None:
        """Write what somebody said."""
        self.say(f"\n{self._styled(_BOLD, speaker)} {self._styled(_DIM, place)}")
        self.say(textwrap.indent(text, "  "))

    def tool(self, _question: Question, event: Event) -> None:
        """Write a tool call with its arguments, or its result. Made to observe a bot's answers."""
        if isinstance(event, ToolStarted):
            self.say(self._styled(_DIM, f"  → {event.call.name} {event.call.arguments}"))
        elif isinstance(event, ToolFinished):
            mark = "←" if event.result.ok else "✗"
            result = textwrap.shorten(event.result.content, _MOST_RESULT_CHARS, placeholder=" …")
            line = f"{mark} {event.call.name} ({event.result.seconds:.1f} s) {result}"
            self.say(self._styled(_DIM, _wrapped(line, self._width)))

    def _styled(self, style: str, text: str) -> str:
        return f"{style}{text}{_RESET}" if self._colour else text


def _wrapped(line: str, width: int) -> str:
    return textwrap.fill(
        line,
        width,
        initial_indent="  ",
        subsequent_indent="    ",
        break_long_words=False,
        break_on_hyphens=False,
    )


@asynccontextmanager
async def typed_lines(take: Callable[[str], Awaitable[None]]) -> AsyncIterator[None]:
    """Give each line that a person types to `take` while the block lasts. Ctrl-D is as good as Ctrl-C."""
    if not sys.stdin.isatty():
        yield
        return
    loop = asyncio.get_running_loop()
    taking: set[asyncio.Future[None]] = set()

    def read() -> None:
        line = sys.stdin.readline()
        if not line:
            os.kill(os.getpid(), signal.SIGINT)
        elif line.strip():
            task = asyncio.ensure_future(take(line.strip()))
            taking.add(task)
            task.add_done_callback(taking.discard)

    loop.add_reader(sys.stdin, read)
    try:
        yield
    finally:
        loop.remove_reader(sys.stdin)
