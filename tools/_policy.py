"""Limits around a call: how long it may take and how much it may return."""

from __future__ import annotations

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

from tools._errors import ToolFailed

Result = TypeVar("Result")


async def within(seconds: float, work: Coroutine[Any, Any, Result]) -> Result:
    """Wait for `work` for at most `seconds`, even if it swallows its cancellation.

    Raises:
        ToolFailed: the time is up, or the work was cancelled from inside.
    """
    task = asyncio.create_task(work)
    try:
        # `wait` and not `wait_for`: the latter waits until the cancelled task agrees to end.
        await asyncio.wait({task}, timeout=seconds)
    finally:
        if not task.done():
            task.add_done_callback(_forget)
            task.cancel()
    if not task.done():
        raise ToolFailed(f"It did not finish within {seconds:g} seconds and was stopped.")
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


def _note(shown: int, total: int) -> str:
    return f"\n[cut: {shown} of {total} characters shown]"
