"""When a run may begin: a thread's questions one after the other, and so many runs at a time."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any, Self

from bot.conversation import Question
from bot.errors import TooManyQuestions
from bot.runs import stored
from bot.runs.engine import asked_at

_LOOK_AGAIN_S = 0.5


@dataclass(frozen=True, slots=True)
class RunLimits:
    """How many runs a process works on."""

    concurrent: int = 200
    waiting: int = 10_000
    """More than this, and a question is refused with a sentence."""
    keep_days: float = 14.0
    """How long finished runs are kept, and so recognised."""


class Slot:
    """A run's place among those that are worked on, while the block lasts."""

    def __init__(self, slots: asyncio.Semaphore) -> None:
        self._slots = slots
        self._is_held = False
        self._rests = 0

    async def __aenter__(self) -> Self:
        await self._take()
        return self

    async def __aexit__(self, *_: object) -> None:
        # For good: nothing takes it again.
        self._rests += 1
        self._give_back()

    @asynccontextmanager
    async def resting(self) -> AsyncIterator[None]:
        """Let another run have it inside; several at once rest together."""
        self._rests += 1
        self._give_back()
        is_cancelled = False
        try:
            yield
        except asyncio.CancelledError:
            # It is about to end, and must not wait for that.
            is_cancelled = True
            raise
        finally:
            self._rests -= 1
            if not is_cancelled:
                await self._take()

    async def _take(self) -> None:
        await self._slots.acquire()
        if self._is_held or self._rests:
            # Another call of the run was quicker, or rests by now.
            self._slots.release()
        else:
            self._is_held = True

    def _give_back(self) -> None:
        if self._is_held:
            self._is_held = False
            self._slots.release()


class Turns:
    """Gives runs their turns.

    Args:
        limits: how many have a turn, and how many wait for one.
        storing: the runs that this process is storing, by id.
        running: the tasks of the runs that this process works on, by id.
    """

    def __init__(
        self,
        limits: RunLimits,
        storing: Mapping[str, asyncio.Future[None]],
        running: Mapping[str, asyncio.Task[Any]],
    ) -> None:
        self._limits = limits
        self._storing = storing
        self._running = running
        self._slots = asyncio.Semaphore(limits.concurrent)
        self.waiting = 0
        """How many wait."""
        self.submit_earlier: Callable[[Question], Awaitable[None]] = nothing
        """Submits the questions that stand before this one in its thread, where that was not done in time."""

    async def take(self, question: Question, stack: AsyncExitStack) -> Slot:
        """Wait for the thread's earlier questions, and for a free slot; return it. `stack` gives it back.

        Raises:
            TooManyQuestions: too many wait already.
        """
        if self.waiting >= self._limits.waiting:
            raise TooManyQuestions
        self.waiting += 1
        try:
            if not question.starts_thread:
                await self.submit_earlier(question)
                await self._predecessors_end(question)
            # Only now: a question that held a slot while it waits could keep its predecessor from one.
            return await stack.enter_async_context(Slot(self._slots))
        finally:
            self.waiting -= 1

    async def _predecessors_end(self, question: Question) -> None:
        while earlier := await self._earlier(question):
            here = [self._running[run_id] for run_id in earlier if run_id in self._running]
            if here:
                await asyncio.wait(here)
            if len(here) == len(earlier) and all(map(_ended_well, here)):
                return
            # In another process, not begun yet, or cancelled for a revision.
            await asyncio.sleep(_LOOK_AGAIN_S)

    async def _earlier(self, question: Question) -> list[str]:
        """The open runs of questions that stand before this one in its thread."""
        channel = f"{question.team}:{question.channel}:"
        # Two quick questions are stored at the same time, and the later one may be first.
        being_stored = [
            storing
            for run_id, storing in self._storing.items()
            if run_id.startswith(channel) and asked_at(run_id) < question.ts
        ]
        await asyncio.gather(*being_stored, return_exceptions=True)
        in_thread = await stored.open_in_thread(question.thread)
        return [run_id for run_id in in_thread if asked_at(run_id) < question.ts]


def _ended_well(task: asyncio.Task[Any]) -> bool:
    return not task.cancelled() and task.exception() is None


async def nothing(_question: Question) -> None:
    """Do nothing: what is done with a question as long as nobody has said what."""
