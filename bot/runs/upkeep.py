"""What keeps the store of runs in order: adopting the runs of the dead, and deleting old ones."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

from dbos import DBOS

from bot.runs.engine import APPLICATION_VERSION, FINISHED, OPEN, WORKFLOW

_log = logging.getLogger(__name__)

_TIDY_UP_EVERY_S = 3600.0
_MOST_DELETED = 500


async def adopt(executor_id: str) -> None:
    """Take over the open runs of a process that is gone, as far as this version can go on with them."""
    runs = await DBOS.list_workflows_async(
        status="PENDING",
        executor_id=executor_id,
        app_version=APPLICATION_VERSION,
        load_input=False,
        load_output=False,
    )
    if runs:
        await DBOS.resume_workflows_async([run.workflow_id for run in runs])


async def left_by_other_versions(executor_id: str | None = None) -> list[str]:
    """The open runs with which this version can't go on: of a process that is gone, or of all."""
    runs = await DBOS.list_workflows_async(
        status=OPEN, executor_id=executor_id, name=WORKFLOW, load_input=False, load_output=False
    )
    return [run.workflow_id for run in runs if run.app_version not in (None, APPLICATION_VERSION)]


async def tidy_up(keep_days: float, *, every_s: float = _TIDY_UP_EVERY_S) -> None:
    """Delete finished runs that are older than `keep_days`, every `every_s` seconds, until cancelled."""
    while True:
        try:
            deleted = await _delete_finished(datetime.now(UTC) - timedelta(days=keep_days))
        except Exception:
            _log.exception("Old runs could not be deleted; the next look tries again.")
            deleted = 0
        # A full page means that there is more.
        await asyncio.sleep(1.0 if deleted == _MOST_DELETED else every_s)


async def _delete_finished(before: datetime) -> int:
    finished = await DBOS.list_workflows_async(
        status=FINISHED,
        completed_before=before.isoformat(),
        load_input=False,
        load_output=False,
        limit=_MOST_DELETED,
    )
    if finished:
        await DBOS.delete_workflows_async([run.workflow_id for run in finished])
    return len(finished)
