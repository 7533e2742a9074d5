"""What people decide, as the database keeps it: on SQLite and on PostgreSQL, with two writing at once."""

from __future__ import annotations

import asyncio

import sqlalchemy as sa

from bot.conversation import ToolCall
from bot.storage.approvals import Approvals
from bot.storage.elicitations import Asked, Elicitations

CALLS = [ToolCall("call_1", "post", '{"text": "hi"}'), ToolCall("call_2", "post", '{"text": "ho"}')]
ASKED = Asked("e1", "U1", "How many?", {}, action=None, content={})


async def test_of_two_decisions_at_once_one_counts(either_database: sa.Engine) -> None:
    approvals = Approvals(either_database)
    first, second = await approvals.ask("T1:C1:1.1", CALLS, expires_at=100.0)
    taken = await asyncio.gather(
        approvals.decide(first, "approved", by="U1"), approvals.decide(first, "denied", by="U1")
    )
    assert sorted(taken) == [False, True]
    assert await approvals.decide(second, "approved", by="U1")


async def test_calls_are_asked_about_in_their_order(either_database: sa.Engine) -> None:
    calls = [ToolCall(name, "post", "{}") for name in ("z", "a", "m")]
    asked = await Approvals(either_database).ask("T1:C1:1.1", calls, expires_at=100.0)
    assert [approval.call for approval in asked] == calls


async def test_asking_again_changes_nothing_that_is_decided(either_database: sa.Engine) -> None:
    approvals = Approvals(either_database)
    first, _ = await approvals.ask("T1:C1:1.1", CALLS, expires_at=100.0)
    await approvals.decide(first, "approved", by="U1")
    states = [approval.state for approval in await approvals.ask("T1:C1:1.1", CALLS, expires_at=900.0)]
    assert states == ["approved", "pending"]


async def test_what_people_were_asked_is_kept_word_for_word(either_database: sa.Engine) -> None:
    approvals = Approvals(either_database)
    await approvals.ask("T1:C1:1.1", CALLS, 100.0, lambda call: f"Posting {call.arguments}")
    asked_again = await approvals.ask("T1:C1:1.1", CALLS, 100.0, lambda _call: "Posting something")
    assert {approval.words for approval in asked_again} == {f"Posting {call.arguments}" for call in CALLS}


async def test_a_tools_question_is_new_once_and_answered_once(either_database: sa.Engine) -> None:
    elicitations = Elicitations(either_database)
    assert [await elicitations.ask(ASKED, 1.0) for _ in range(2)] == [True, False]
    answers = [elicitations.answer("e1", "accept", {"n": number}) for number in range(2)]
    assert sorted(await asyncio.gather(*answers)) == [False, True]
    asked = await elicitations.find("e1")
    assert asked is not None
    assert asked.action == "accept"
    await elicitations.forget("e1")
    assert await elicitations.find("e1") is None


async def test_an_answer_is_heard_at_once_in_its_process(either_database: sa.Engine) -> None:
    elicitations = Elicitations(either_database, look_every_s=3_600)
    await elicitations.ask(ASKED, 1.0)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(elicitations.answered("e1"))
        tasks.create_task(elicitations.answer("e1", "accept", {"n": 1}))
    assert waiting.result().content == {"n": 1}


async def test_an_answer_that_another_process_takes_is_heard_too(either_database: sa.Engine) -> None:
    here, there = Elicitations(either_database, look_every_s=0.01), Elicitations(either_database)
    await here.ask(ASKED, 1.0)
    async with asyncio.TaskGroup() as tasks:
        waiting = tasks.create_task(here.answered("e1"))
        tasks.create_task(there.answer("e1", "decline", {}))
    assert waiting.result().action == "decline"
