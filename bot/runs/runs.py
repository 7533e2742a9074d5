"""Takes questions, and sees to it that each is answered once and in its turn."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from contextlib import AsyncExitStack, suppress
from functools import partial
from typing import Any
from uuid import uuid4

import sqlalchemy as sa
from dbos import DBOS, SetWorkflowAttributes, SetWorkflowID
from sqlalchemy.exc import DBAPIError

from bot.conversation import Outcome, PausedRun, Question
from bot.errors import DatabaseBusy, TakenUpTooOften
from bot.runs import engine, stored
from bot.runs.acts import Acts
from bot.runs.endings import Endings
from bot.runs.engine import (
    APPLICATION_VERSION,
    APPROVED,
    OPEN,
    OUTCOME,
    QUESTION,
    RETRY,
    WORKFLOW,
    base,
    outside,
)
from bot.runs.forks import fork_of
from bot.runs.replicas import Replicas
from bot.runs.steps import StoredSteps
from bot.runs.turns import RunLimits, Slot, Turns, nothing
from bot.runs.upkeep import adopt, left_by_other_versions, tidy_up
from bot.telemetry import run_context

# Slack waits three seconds and then delivers again. In a burst a question may take as long; one that takes
# longer is stuck, and the asker is told.
_STORE_WITHIN_S = 5.0
_LET_OTHERS_STORE_S = 1.0
_LOOK_AGAIN_S = 0.05
# As many as the engine itself allows: whoever kills processes at random must not exhaust them.
_MOST_ATTEMPTS = 100
_COME_TO_REST_WITHIN_S = 5.0
_MOST_BEGUN_KNOWN = 20_000
_NOTHING_LEFT = Outcome("failed", "There was nothing to go on with.", error="Unexpected")


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
        self._replicas = Replicas(database, self._adopt) if is_shared else None
        self._tidying: asyncio.Task[None] | None = None
        self._storing: dict[str, asyncio.Future[None]] = {}
        # Who stored a run is stored with it: a run of another process may have shown something already.
        self._process_id = uuid4().hex
        self._begun: OrderedDict[str, None] = OrderedDict()
        self._running: dict[str, asyncio.Task[Any]] = {}
        self.turns = Turns(self._limits, self._storing, self._running)
        """When each may begin."""
        self.endings = Endings(self._running)
        """How they are ended before that."""
        self.acts = Acts()
        """What is done once, and is no answer."""
        self.end_former: Callable[[Question], Awaitable[object]] = nothing
        """Ends the runs that an edited question takes the place of."""
        self._closing = False

        @DBOS.workflow(name=WORKFLOW, max_recovery_attempts=None)
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
        else:
            await self._begin_anew(await left_by_other_versions())
        self._tidying = asyncio.create_task(tidy_up(self._limits.keep_days), name="tidy-up")

    async def _adopt(self, replica: str) -> None:
        await adopt(replica)
        await self._begin_anew(await left_by_other_versions(replica))

    async def _begin_anew(self, outdated: Sequence[str]) -> None:
        """Begin runs anew that a version with other steps has left open."""
        for run_id in outdated:
            question = await self.question(run_id)
            # Of an edited question, both what was asked first and what takes its place may be left.
            if question is not None and await self._is_latest(question):
                await self._begin(f"{question.run_id}#v{APPLICATION_VERSION}", question)
            # Only now, so that what waits for it in its thread goes on waiting.
            await outside(DBOS.cancel_workflow_async(run_id))

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
        await self.acts.aclose()
        await engine.close()
        if self._replicas is not None:
            # Only now may the others take what was left open.
            await self._replicas.leave()

    @property
    def running(self) -> int:
        """How many runs are being worked on here."""
        return len(self._running) - self.turns.waiting

    @property
    def waiting(self) -> int:
        """How many runs wait here for their turn."""
        return self.turns.waiting

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
        """Go on with a run that failed, from where it failed. Does nothing the second time.

        Returns whether there is such a run.

        Raises:
            DatabaseBusy: this could not be stored in time. Storing it goes on.
        """
        if not await stored.known([run_id]):
            return False
        retry_id = f"{run_id}#{RETRY}"
        await self._store_once(retry_id, lambda: self._fork(run_id, retry_id))
        return True

    async def revise(self, question: Question, revision: str, *, is_new: bool) -> None:
        """Answer an edited question as it is now, in the place of what was begun before.

        An edit changes nothing when it was heard of before, be it in another way, or a later one was.

        Args:
            question: as it is now.
            revision: tells one edit from another, such as the edit's timestamp.
            is_new: whether it is with this edit that the question is put to the bot, be it once more.

        Raises:
            DatabaseBusy: this could not be stored in time. Storing it goes on.
        """
        latest = await stored.latest_edit(question.run_id)
        if latest is not None and latest < (question.at or 0.0):
            # What it takes the place of is ended only when this is stored, so that nothing is lost in between.
            await self._begin(f"{question.run_id}#{revision}", question)
        elif latest is None and is_new:
            # Under the id that it has for whoever else hears of it.
            await self.submit(question)

    async def resume(self, run_id: str) -> bool:
        """Go on with a run that paused for approval, or is about to. Does nothing the second time.

        Returns whether there is such a run: not if it has ended otherwise.
        """
        run = await stored.status(run_id)
        if run is None or run.input is None or not (run.status in OPEN or stored.is_paused(run)):
            return False
        question = QUESTION.validate_python(run.input["args"][0])
        await self._begin(f"{run_id}#{APPROVED}", question, resumes=run_id)
        return True

    async def is_resumed(self, run_id: str) -> bool:
        """Whether somebody has gone on with a run that paused."""
        return bool(await stored.known([f"{run_id}#{APPROVED}"]))

    async def _begin(self, run_id: str, question: Question, resumes: str | None = None) -> None:
        await self._store_once(run_id, lambda: self._store(run_id, question, resumes))

    async def _store_once(self, run_id: str, store: Callable[[], Coroutine[Any, Any, None]]) -> None:
        if run_id in self._storing:
            # Delivered again meanwhile: it is stored once, and told once if that takes too long.
            await asyncio.shield(self._storing[run_id])
            return
        storing = asyncio.ensure_future(store())
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
            argument = QUESTION.dump_python(question, mode="json")
            await DBOS.start_workflow_async(self._workflow, argument, self._process_id, resumes)

    async def _fork(self, run_id: str, retry_id: str) -> None:
        # Who is quick sees the failure before its run has ended.
        await self.outcome(run_id)
        run = await stored.status(run_id)
        if run is None or await stored.known([retry_id]):
            return
        source, step = fork_of(run, await stored.steps(run_id))
        # A press at another replica may have been quicker.
        with SetWorkflowID(retry_id), suppress(sa.exc.IntegrityError):
            await DBOS.fork_workflow_async(source, step, application_version=APPLICATION_VERSION)

    # working on them

    async def _run(self, argument: dict[str, Any], stored_by: str, resumes: str | None) -> dict[str, Any]:
        if self._closing:
            # It was stored at the last moment, and is taken up at the next start.
            raise asyncio.CancelledError
        question, run_id = QUESTION.validate_python(argument), str(DBOS.workflow_id)
        # One that goes on after an approval shows what it has to say in further messages.
        in_place = run_id != question.run_id and not run_id.endswith(f"#{APPROVED}")
        is_first = stored_by == self._process_id and not in_place and self._begin_once(run_id)
        former = self._hold(run_id, question)
        if in_place:
            await engine.patiently(lambda: self.end_former(question))
        if former:
            # What this run takes the place of was cancelled, and ends within a second.
            await asyncio.wait(former)
        if run_id != question.run_id and not await self._is_latest(question):
            # A later edit takes its place.
            return dict(OUTCOME.dump_python(_NOTHING_LEFT, mode="json"))
        await self._let_others_store(run_id)
        with run_context(run_id):
            async with AsyncExitStack() as stack:
                turn = partial(self._turn, question, run_id, stack, is_first=is_first)
                paused = await self._paused(resumes) if resumes else None
                if resumes and paused is None:
                    # It was cancelled meanwhile, or came to an end without those who were asked.
                    return dict(OUTCOME.dump_python(_NOTHING_LEFT, mode="json"))
                steps = StoredSteps(run_id, may_have_posted=not is_first, turn=turn, resumes=paused)
                outcome = await self._answer(question, steps)
        return dict(OUTCOME.dump_python(outcome, mode="json"))

    async def _is_latest(self, question: Question) -> bool:
        """Whether nobody has heard of a later edit of the question."""
        return await stored.latest_edit(question.run_id) == (question.at or 0.0)

    async def _turn(self, question: Question, run_id: str, stack: AsyncExitStack, *, is_first: bool) -> Slot:
        slot = await self.turns.take(question, stack)
        # Not before: who only waited is not to blame for the end of its process.
        if not is_first and await stored.count_attempt(run_id) > _MOST_ATTEMPTS:
            raise TakenUpTooOften
        return slot

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
            if base(known) == question.run_id and not known.startswith(f"{run_id}#{APPROVED}")
        ]
        self._running[run_id] = task
        task.add_done_callback(lambda _: self._running.pop(run_id, None))
        return former

    # looking at them

    async def outcome(self, run_id: str) -> Outcome | None:
        """How the run ended, once it has; `None` for a run that nobody knows, or that was cancelled."""
        while (status := await stored.status(run_id)) and status.status in OPEN:
            if run_id in self._running:
                await asyncio.wait([self._running[run_id]])
            else:
                await asyncio.sleep(_LOOK_AGAIN_S)
        if status is None or status.output is None:
            return None
        return OUTCOME.validate_python(status.output)

    async def question(self, run_id: str) -> Question | None:
        """The question of a run; `None` for a run that nobody knows."""
        return await stored.question(run_id)

    async def is_open(self, question: Question) -> bool:
        """Whether a run of the question is not finished."""
        return bool(await stored.open_runs(question.run_id))

    async def is_from_before(self, run_id: str, edit: float) -> bool:
        """Whether the run is about a question as it was before an edit, given in seconds since the epoch."""
        return await stored.is_from_before(run_id, edit)

    async def unknown(self, questions: Sequence[Question]) -> list[Question]:
        """Those of the questions that have never been submitted."""
        known = await stored.known([question.run_id for question in questions])
        return [question for question in questions if question.run_id not in known]

    async def working_on(self, thread: str) -> list[Question]:
        """The questions of a thread that are not answered yet. `thread` as in `Question.thread`."""
        questions = [await stored.question(run_id) for run_id in await stored.open_in_thread(thread)]
        return [question for question in questions if question is not None]

    async def threads(self, team: str, since: float, most: int) -> dict[str, list[str]]:
        """The threads that were talked in since then, by channel, as timestamps: the latest `most` of them.

        `since` is in seconds since the epoch.
        """
        return await stored.threads(team, since, most)
