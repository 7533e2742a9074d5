"""Runs seen from outside, by `threadloop runs`: another process may be working on them."""

from __future__ import annotations

from collections.abc import Collection, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

import sqlalchemy as sa
from dbos import DBOSClient, DBOSPortableJSONSerializer, SetWorkflowID, WorkflowStatus

from bot.errors import NoSuchRun, WrongRunState
from bot.runs.acts import Kind, act_id
from bot.runs.engine import ACT, APPLICATION_VERSION, OPEN, OUTCOME, RETRY, WORKFLOW
from bot.runs.forks import fork_of
from bot.storage import approvals

# The engine's own, which every process looks after.
_QUEUE = "_dbos_internal_queue"


@dataclass(frozen=True, slots=True)
class RunInfo:
    """One run in a list."""

    id: str
    state: str
    """`waiting` or `running` while it is open, then `answered`, `failed` or `cancelled`; `paused` while people
    have to decide about its tool calls, and `resumed` once another run goes on with it."""
    thread: str
    begun: datetime
    steps: int
    awaits: tuple[str, ...] = ()
    """The tools of the calls that people have to decide about."""


@dataclass(frozen=True, slots=True)
class StepInfo:
    """One finished step of a run."""

    number: int
    name: str
    begun: datetime | None
    seconds: float | None
    error: str | None


class Inspection:
    """Reads and changes the runs in a database.

    Raises:
        DatabaseUnusable: no Threadloop has used this database yet.
    """

    def __init__(self, database: sa.Engine) -> None:
        self._database = database
        self._client = DBOSClient(
            system_database_engine=database,
            serializer=DBOSPortableJSONSerializer(),
            retry_connection_errors=False,
        )

    def runs(self, limit: int) -> Iterator[RunInfo]:
        """The latest runs, the newest first."""
        for run in self._client.list_workflows(name=WORKFLOW, limit=limit, sort_desc=True):
            state, awaits = self._state(run)
            yield RunInfo(
                id=run.workflow_id,
                state=state,
                thread=(run.attributes or {}).get("thread", ""),
                begun=_time(run.created_at) or datetime.now(UTC),
                steps=len(self._client.list_workflow_steps(run.workflow_id)),
                awaits=awaits,
            )

    def steps(self, run_id: str) -> list[StepInfo]:
        """The finished steps of a run.

        Raises:
            NoSuchRun: there is none with this id.
        """
        self._known(run_id)
        return [
            StepInfo(
                number=step["function_id"],
                name=step["function_name"],
                begun=_time(step.get("started_at_epoch_ms")),
                seconds=_seconds(step.get("started_at_epoch_ms"), step.get("completed_at_epoch_ms")),
                error=_error(step["output"]),
            )
            for step in self._client.list_workflow_steps(run_id)
        ]

    def cancel(self, run_id: str) -> None:
        """End a run. Whoever works on it notices within a second, and a bot that runs says so to the asker.

        Cards about its calls are closed within a minute.

        Raises:
            NoSuchRun: there is none with this id.
            WrongRunState: it has ended.
        """
        run = self._in_state(run_id, "cancelled", among=("waiting", "running", "paused"))
        self._client.cancel_workflow(run_id)
        with self._database.begin() as connection:
            approvals.withdraw(connection, run_id)
        if run.status in OPEN and run.input is not None:
            kind: Kind = "cancelled"
            self._client.enqueue(
                {"queue_name": _QUEUE, "workflow_name": ACT, "workflow_id": act_id(kind, run_id)},
                run.input["args"][0],
                kind,
                run_id,
            )

    def retry(self, run_id: str) -> str:
        """Go on with a run from where it failed; a bot that runs does so within a second.

        Returns the new run's id.

        Raises:
            NoSuchRun: there is none with this id.
            WrongRunState: it has not failed.
        """
        run = self._in_state(run_id, "retried", among=("failed", "cancelled"))
        retry_id = f"{run_id}#{RETRY}"
        if not self._find(retry_id):
            source, step = fork_of(run, self._client.list_workflow_steps(run_id))
            with SetWorkflowID(retry_id):
                self._client.fork_workflow(source, step, application_version=APPLICATION_VERSION)
        return retry_id

    def close(self) -> None:
        """Let the database go."""
        self._client.destroy()

    def _in_state(self, run_id: str, fate: str, *, among: Collection[str]) -> WorkflowStatus:
        run = self._known(run_id)
        state, _ = self._state(run)
        if state not in among:
            raise WrongRunState(f"Run {run_id} is {state}. What is {' or '.join(among)} can be {fate}.")
        return run

    def _state(self, run: WorkflowStatus) -> tuple[str, tuple[str, ...]]:
        """The run's state, and the tools that people have to decide about."""
        if run.status != "SUCCESS":
            names = {
                "PENDING": "running",
                "ENQUEUED": "waiting",
                "DELAYED": "waiting",
                "CANCELLED": "cancelled",
            }
            return names.get(run.status, "failed"), ()
        state = OUTCOME.validate_python(run.output).state
        if state != "paused":
            return state, ()
        with self._database.connect() as connection:
            asked = approvals.of_run(connection, run.workflow_id)
        awaits = tuple(approval.call.name for approval in asked if approval.state == "pending")
        if awaits:
            return "paused", awaits
        return "cancelled" if any(approval.state == "withdrawn" for approval in asked) else "resumed", ()

    def _known(self, run_id: str) -> WorkflowStatus:
        run = self._find(run_id)
        if run is None:
            raise NoSuchRun(f"There is no run {run_id}. `threadloop runs` lists them.")
        return run

    def _find(self, run_id: str) -> WorkflowStatus | None:
        return next(iter(self._client.list_workflows(name=WORKFLOW, workflow_ids=[run_id])), None)


def _time(epoch_ms: int | None) -> datetime | None:
    return None if epoch_ms is None else datetime.fromtimestamp(epoch_ms / 1000, UTC)


def _seconds(begun_ms: int | None, ended_ms: int | None) -> float | None:
    return None if begun_ms is None or ended_ms is None else (ended_ms - begun_ms) / 1000


def _error(output: object) -> str | None:
    return str(output["error"]) if isinstance(output, dict) and "error" in output else None
