"""A process that is asked to stop ends what it does, however often it is asked."""

from __future__ import annotations

import asyncio
import os
import signal
from collections.abc import Iterator

import pytest

from bot.commands.signals import until_stopped

SIGNALS = (signal.SIGINT, signal.SIGTERM)


@pytest.fixture(autouse=True)
def handlers() -> Iterator[None]:
    """What the loop has put in the place of the usual handlers goes with the test."""
    usual = {number: signal.getsignal(number) for number in SIGNALS}
    yield
    for number, handler in usual.items():
        signal.signal(number, handler)


@pytest.mark.parametrize("second", SIGNALS)
async def test_a_second_signal_does_not_cut_short_how_work_ends(second: signal.Signals) -> None:
    begun, ending, may_end = asyncio.Event(), asyncio.Event(), asyncio.Event()
    ended: list[str] = []

    async def work() -> None:
        try:
            begun.set()
            await asyncio.Event().wait()
        finally:
            ending.set()
            await may_end.wait()
            ended.append("well")

    working = asyncio.create_task(until_stopped(work()))
    await begun.wait()
    os.kill(os.getpid(), signal.SIGTERM)
    await ending.wait()
    heard = asyncio.Event()
    asyncio.get_running_loop().add_signal_handler(signal.SIGUSR1, heard.set)
    os.kill(os.getpid(), second)
    # The loop takes signals in their order.
    os.kill(os.getpid(), signal.SIGUSR1)
    await heard.wait()
    may_end.set()
    await working
    assert ended == ["well"]
