"""Bots that are stopped, that are away for a while, and that meet another one at the same database."""

from __future__ import annotations

from pathlib import Path
from random import Random

from support.bot_processes import running_bot
from support.chaos import Load
from support.verdict import assert_answered_once, assert_in_order, assert_nothing_repeated, stored_runs


async def test_a_stopped_bot_ends_well_and_the_next_one_goes_on(tmp_path: Path) -> None:
    database_url = f"sqlite:///{tmp_path}/bot.db"
    async with Load.open(Random(1)) as load:
        environment = load.environment(database_url, SHUTDOWN_GRACE_S="1")
        async with running_bot(environment) as bot:

            def stop() -> None:
                # Whoever waited for the answers would wait for ever.
                load.model_answers.clear()
                bot.terminate()

            await load.until_connected()
            load.after(400, stop)
            await load.ask(150)
            await load.until_due()
            assert await bot.ended() == 0
            await load.note_death()
            assert not load.all_answered
        load.model_answers.set()
        async with running_bot(environment):
            await load.until_answered()
    assert_answered_once(load)
    assert_in_order(load)
    assert_nothing_repeated(load, database_url)


async def test_what_was_missed_while_away_is_answered_once_and_the_oldest_first(tmp_path: Path) -> None:
    database_url = f"sqlite:///{tmp_path}/bot.db"
    async with Load.open(Random(2)) as load:
        environment = load.environment(database_url)
        async with running_bot(environment) as bot:
            await load.until_connected()
            await load.ask(50)
            await load.until_answered()
            bot.kill()
        await load.note_death()
        # In threads that it knows, in new ones, and in direct messages.
        await load.ask(100)
        async with running_bot(environment):
            await load.until_answered()
    assert_answered_once(load)
    assert_in_order(load)
    assert_nothing_repeated(load, database_url)
    assert stored_runs(database_url)[-100:] == [asked.run_id for asked in load.asked[-100:]]


async def test_a_second_bot_at_the_same_file_is_told_so(tmp_path: Path) -> None:
    async with Load.open(Random(3)) as load:
        environment = load.environment(f"sqlite:///{tmp_path}/bot.db")
        async with running_bot(environment):
            await load.until_connected()
            async with running_bot(environment, heard=True) as second:
                words = await second.last_words()
                assert await second.ended() == 1
    assert f"Another Threadloop is working with the database {tmp_path}/bot.db" in words
    assert "Traceback" not in words
