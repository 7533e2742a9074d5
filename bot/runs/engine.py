"""How the run engine, DBOS, is set up, and the few things that all who use it share."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from contextvars import Context
from typing import Any, TypeVar

import sqlalchemy as sa
from dbos import DBOS, DBOSConfig, DBOSPortableJSONSerializer
from dbos import error as dbos_errors
from pydantic import TypeAdapter
from sqlalchemy.exc import DBAPIError

from bot.conversation import Outcome, Question
from bot.errors import DatabaseBusy

_log = logging.getLogger(__name__)

Value = TypeVar("Value")

WORKFLOW = "answer"
# What is put behind a run's id and a `#` for the run that goes on with it.
APPROVED = "approved"
RETRY = "retry"
ACT = "act"
OPEN = ["PENDING", "ENQUEUED"]
FINISHED = ["SUCCESS", "ERROR", "CANCELLED", "MAX_RECOVERY_ATTEMPTS_EXCEEDED"]
QUESTION = TypeAdapter(Question)
OUTCOME = TypeAdapter(Outcome)

# Runs are taken up by whatever code is there. A change of the order of a run's steps needs a new version: what
# the old one has left open is then begun anew.
APPLICATION_VERSION = "3"
_MOST_THREADS = 16
# Half a minute, in which a database that is restarted is back.
_PAUSES_S = (0.5, 1.0, 2.0, 4.0, 8.0, 16.0)
_NO_NEWS = ("Asyncio task cancelled", "was cancelled during execution", "no longer owned by this execution")


def launch(engine: sa.Engine, executor_id: str) -> None:
    """Open DBOS on `engine`. It takes up the open runs of `executor_id`, on the event loop that is running.

    Raises:
        DatabaseBusy: the database cannot be opened.
    """
    # Without a handler of its own the engine adds one that writes past our log format.
    log = logging.getLogger("dbos")
    log.addHandler(logging.NullHandler())
    log.addFilter(_is_news)
    config = DBOSConfig(
        name="threadloop",
        system_database_url=engine.url.render_as_string(hide_password=True),
        system_database_engine=engine,
        # The default serializer pickles.
        serializer=DBOSPortableJSONSerializer(),
        application_version=APPLICATION_VERSION,
        executor_id=executor_id,
        max_executor_threads=_MOST_THREADS,
        # We send no messages between runs: polling costs less than a connection that listens.
        use_listen_notify=False,
        log_level="WARNING",
    )
    try:
        DBOS(config=config)
        DBOS.launch()
    except DBAPIError as error:
        raise DatabaseBusy(f"The database cannot be opened: {error.orig}") from error


def _is_news(record: logging.LogRecord) -> bool:
    """Whether a log line of the engine tells of more than a run that was cancelled, which we do on purpose."""
    fault = record.exc_info[1] if record.exc_info else None
    return not isinstance(fault, dbos_errors.DBOSAwaitedWorkflowCancelledError) and not any(
        words in record.getMessage() for words in _NO_NEWS
    )


async def close() -> None:
    """Close DBOS and forget its workflows."""
    loop = asyncio.get_running_loop()
    # The engine lent the loop its threads; what else closes after it still needs some.
    threads = ThreadPoolExecutor(_MOST_THREADS)
    loop.set_default_executor(threads)
    with ThreadPoolExecutor(1) as closer:
        await loop.run_in_executor(closer, lambda: DBOS.destroy(destroy_registry=True))
    # Each call of the engine lends them again, and somebody may have been late.
    loop.set_default_executor(threads)


async def outside(call: Coroutine[Any, Any, Value]) -> Value:
    """Make an engine call that is no step, also from inside a run: there it would be stored and replayed."""
    return await asyncio.get_running_loop().create_task(call, context=Context())


async def patiently(work: Callable[[], Awaitable[Value]]) -> Value:
    """Do what may be done again, and do it again after a while where the database fails."""
    for pause_s in _PAUSES_S:
        try:
            return await work()
        except DBAPIError as error:
            _log.warning("The database failed, and is tried again in %s s: %s", pause_s, error.orig)
            await asyncio.sleep(pause_s)
    return await work()


def base(run_id: str) -> str:
    """The question's own run id, out of `team:channel:ts#revision`."""
    return run_id.partition("#")[0]


def revision(run_id: str) -> str:
    """The run id without what approvals and retries have added: the same for as long as the question is."""
    asked, *added = run_id.split("#")
    return "#".join([asked, *(word for word in added if word not in (APPROVED, RETRY))])


def asked_at(run_id: str) -> str:
    """The timestamp of the question."""
    return base(run_id).rpartition(":")[2]
