"""A run's place among those that are worked on, and how it is lent to others."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack

import pytest

from bot.conversation import Question
from bot.runs.turns import RunLimits, Slot, Turns


def _question(ts: str) -> Question:
    return Question("T1", "C1", ts, ts, "U1", "Hello?", "mention")


def _turns(slots: int = 1) -> Turns:
    return Turns(RunLimits(concurrent=slots), {}, {})


async def _next_gets_it(turns: Turns) -> bool:
    """Whether another run may begin now."""
    async with AsyncExitStack() as stack:
        taking = asyncio.ensure_future(turns.take(_question("9.9"), stack))
        for _ in range(5):
            await asyncio.sleep(0)
        if taking.done():
            return True
        taking.cancel()
        return False


async def test_a_run_that_rests_lends_its_slot_and_takes_it_again() -> None:
    turns = _turns()
    async with AsyncExitStack() as stack:
        slot = await turns.take(_question("1.1"), stack)
        assert not await _next_gets_it(turns)
        async with slot.resting():
            assert await _next_gets_it(turns)
        assert not await _next_gets_it(turns)
    assert await _next_gets_it(turns)


async def test_it_waits_until_the_other_is_done() -> None:
    turns = _turns()
    async with AsyncExitStack() as stack, AsyncExitStack() as others:
        slot = await turns.take(_question("1.1"), stack)
        awake = asyncio.Event()

        async def rest() -> None:
            async with slot.resting():
                await turns.take(_question("2.2"), others)
            awake.set()

        resting = asyncio.ensure_future(rest())
        await _settled()
        assert not awake.is_set()
        await others.aclose()
        await resting
        assert not await _next_gets_it(turns)


async def test_calls_that_rest_together_lend_one_slot() -> None:
    turns = _turns()
    async with AsyncExitStack() as stack:
        slot = await turns.take(_question("1.1"), stack)
        ends = [asyncio.Event(), asyncio.Event()]
        resting = [asyncio.ensure_future(_rest(slot, end)) for end in ends]
        await _settled()
        async with AsyncExitStack() as others:
            await turns.take(_question("2.2"), others)
            assert not await _next_gets_it(turns)
        for end in ends:
            end.set()
        await asyncio.gather(*resting)
        assert not await _next_gets_it(turns)
    assert await _next_gets_it(turns)


async def test_a_run_that_is_cancelled_while_it_rests_waits_for_no_slot_and_gives_none_back() -> None:
    turns = _turns()
    async with AsyncExitStack() as others:

        async def run() -> None:
            async with AsyncExitStack() as stack:
                slot = await turns.take(_question("1.1"), stack)
                async with slot.resting():
                    await turns.take(_question("2.2"), others)
                    await asyncio.Event().wait()

        running = asyncio.ensure_future(run())
        await _settled()
        running.cancel()
        with pytest.raises(asyncio.CancelledError):
            await running
        assert not await _next_gets_it(turns)
    assert await _next_gets_it(turns)


async def _rest(slot: Slot, end: asyncio.Event) -> None:
    async with slot.resting():
        await end.wait()


async def _settled() -> None:
    """Let every task come to where it waits."""
    for _ in range(5):
        await asyncio.sleep(0)
