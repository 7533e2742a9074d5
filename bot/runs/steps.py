"""The steps of one run, each stored when it has finished."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, aclosing, nullcontext
from functools import cache
from typing import Any, TypeVar

from dbos import DBOS
from pydantic import TypeAdapter

from bot.conversation import PausedRun
from bot.errors import RunError, by_name
from bot.runs.engine import revision
from bot.runs.turns import Slot

Value = TypeVar("Value")
Live = TypeVar("Live")


class StoredSteps:
    """Runs steps. Made inside a run.

    Args:
        run_id: the run's own id.
        may_have_posted: whether an earlier attempt may have shown something: one in a process that is gone, or
            the run that this one is a revision of.
        turn: waits until the run may begin; returns its place among those that are worked on.
        resumes: the run that paused for approval, and that this one goes on with.
    """

    def __init__(
        self,
        run_id: str,
        *,
        may_have_posted: bool,
        turn: Callable[[], Awaitable[Slot]],
        resumes: PausedRun | None = None,
    ) -> None:
        self.run_id = run_id
        self.revision = revision(run_id)
        self.may_have_posted = may_have_posted
        self.resumes = resumes
        self._turn = turn
        self._slot: Slot | None = None

    async def turn(self) -> None:
        """Wait until the earlier questions of the thread are answered.

        Raises:
            TooManyQuestions: too many wait already.
        """
        self._slot = await self._turn()

    def resting(self) -> AbstractAsyncContextManager[None]:
        """Let another run be worked on inside, while a person is waited for."""
        return self._slot.resting() if self._slot is not None else nullcontext()

    def run(self, name: str, kind: type[Value], work: Callable[[], Awaitable[Value]]) -> Awaitable[Value]:
        """Run `work` as the next step. The step takes its number now, so the order of calls is what counts.

        A `RunError` is a result too: it is stored by its kind, and raised again.
        """
        adapter: TypeAdapter[Value] = _adapter(kind)  # type: ignore[arg-type]  # a class is hashable

        async def stored() -> dict[str, Any]:
            try:
                return {"value": adapter.dump_python(await work(), mode="json")}
            except RunError as error:
                return {"error": type(error).__name__, "message": str(error)}

        reservation = DBOS.reserve_step()

        async def run() -> Value:
            # Preemptible: cancelling the run ends the step, too.
            result = await reservation.run_async({"name": name, "preemptible": True}, stored)
            if "error" in result:
                raise by_name(result["error"])(result["message"])
            return adapter.validate_python(result["value"])

        return run()

    async def stream(
        self, name: str, kind: type[Value], work: Callable[[], AsyncGenerator[Live | Value, None]]
    ) -> AsyncGenerator[Live | Value, None]:
        """Run a generator as the next step. Its last value, of type `kind`, is stored; others are live only."""
        live: asyncio.Queue[Live | None] = asyncio.Queue()

        async def drain() -> Value:
            async with aclosing(work()) as values:
                async for value in values:
                    if isinstance(value, kind):
                        return value
                    live.put_nowait(value)  # type: ignore[arg-type]  # not the last value, so a live one
            raise AssertionError(f"step {name} ended without its result")

        step = asyncio.ensure_future(self.run(name, kind, drain))
        step.add_done_callback(lambda _: live.put_nowait(None))
        try:
            while (value := await live.get()) is not None:
                yield value
            yield await step
        finally:
            step.cancel()


@cache
def _adapter(kind: type[Any]) -> TypeAdapter[Any]:
    return TypeAdapter(kind)
