"""What people decide, as the database keeps it: on SQLite and on PostgreSQL, with two writing at once."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.approvals import Approvals
from bot.conversation import ToolCall
from bot.database import create_engine
from bot.elicitations import Asked, Elicitations
from bot.migrations import migrate

CALLS = [ToolCall("call_1", "post", '{"text": "hi"}'), ToolCall("call_2", "post", '{"text": "ho"}')]
ASKED = Asked("e1", "U1", "How many?", {}, action=None, content={})


@pytest.fixture(params=["sqlite", "postgresql"])
def engine(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/bot.db" if is_sqlite else request.getfixturevalue("postgres_url")
    engine = create_engine(url)
    migrate(engine)
    yield engine
    engine.dispose()


async def test_of_two_decisions_at_once_one_counts(engine: sa.Engine) -> None:
    approvals = Approvals(engine)
    first, second = await approvals.ask("T1:C1:1.1", CALLS, expires_at=100.0)
    taken = await asyncio.gather(
        approvals.decide(first, "approved", by="U1"), approvals.decide(first, "denied", by="U1")
    )
    assert sorted(taken) == [False, True]
    assert await approvals.decide(second, "approved", by="U1")


async def test_asking_again_changes_nothing_that_is_decided(engine: sa.Engine) -> None:
    approvals = Approvals(engine)
    first, _ = await approvals.ask("T1:C1:1.1", CALLS, expires_at=100.0)
    await approvals.decide(first, "approved", by="U1")
    states = [approval.state for approval in await approvals.ask("T1:C1:1.1", CALLS, expires_at=900.0)]
    assert states == ["approved", "pending"]


async def test_a_tools_question_is_new_once_and_answered_once(engine: sa.Engine) -> None:
    elicitations = Elicitations(engine)
    assert [await elicitations.ask(ASKED, 1.0) for _ in range(2)] == [True, False]
    answers = [elicitations.answer("e1", "accept", {"n": number}) for number in range(2)]
    assert sorted(await asyncio.gather(*answers)) == [False, True]
    asked = await elicitations.find("e1")
    assert asked is not None
    assert asked.action == "accept"
    await elicitations.forget("e1")
    assert await elicitations.find("e1") is None
