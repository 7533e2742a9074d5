"""Durable runs: a question is stored before it is acknowledged, and worked on step by step.

The only module that imports the run engine, DBOS. It knows no Slack.

A run is one workflow whose id is the question's `run_id`: the same post delivered twice is one run. The results
of its finished steps are stored; when a run is taken up again after a crash, they are not run again.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import aclosing
from functools import cache
from typing import Any, TypeVar

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer, SetWorkflowID
from pydantic import TypeAdapter
from sqlalchemy.exc import DBAPIError

from bot.conversation import Outcome, Question
from bot.errors import DatabaseBusy, RunError, by_name
from bot.telemetry import run_context

_log = logging.getLogger(__name__)

Value = TypeVar("Value")
Live = TypeVar("Live")

_QUESTION = TypeAdapter(Question)
_OUTCOME = TypeAdapter(Outcome)

# Runs are resumed by whatever code is running. Changing the order of a run's steps therefore needs a new
# version, and open runs of the old one to be finished first.
_APPLICATION_VERSION = "1"
_MOST_THREADS = 16
# Slack waits three seconds for the acknowledgement.
_STORE_WITHIN_S = 2.5


class Runs:
    """The runs of this process. DBOS is a singleton, so there is one of these at a time.

    Args:
        engine: where runs are stored; shared with our own tables.
        answer: answers a question in steps, and never raises.
    """

    def __init__(
        self, engine: sa.Engine, answer: Callable[[Question, StoredSteps], Awaitable[Outcome]]
    ) -> None:
        self._engine = engine
        self._answer = answer
        self._storing: dict[str, asyncio.Future[None]] = {}
        self._running: dict[str, asyncio.Future[Any]] = {}

        @DBOS.workflow(name="answer")
        async def workflow(question: dict[str, Any]) -> dict[str, Any]:
            return await self._run(question)

        self._workflow = workflow

    async def start(self) -> None:
        """Open the engine, and take up the runs that a former process left open.

        Raises:
            DatabaseBusy: the database cannot be opened.
        """
        _quieten()
        DBOS(config=self._config())
        try:
            # Not in a thread, though it blocks: resumed questions run on the loop that launches the engine.
            DBOS.launch()
        except DBAPIError as error:
            raise DatabaseBusy(f"The database cannot be opened: {error.orig}") from error

    async def aclose(self, grace_s: float = 5.0) -> None:
        """Let running questions finish for `grace_s` seconds, then close. Others resume at the next start."""
        if self._running:
            await asyncio.wait(self._running.values(), timeout=grace_s)
        loop = asyncio.get_running_loop()
        # The engine lent the loop its threads; what else closes after it still needs some.
        loop.set_default_executor(ThreadPoolExecutor(_MOST_THREADS))
        with ThreadPoolExecutor(1) as closer:
            await loop.run_in_executor(closer, lambda: DBOS.destroy(destroy_registry=True))

    async def submit(self, question: Question) -> str:
        """Store the question and start to answer it; return its run id as soon as it is stored.

        Submitting the same post again changes nothing.

        Raises:
            DatabaseBusy: the question could not be stored in time. Storing it goes on.
        """
        run_id = question.run_id
        if run_id not in self._storing:
            self._storing[run_id] = asyncio.ensure_future(self._store(question))
            self._storing[run_id].add_done_callback(lambda _: self._storing.pop(run_id, None))
        try:
            async with asyncio.timeout(_STORE_WITHIN_S):
                await asyncio.shield(self._storing[run_id])
        except TimeoutError as error:
            raise DatabaseBusy(f"The question was not stored within {_STORE_WITHIN_S} s.") from error
        return run_id

    async def _store(self, question: Question) -> None:
        with SetWorkflowID(question.run_id):
            handle = await DBOS.start_workflow_async(
                self._workflow, _QUESTION.dump_python(question, mode="json")
            )
        if question.run_id not in self._running:
            self._hold(question.run_id, handle.get_result())

    async def outcome(self, run_id: str) -> Outcome | None:
        """How the run ended, once it has; `None` for a run that nobody knows."""
        if run_id in self._running:
            return _OUTCOME.validate_python(await asyncio.shield(self._running[run_id]))
        status = await DBOS.get_workflow_status_async(run_id)
        if status is None or status.output is None:
            return None
        return _OUTCOME.validate_python(status.output)

    async def question(self, run_id: str) -> Question | None:
        """The question of a run; `None` for a run that nobody knows."""
        status = await DBOS.get_workflow_status_async(run_id)
        if status is None or status.input is None:
            return None
        return _QUESTION.validate_python(status.input["args"][0])

    async def _run(self, question: dict[str, Any]) -> dict[str, Any]:
        asked = _QUESTION.validate_python(question)
        with run_context(asked.run_id):
            outcome = await self._answer(asked, StoredSteps())
        return dict(_OUTCOME.dump_python(outcome, mode="json"))

    def _hold(self, run_id: str, result: Awaitable[Any]) -> None:
        task = asyncio.ensure_future(result)
        self._running[run_id] = task
        task.add_done_callback(lambda _: self._running.pop(run_id, None))

    def _config(self) -> DBOSConfig:
        return DBOSConfig(
            name="threadloop",
            system_database_url=self._engine.url.render_as_string(hide_password=False),
            system_database_engine=self._engine,
            serializer=DBOSPortableJSONSerializer(),
            application_version=_APPLICATION_VERSION,
            max_executor_threads=_MOST_THREADS,
            log_level="WARNING",
        )


class StoredSteps:
    """The steps of one run, each stored when it has finished. Made inside a run."""

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
            result = await reservation.run_async({"name": name}, stored)
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


def _quieten() -> None:
    # Without a handler of its own the engine adds one that writes to the terminal past our log format.
    logging.getLogger("dbos").addHandler(logging.NullHandler())
