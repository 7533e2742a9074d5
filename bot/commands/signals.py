"""Work that goes on until somebody asks the process to stop."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import Coroutine
from contextlib import suppress
from typing import Any


async def until_stopped(work: Coroutine[Any, Any, None]) -> None:
    """Do `work` until it ends, or until SIGINT or SIGTERM cancels it; its `finally` blocks still run."""
    task = asyncio.ensure_future(work)

    def stop() -> None:
        # Once: a second signal, as wrappers like to send, would cut the `finally` blocks short.
        if not task.cancelling():
            task.cancel()

    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop)
    with suppress(asyncio.CancelledError):
        await task
