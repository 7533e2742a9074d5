"""Run a blocking function off the event loop."""

from __future__ import annotations

import asyncio
import contextlib
import contextvars
import threading
from collections.abc import Callable
from typing import TypeVar

Result = TypeVar("Result")


async def run_in_thread(function: Callable[[], Result]) -> Result:
    """Call `function` in a new thread and wait for what it returns or raises.

    A pool would be smaller, but a function that hangs would hold one of its few threads for ever, and the
    program could not exit before it. A daemon thread of its own does neither.
    """
    loop = asyncio.get_running_loop()
    finished: asyncio.Future[Callable[[], Result]] = loop.create_future()
    variables = contextvars.copy_context()

    def deliver(outcome: Callable[[], Result]) -> None:
        if not finished.done():
            finished.set_result(outcome)

    def work() -> None:
        outcome = _outcome_of(lambda: variables.run(function))
        # The loop is closed when the program ended while the function was still at work.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(deliver, outcome)

    threading.Thread(target=work, daemon=True, name="tool").start()
    return (await finished)()


def _outcome_of(function: Callable[[], Result]) -> Callable[[], Result]:
    """Call `function` now; what is returned gives its result, or raises its error, later.

    (A future cannot carry every error: `set_exception` refuses StopIteration.)
    """
    try:
        result = function()
    except BaseException as error:  # whatever it is belongs to the caller
        failure = error

        def fail() -> Result:
            raise failure

        return fail
    return lambda: result
