"""How runs are ended before they are finished, wherever they are worked on."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any

from dbos import DBOS

from bot.conversation import Question
from bot.runs import stored
from bot.runs.engine import base, outside

# A request to Slack that is under way is waited for: half a minute at the most, and then what ends the answer.
_END_WITHIN_S = 40.0
_SEEN_ELSEWHERE_S = 1.5


class Endings:
    """Ends runs.

    Args:
        running: the tasks of the runs that this process works on, by id.
    """

    def __init__(self, running: Mapping[str, asyncio.Task[Any]]) -> None:
        self._running = running

    async def cancel(self, run_id: str, *, before: float | None = None) -> bool:
        """End the run and its revisions if they are not finished; return whether any was not.

        With `before`, in seconds since the epoch, those go on whose question was edited then or later.
        """
        open_runs = [run.workflow_id for run in await stored.open_runs(run_id)]
        if before is not None:
            open_runs = [each for each in open_runs if await stored.is_from_before(each, before)]
        for each in open_runs:
            await outside(DBOS.cancel_workflow_async(each))
        await self._until_ended(open_runs)
        return bool(open_runs)

    async def at_rest(self, question: Question) -> bool:
        """Wait until nobody works any more on those runs of a question that were cancelled in the database.

        Returns whether no other run goes on with it, as a retry does.
        """
        goes_on = [run.workflow_id for run in await stored.open_runs(question.run_id)]
        here = [run_id for run_id in self._running if base(run_id) == question.run_id]
        await self._until_ended([run_id for run_id in here if run_id not in goes_on])
        if not here:
            await asyncio.sleep(_SEEN_ELSEWHERE_S)
        return not goes_on

    async def _until_ended(self, cancelled: Sequence[str]) -> None:
        """Wait until the runs have come to rest; those in this process at once."""
        here = [self._running[run_id] for run_id in cancelled if run_id in self._running]
        for task in here:
            # Once: a second cancellation would cut short how the run comes to rest.
            if not task.cancelling():
                task.cancel()
        if here:
            await asyncio.wait(here, timeout=_END_WITHIN_S)
        if len(here) < len(cancelled):
            # In another process, which looks once a second.
            await asyncio.sleep(_SEEN_ELSEWHERE_S)
