"""What keeps the store of runs in order: adopting the runs of the dead, and deleting old ones."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta

from dbos import DBOS

from bot.runs.engine import FINISHED

_TIDY_UP_EVERY_S = 3600.0
_MOST_DELETED = 500


async def adopt(executor_id: str) -> None:
    """Take over the open runs of a process that is gone."""
    runs = await DBOS.list_workflows_async(
        status="PENDING", executor_id=executor_id, load_input=False, load_output=False
    )
    if runs:
        await DBOS.resume_workflows_async([run.workflow_id for run in runs])


async def tidy_up(keep_days: float) -> None:
    """Delete finished runs that are older than `keep_days`, now and then, until cancelled."""
    while True:
        before = datetime.now(UTC) - timedelta(days=keep_days)
        finished = await DBOS.list_workflows_async(
            status=FINISHED,
            completed_before=before.isoformat(),
            load_input=False,
            load_output=False,
            limit=_MOST_DELETED,
        )
        if finished:
            await DBOS.delete_workflows_async([run.workflow_id for run in finished])
        # A full page means that there is more.
        await asyncio.sleep(1.0 if len(finished) == _MOST_DELETED else _TIDY_UP_EVERY_S)
