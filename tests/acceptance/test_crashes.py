"""Bots that are killed, at any instant, while they answer three hundred questions in forty threads."""

from __future__ import annotations

import signal
from pathlib import Path

from support.bot_processes import nursery, running_bot
from support.chaos import QUESTIONS, Load, chance
from support.verdict import assert_answered_once, assert_in_order, assert_nothing_repeated

_KILLS = 50
# About forty of them go into looking for what was missed.
_MOST_EVENTS_OF_A_LIFE = 120


async def test_fifty_kills_lose_and_double_nothing_on_sqlite(tmp_path: Path) -> None:
    await _fifty_kills(f"sqlite:///{tmp_path}/bot.db")


async def test_fifty_kills_lose_and_double_nothing_on_postgresql(postgres_url: str) -> None:
    await _fifty_kills(postgres_url)


async def test_a_replica_that_dies_for_good_is_replaced_by_the_other(postgres_url: str) -> None:
    async with Load.open(chance()) as load:
        environment = load.environment(postgres_url)
        async with running_bot(environment) as one, running_bot(environment):
            await load.until_connected(2)
            load.after(2 * QUESTIONS, one.kill)
            await load.ask(QUESTIONS // 2)
            await load.until_due()
            assert not load.all_answered
            await load.note_death()
            await load.until_answered()
            await load.ask(QUESTIONS // 2)
            await load.until_answered()
    _assert_nothing_lost_or_doubled(load, postgres_url)


async def _fifty_kills(database_url: str) -> None:
    random = chance()
    async with Load.open(random) as load, nursery() as bots:
        environment = load.environment(database_url)
        bot = await bots.start(environment)
        # A bot that never was there has missed nothing, and so looks for nothing.
        await load.until_connected()
        await load.ask(1)
        await load.until_answered()
        for _ in range(_KILLS):
            load.after(random.randint(1, _MOST_EVENTS_OF_A_LIFE), bot.kill)
            await load.ask(QUESTIONS // _KILLS)
            await load.until_due()
            assert await bot.ended() == -signal.SIGKILL
            await load.note_death()
            bot = await bots.start(environment)
        await load.until_answered()
        bot.kill()
        await bot.ended()
    _assert_nothing_lost_or_doubled(load, database_url)


def _assert_nothing_lost_or_doubled(load: Load, database_url: str) -> None:
    assert len(load.asked) == QUESTIONS
    assert_answered_once(load)
    assert_in_order(load)
    assert_nothing_repeated(load, database_url)
