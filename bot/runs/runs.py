"""Takes questions, and sees to it that each is answered once and in its turn."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from dbos import DBOS, SetWorkflowAttributes, SetWorkflowID, WorkflowStatus
from sqlalchemy.exc import DBAPIError

from bot.conversation import Outcome, PausedRun, Question
from bot.errors import DatabaseBusy, TooManyQuestions
from bot.replicas import Replicas
from bot.runs import engine
from bot.runs.engine import OPEN, OUTCOME, QUESTION, WORKFLOW, asked_at, base, outside
from bot.runs.steps import StoredSteps
from bot.runs.upkeep import adopt, tidy_up
from bot.telemetry import run_context

# Slack waits three seconds and then delivers again. In a burst a question may take as long; one that takes
# longer is stuck, and the asker is told.
_STORE_WITHIN_S = 5.0
_LET_OTHERS_STORE_S = 1.0
_LOOK_AGAIN_S = 0.5
_COME_TO_REST_WITHIN_S = 5.0
_SEEN_ELSEWHERE_S = 1.5
_MOST_THREADS_KNOWN = 50
_MOST_BEGUN_KNOWN = 20_000
_APPROVED = "#approved"
_NOTHING_LEFT = Outcome("failed", "There was nothing to go on with.", error="Unexpected")


@dataclass(frozen=True, slots=True)
class RunLimits:
    """How many runs a process works on."""

    concurrent: int = 200
    waiting: int = 10_000
    """More than this, and a question is refused with a sentence."""
    keep_days: float = 14.0
    """How long finished runs are kept, and so recognised."""


class Runs:
    """The runs of this process. DBOS is a singleton, so there is one of these at a time.

    Args:
        database: where runs are stored; shared with our own tables.
        answer: answers a question in steps, and raises nothing but a cancellation.
        limits: how many runs at a time.
    """

    def __init__(
        self,
        database: sa.Engine,
        answer: Callable[[Question, StoredSteps], Awaitable[Outcome]],
        *,
        limits: RunLimits | None = None,
    ) -> None:
        self._database = database
        self._answer = answer
        self._limits = limits or RunLimits()
        # On SQLite there is one process at a time, and it takes up whatever its predecessor left. On PostgreSQL
        # each has a name of its own, and the living adopt the runs of the dead.
        is_shared = database.dialect.name == "postgresql"
        self._replicas = Replicas(database, adopt) if is_shared else None
        self._tidying: asyncio.Task[None] | None = None
        self.before_a_turn: Callable[[], Awaitable[None]] = _at_once
        """Waits until all questions that were asked before are submitted, as far as that can be known."""
        self._slots = asyncio.Semaphore(self._limits.concurrent)
        self._waiting = 0
        self._storing: dict[str, asyncio.Future[None]] = {}
        # Who stored a run is stored with it: a run of another process may have shown something already.
        self._process_id = uuid4().hex
        self._begun: OrderedDict[str, None] = OrderedDict()
        self._running: dict[str, asyncio.Task[Any]] = {}
        self._closing = False

        @DBOS.workflow(name=WORKFLOW)
        async def workflow(
            question: dict[str, Any], stored_by: str, resumes: str | None = None
        ) -> dict[str, Any]:
            return await self._run(question, stored_by, resumes)

        self._workflow = workflow

    async def start(self) -> None:
        """Open the engine, and take up the runs that a former process left open.

        Raises:
            DatabaseBusy: the database cannot be opened.
        """
        try:
            if self._replicas is not None:
                await self._replicas.announce()
        except DBAPIError as error:
            raise DatabaseBusy(f"The database cannot be opened: {error.orig}") from error
        # Not in a thread, though it blocks: resumed questions run on the loop that launches the engine.
        engine.launch(self._database, self._replicas.id if self._replicas else "local")
        if self._replicas is not None:
            self._replicas.watch()
        self._tidying = asyncio.create_task(tidy_up(self._limits.keep_days), name="tidy-up")

    async def aclose(self, grace_s: float = 5.0) -> None:
        """Let running questions finish for `grace_s` seconds, then close. Others resume at the next start."""
        if self._tidying is not None:
            self._tidying.cancel()
        if self._replicas is not None:
            await self._replicas.unwatch()
        if self._running:
            await asyncio.wait(self._running.values(), timeout=grace_s)
        self._closing = True
        for task in self._running.values():
            task.cancel()
        if self._running:
            # They leave what they have shown in a state from which they can go on.
            await asyncio.wait(self._running.values(), timeout=_COME_TO_REST_WITHIN_S)
        await engine.close()
        if self._replicas is not None:
            # Only now may the others take what was left open.
            await self._replicas.leave()

    @property
    def running(self) -> int:
        """How many runs are being worked on here."""
        return len(self._running) - self._waiting

    @property
    def waiting(self) -> int:
        """How many runs wait here for their turn."""
        return self._waiting

    # taking questions

    async def submit(self, question: Question) -> str:
        """Store the question and start to answer it; return its run id as soon as it is stored.

        Submitting the same post again changes nothing.

        Raises:
            DatabaseBusy: the question could not be stored in time. Storing it goes on.
        """
        await self._begin(question.run_id, question)
        return question.run_id

    async def retry(self, run_id: str) -> bool:
        """Answer the question of a run that failed once more. Does nothing the second time.

        Returns whether there is such a run.
        """
        question = await self.question(run_id)
        if question is None:
            return False
        await self._begin(f"{run_id}#retry", question)
        return True

    async def restart(self, question: Question, revision: str, *, ended: bool = False) -> bool:
        """Answer an edited question anew, unless it is answered already; return whether it is.

        `revision` tells one edit from another, such as the edit's timestamp. `ended` means that its run has
        ended, but not with an answer.
        """
        if not await self.cancel(question.run_id) and not ended:
            return False
        await self._begin(f"{question.run_id}#{revision}", question)
        return True

    async def resume(self, run_id: str) -> bool:
        """Go on with a run that paused for approval. Does nothing the second time.

        Returns whether there is such a run.
        """
        question = await self.question(run_id)
        if question is None:
            return False
        await self._begin(f"{run_id}{_APPROVED}", question, resumes=run_id)
        return True

    async def cancel(self, run_id: str) -> bool:
        """End the run and its revisions if they are not finished; return whether any was not."""
        open_runs = await self._open(workflow_id_prefix=run_id)
        for run in open_runs:
            await outside(DBOS.cancel_workflow_async(run.workflow_id))
        await self._end([run.workflow_id for run in open_runs])
        return bool(open_runs)

    async def _end(self, cancelled: Sequence[str]) -> None:
        """Wait until the runs have come to rest; those in this process at once."""
        here = [self._running[run_id] for run_id in cancelled if run_id in self._running]
        for task in here:
            # Once: a second cancellation would cut short how the run comes to rest.
            if not task.cancelling():
                task.cancel()
        if here:
            await asyncio.wait(here, timeout=_COME_TO_REST_WITHIN_S)
        if len(here) < len(cancelled):
            # In another process, which looks once a second.
            await asyncio.sleep(_SEEN_ELSEWHERE_S)

    async def working_on(self, thread: str) -> list[Question]:
        """The questions of a thread that are not answered yet. `thread` as in `Question.thread`."""
        channel = thread.rpartition(":")[0]
        runs = await self._open(workflow_id_prefix=f"{channel}:")
        in_thread = [run.workflow_id for run in runs if (run.attributes or {}).get("thread") == thread]
        questions = [await self.question(run_id) for run_id in in_thread]
        return [question for question in questions if question is not None]

    async def _begin(self, run_id: str, question: Question, resumes: str | None = None) -> None:
        if run_id in self._storing:
            # Delivered again meanwhile: it is stored once, and told once if that takes too long.
            await asyncio.shield(self._storing[run_id])
            return
        storing = asyncio.ensure_future(self._store(run_id, question, resumes))
        self._storing[run_id] = storing
        storing.add_done_callback(lambda _: self._storing.pop(run_id, None))
        try:
            async with asyncio.timeout(_STORE_WITHIN_S):
                await asyncio.shield(storing)
        except TimeoutError as error:
            # The asker is told so where the answer will be.
            self._begun[run_id] = None
            raise DatabaseBusy(f"The question was not stored within {_STORE_WITHIN_S} s.") from error

    async def _store(self, run_id: str, question: Question, resumes: str | None) -> None:
        with SetWorkflowID(run_id), SetWorkflowAttributes({"thread": question.thread}):
            stored = QUESTION.dump_python(question, mode="json")
            await DBOS.start_workflow_async(self._workflow, stored, self._process_id, resumes)

    # working on them

    async def _run(self, stored: dict[str, Any], stored_by: str, resumes: str | None) -> dict[str, Any]:
        if self._closing:
            # It was stored at the last moment, and is taken up at the next start.
            raise asyncio.CancelledError
        question, run_id = QUESTION.validate_python(stored), str(DBOS.workflow_id)
        is_revision = run_id != question.run_id and resumes is None
        is_first = stored_by == self._process_id and not is_revision and self._begin_once(run_id)
        former = self._hold(run_id, question)
        if former:
            # What this run takes the place of was cancelled, and ends within a second.
            await asyncio.wait(former)
        await self._let_others_store(run_id)
        with run_context(run_id):
            async with AsyncExitStack() as stack:
                turn = partial(self._turn, question, stack)
                paused = await self._paused(resumes) if resumes else None
                if resumes and paused is None:
                    # It was cancelled meanwhile, or came to an end without those who were asked.
                    return dict(OUTCOME.dump_python(_NOTHING_LEFT, mode="json"))
                steps = StoredSteps(run_id, may_have_posted=not is_first, turn=turn, resumes=paused)
                outcome = await self._answer(question, steps)
        return dict(OUTCOME.dump_python(outcome, mode="json"))

    async def _paused(self, run_id: str) -> PausedRun | None:
        outcome = await self.outcome(run_id)
        if outcome is None or outcome.pause is None:
            return None
        return PausedRun(run_id, outcome.pause, outcome.messages)

    async def _let_others_store(self, run_id: str) -> None:
        """In a burst, let the other questions be stored, and so acknowledged, before this one is worked on."""
        others = [storing for other, storing in self._storing.items() if other != run_id]
        if others:
            await asyncio.wait(others, timeout=_LET_OTHERS_STORE_S)

    def _begin_once(self, run_id: str) -> bool:
        """Note that the run is begun here; whether it is for the first time. An adopted run can come back."""
        is_first = run_id not in self._begun
        self._begun[run_id] = None
        if len(self._begun) > _MOST_BEGUN_KNOWN:
            self._begun.popitem(last=False)
        return is_first

    def _hold(self, run_id: str, question: Question) -> list[asyncio.Task[Any]]:
        """Note that the present task works on the run; return those that work on the same question."""
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 — a coroutine always runs in one
        # Not those that wait for this one: they go on from where it pauses.
        former = [
            other
            for known, other in self._running.items()
            if base(known) == question.run_id and not known.startswith(f"{run_id}{_APPROVED}")
        ]
        self._running[run_id] = task
        task.add_done_callback(lambda _: self._running.pop(run_id, None))
        return former

    async def _turn(self, question: Question, stack: AsyncExitStack) -> None:
        """Wait for the thread's earlier questions, and for a free slot, which `stack` gives back."""
        if self._waiting >= self._limits.waiting:
            raise TooManyQuestions
        self._waiting += 1
        try:
            if not question.starts_thread:
                await self.before_a_turn()
                await self._predecessors_end(question)
            # Only now: a question that held a slot while it waits could keep its predecessor from one.
            await stack.enter_async_context(self._slots)
        finally:
            self._waiting -= 1

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
        return [
            run.workflow_id
            for run in await self._open(workflow_id_prefix=channel)
            if asked_at(run.workflow_id) < question.ts
            and (run.attributes or {}).get("thread") == question.thread
        ]

    async def _open(self, **which: Any) -> list[WorkflowStatus]:
        return await outside(
            DBOS.list_workflows_async(status=OPEN, load_input=False, load_output=False, **which)
        )

    # looking at them

    async def outcome(self, run_id: str) -> Outcome | None:
        """How the run ended, once it has; `None` for a run that nobody knows, or that was cancelled."""
        while (status := await outside(DBOS.get_workflow_status_async(run_id))) and status.status in OPEN:
            if run_id in self._running:
                await asyncio.wait([self._running[run_id]])
            else:
                await asyncio.sleep(_LOOK_AGAIN_S / 10)
        if status is None or status.output is None:
            return None
        return OUTCOME.validate_python(status.output)

    async def question(self, run_id: str) -> Question | None:
        """The question of a run; `None` for a run that nobody knows."""
        status = await outside(DBOS.get_workflow_status_async(run_id))
        if status is None or status.input is None:
            return None
        return QUESTION.validate_python(status.input["args"][0])

    async def unknown(self, questions: Sequence[Question]) -> list[Question]:
        """Those of the questions that have never been submitted."""
        if not questions:
            return []
        runs = await outside(
            DBOS.list_workflows_async(
                workflow_ids=[question.run_id for question in questions], load_input=False, load_output=False
            )
        )
        known = {run.workflow_id for run in runs}
        return [question for question in questions if question.run_id not in known]

    async def threads(self, team: str, channel: str) -> list[str]:
        """The timestamps of the threads in a channel that were talked in lately, the newest first."""
        runs = await outside(
            DBOS.list_workflows_async(
                workflow_id_prefix=f"{team}:{channel}:",
                load_input=False,
                load_output=False,
                sort_desc=True,
                limit=_MOST_THREADS_KNOWN,
            )
        )
        threads = ((run.attributes or {}).get("thread", "").rpartition(":")[2] for run in runs)
        return [thread for thread in dict.fromkeys(threads) if thread]


def _ended_well(task: asyncio.Task[Any]) -> bool:
    return not task.cancelled() and task.exception() is None


async def _at_once() -> None:
    """Wait for nothing."""
