"""The time that a question may take."""

from __future__ import annotations

import asyncio

import pytest

from bot.agent.deadline import Deadline


async def test_the_time_is_up() -> None:
    async def work() -> None:
        async with Deadline() as deadline:
            deadline.start(0.01)
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await work()


async def test_without_a_start_or_after_it_is_lifted_there_is_none() -> None:
    async with Deadline() as deadline:
        await asyncio.sleep(0)
        deadline.start(0.01)
        deadline.lift()
        await _longer_than(0.01)


async def test_no_time_passes_while_it_rests_and_then_the_rest_of_it() -> None:
    rested = asyncio.Event()

    async def work() -> None:
        async with Deadline() as deadline:
            deadline.start(0.01)
            with deadline.resting():
                with deadline.resting():
                    await _longer_than(0.01)
                await _longer_than(0.01)
            rested.set()
            await asyncio.Event().wait()

    with pytest.raises(TimeoutError):
        await work()
    assert rested.is_set()


async def test_a_rest_before_the_start_changes_nothing() -> None:
    async with Deadline() as deadline:
        with deadline.resting():
            await _longer_than(0.01)
        await _longer_than(0.01)


async def _longer_than(seconds: float) -> None:
    """Let so much time pass, as the event loop counts it."""
    passed = asyncio.Event()
    asyncio.get_running_loop().call_later(seconds * 2, passed.set)
    await passed.wait()
