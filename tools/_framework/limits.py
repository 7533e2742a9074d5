"""Limits around a call: how long it may take and how much it may return."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Coroutine, Iterator
from typing import Any, TypeVar

from tools._framework.errors import ToolFailed

Result = TypeVar("Result")


class Timer:
    """The seconds that one call may take. They stand still while a person is asked something.

    Args:
        seconds: from now on.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self.expired: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._left_s = seconds
        self._pauses = 0
        self._start()

    @contextlib.contextmanager
    def paused(self) -> Iterator[None]:
        """Let no time pass inside the block."""
        if self._pauses == 0:
            self._left_s = self._handle.when() - asyncio.get_running_loop().time()
            self._handle.cancel()
        self._pauses += 1
        try:
            yield
        finally:
            self._pauses -= 1
            if self._pauses == 0 and not self.expired.done():
                self._start()

    def stop(self) -> None:
        """Let it never expire."""
        self._handle.cancel()
        self.expired.cancel()

    def _start(self) -> None:
        self._handle = asyncio.get_running_loop().call_later(self._left_s, self._expire)

    def _expire(self) -> None:
        if not self.expired.done():
            self.expired.set_result(None)


async def within(timer: Timer, work: Coroutine[Any, Any, Result]) -> Result:
    """Wait for `work` until the timer expires, even if the work swallows its cancellation.

    Raises:
        ToolFailed: the time is up, or the work was cancelled from inside.
    """
    task = asyncio.create_task(work)
    try:
        # `wait` and not `wait_for`: the latter waits until the cancelled task agrees to end.
        waited: set[asyncio.Future[Any]] = {task, timer.expired}
        await asyncio.wait(waited, return_when=asyncio.FIRST_COMPLETED)
    finally:
        timer.stop()
        if not task.done():
            task.add_done_callback(_forget)
            task.cancel()
    if not task.done():
        raise ToolFailed(f"It did not finish within {timer.seconds:g} seconds and was stopped.")
    if task.cancelled():
        raise ToolFailed("It was cancelled before it finished.")
    return task.result()


def _forget(task: asyncio.Task[Any]) -> None:
    # Looking at the error keeps asyncio from reporting it: whoever asked for it has left.
    if not task.cancelled():
        task.exception()


def cut(text: str, max_chars: int) -> str:
    """`text` in at most `max_chars` characters, with a note of what is missing."""
    if len(text) <= max_chars:
        return text
    room = max_chars - len(_note(len(text), len(text)))
    if room <= 0:
        return text[:max_chars]
    return text[:room] + _note(room, len(text))


def brief(value: object, max_chars: int) -> str:
    """A value on one line of at most `max_chars` characters, for people."""
    text = " ".join(str(value).split())
    return text if len(text) <= max_chars else text[: max_chars - 1] + "…"


def _note(shown: int, total: int) -> str:
    return f"\n[cut: {shown} of {total} characters shown]"
