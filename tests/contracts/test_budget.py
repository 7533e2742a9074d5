"""How often tools were called each day, counted for all replicas together: on SQLite and on PostgreSQL."""

from __future__ import annotations

import asyncio
from datetime import date

import sqlalchemy as sa

from bot.storage.budget import SharedBudget

TODAY, TOMORROW = date(2026, 11, 22), date(2026, 11, 23)


async def test_calls_are_counted_up_to_their_limit_and_anew_each_day(either_database: sa.Engine) -> None:
    budget = SharedBudget(either_database)
    assert [await budget.spend({"weather": 2}, TODAY) for _ in range(3)] == [None, None, "weather"]
    assert await budget.spend({"weather": 2}, TOMORROW) is None


async def test_a_call_that_is_refused_under_one_name_counts_under_none(either_database: sa.Engine) -> None:
    budget = SharedBudget(either_database)
    assert await budget.spend({"post by U1": 1, "all tools": 2}, TODAY) is None
    assert await budget.spend({"post by U1": 1, "all tools": 2}, TODAY) == "post by U1"
    assert await budget.spend({"all tools": 2}, TODAY) is None
    assert await budget.spend({"all tools": 2}, TODAY) == "all tools"


async def test_nothing_may_be_called_where_the_limit_is_nothing(either_database: sa.Engine) -> None:
    assert await SharedBudget(either_database).spend({"post": 0}, TODAY) == "post"


async def test_two_replicas_share_what_there_is(either_database: sa.Engine) -> None:
    replicas = [SharedBudget(either_database), SharedBudget(either_database)]
    limits = {"post": 5, "all tools": 100}
    spent = await asyncio.gather(*(replicas[number % 2].spend(limits, TODAY) for number in range(20)))
    assert spent.count(None) == 5
    assert spent.count("post") == 15
