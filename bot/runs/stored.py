"""The runs that are stored, as their process asks the engine for them."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import UTC, datetime

from dbos import DBOS, StepInfo, WorkflowStatus

from bot.conversation import Question
from bot.runs.engine import OPEN, OUTCOME, QUESTION, outside

_MOST_RUNS_LOOKED_AT = 1_000
_ATTEMPTS = "attempts"


async def status(run_id: str) -> WorkflowStatus | None:
    """Where the run stands; `None` for a run that nobody knows."""
    return await outside(DBOS.get_workflow_status_async(run_id))


def is_paused(run: WorkflowStatus) -> bool:
    """Whether a run has ended with calls to be approved."""
    return run.output is not None and OUTCOME.validate_python(run.output).pause is not None


async def question(run_id: str) -> Question | None:
    """The question of a run; `None` for a run that nobody knows."""
    run = await status(run_id)
    if run is None or run.input is None:
        return None
    return QUESTION.validate_python(run.input["args"][0])


async def steps(run_id: str) -> list[StepInfo]:
    """The finished steps of a run."""
    return await outside(DBOS.list_workflow_steps_async(run_id))


async def count_attempt(run_id: str) -> int:
    """Count one more attempt at a run; return how many there were.

    The engine's own count begins anew when another process takes the run over.
    """
    run = await status(run_id)
    # With the id, since a fork has the attributes of what it was forked from.
    of, before = (run.attributes or {}).get(_ATTEMPTS, ("", 0)) if run else ("", 0)
    attempts = before + 1 if of == run_id else 1
    await outside(DBOS.update_workflow_attributes_async(run_id, {_ATTEMPTS: [run_id, attempts]}, merge=True))
    return int(attempts)


async def open_runs(prefix: str) -> list[WorkflowStatus]:
    """The unfinished runs whose ids begin with `prefix`, without their inputs."""
    return await outside(
        DBOS.list_workflows_async(workflow_id_prefix=prefix, status=OPEN, load_input=False, load_output=False)
    )


async def is_from_before(run_id: str, edit: float) -> bool:
    """Whether the run is about a question as it was before an edit, given in seconds since the epoch."""
    about = await question(run_id)
    return about is not None and (about.at or 0.0) < edit


async def latest_edit(run_id: str) -> float | None:
    """When the question was last edited, as far as its runs know, in seconds since the epoch.

    0 if it never was, and `None` if it has no run.
    """
    runs = await outside(DBOS.list_workflows_async(workflow_id_prefix=run_id, load_output=False))
    questions = [QUESTION.validate_python(run.input["args"][0]) for run in runs if run.input is not None]
    return max((question.at or 0.0 for question in questions), default=None)


async def open_in_thread(thread: str) -> list[str]:
    """The ids of a thread's unfinished runs. `thread` as in `Question.thread`."""
    # By the channel's prefix, since the engine can't filter by attributes on SQLite.
    channel = thread.rpartition(":")[0]
    return [run.workflow_id for run in await open_runs(f"{channel}:") if _thread(run) == thread]


async def known(run_ids: Sequence[str]) -> Collection[str]:
    """Those of the ids that are a run's."""
    if not run_ids:
        return ()
    runs = await outside(
        DBOS.list_workflows_async(workflow_ids=list(run_ids), load_input=False, load_output=False)
    )
    return {run.workflow_id for run in runs}


async def threads(team: str, since: float, most: int) -> dict[str, list[str]]:
    """The threads that were talked in since then, by channel, as timestamps: the latest `most` of them."""
    runs = await outside(
        DBOS.list_workflows_async(
            workflow_id_prefix=f"{team}:",
            start_time=datetime.fromtimestamp(since, UTC).isoformat(),
            load_input=False,
            load_output=False,
            sort_desc=True,
            limit=_MOST_RUNS_LOOKED_AT,
        )
    )
    latest = list(dict.fromkeys(filter(None, map(_thread, runs))))[:most]
    by_channel: dict[str, list[str]] = {}
    for thread in latest:
        _, channel, root = thread.split(":")
        by_channel.setdefault(channel, []).append(root)
    return by_channel


def _thread(run: WorkflowStatus) -> str:
    return str((run.attributes or {}).get("thread", ""))
