"""One question, one answer: whatever is delivered twice, lost on the way, or asked too fast."""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
from support.bot import bot_in_workspace
from support.openai_server import OpenAIServer, failure, text
from support.patience import PATIENCE_S, UNSTREAMED

from bot.runs.upkeep import tidy_up

Json = dict[str, Any]


async def test_a_second_question_waits_and_sees_the_first_answer(tmp_path: Path) -> None:
    first = asyncio.Event()
    model = OpenAIServer([text("One.", wait=first), text("Two.")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        root = await scene.ada.say("#general", "@threadloop first?")
        await model.until_asked(1)
        second = await scene.playground.person("grace").say("#general", "@threadloop second?", thread_ts=root)
        await scene.playground.until(lambda: scene.bot.runs.waiting == 1, what="the second question's wait")
        assert len(model.requests) == 1
        first.set()
        assert await scene.answer(second, root=root) == "Two."
    assert _thread(model.requests[1]) == [
        ("user", "Ada Lovelace: first?"),
        ("assistant", "One."),
        ("user", "Grace Hopper: second?"),
    ]


async def test_six_quick_questions_are_answered_in_their_order(tmp_path: Path) -> None:
    model = OpenAIServer(reply=lambda request: text(f"Answer {len(_thread(request)) // 2}"))
    async with bot_in_workspace(tmp_path, model=model) as scene:
        root = await scene.ada.say("#general", "@threadloop question 0")
        more = [
            await scene.ada.say("#general", f"@threadloop question {n}", thread_ts=root) for n in range(1, 6)
        ]
        answers = [await scene.answer(ts, root=root) for ts in [root, *more]]
    assert answers == [f"Answer {number}" for number in range(6)]


async def test_other_threads_do_not_wait(tmp_path: Path) -> None:
    slow = asyncio.Event()
    model = OpenAIServer([text("Slow.", wait=slow), text("Quick.")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        first = await scene.ada.say("#general", "@threadloop slow?")
        await model.until_asked(1)
        assert await scene.answer(await scene.ada.say("#general", "@threadloop quick?")) == "Quick."
        slow.set()
        assert await scene.answer(first) == "Slow."


@pytest.mark.parametrize("fault", [{"lose_response": True}, {"reset": True}, {"status": 500}], ids=str)
async def test_a_post_whose_outcome_is_unknown_is_there_once(tmp_path: Path, fault: Json) -> None:
    async with bot_in_workspace(
        tmp_path, model=OpenAIServer([text("word " * 2_000)]), timing=UNSTREAMED
    ) as scene:
        scene.playground.faults.next("chat.postMessage", times=2, **fault)
        ts = await scene.ada.say("#general", "@threadloop At length?")
        await scene.answer(ts)
        parts = [message["metadata"]["event_payload"]["part"] for message in scene.answers(ts)]
        assert parts == list(range(len(parts)))
        assert len(scene.playground.thread("#general", ts)) == 1 + len(parts)


async def test_many_questions_at_once_cost_slack_no_calls_but_for_their_answers(tmp_path: Path) -> None:
    model = OpenAIServer(reply=lambda _request: text("Here."))
    async with bot_in_workspace(tmp_path, model=model, slack_paced=False) as scene:
        asked = await asyncio.gather(
            *(scene.ada.say("#general", f"@threadloop number {number}?") for number in range(10))
        )
        assert [await scene.answer(ts) for ts in asked] == ["Here."] * 10
        assert len(scene.calls("auth.test")) == 1


async def test_a_redelivery_after_a_restart_changes_nothing(tmp_path: Path) -> None:
    model = OpenAIServer([text("Once.")])
    async with bot_in_workspace(tmp_path, model=model, timing=UNSTREAMED) as scene:
        ts = await scene.ada.say("#general", "@threadloop Once?")
        await scene.answer(ts)
        await scene.stop()
        await scene.start()
        await scene.playground.redeliver()
        assert len(scene.answers(ts)) == 1
        assert len(scene.calls("chat.postMessage")) == 1


async def test_a_question_that_is_open_at_a_stop_is_answered_after_the_start_in_the_same_message(
    tmp_path: Path,
) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("Too late ", "for that.", hold=never), text("After all.")])
    async with bot_in_workspace(tmp_path, model=model, shutdown_grace_s=0) as scene:
        ts = await scene.ada.say("#general", "@threadloop Still there?")
        begun = await scene.until_shown("Too late", ts)
        await scene.stop()
        await scene.start()
        assert await scene.answer(ts) == "After all."
        (answer,) = scene.shown(ts)
        assert answer["ts"] == begun["ts"]
        never.set()


async def test_a_thread_that_can_not_be_read_at_first_gets_no_second_answer(tmp_path: Path) -> None:
    never, goes_on = asyncio.Event(), asyncio.Event()
    again = text("These words are all.", wait=goes_on)
    model = OpenAIServer([text("These words ", "are all.", hold=never), again])
    async with bot_in_workspace(tmp_path, model=model, shutdown_grace_s=0) as scene:
        ts = await scene.ada.say("#general", "@threadloop At length?")
        begun = await scene.until_shown("These words", ts)
        await scene.stop()
        scene.playground.faults.next("conversations.replies", times=100, error="fatal_error")
        await scene.start()
        await model.until_asked(2)
        scene.playground.faults.clear()
        goes_on.set()
        assert await scene.answer(ts) == "These words are all."
        (answer,) = scene.shown(ts)
        assert answer["ts"] == begun["ts"]
        never.set()


async def test_what_was_asked_while_the_bot_was_away_is_answered_at_its_return(tmp_path: Path) -> None:
    asked: list[str] = []

    def reply(request: Json) -> Any:
        asked.append(_thread(request)[-1][1])
        return text("Here.")

    async with bot_in_workspace(tmp_path, model=OpenAIServer(reply=reply)) as scene:
        known = await scene.ada.say("#general", "@threadloop before")
        await scene.answer(known)
        dm = await scene.ada.open_dm()
        await scene.stop()
        in_channel = await scene.ada.say("#general", "@threadloop in the channel")
        in_thread = await scene.ada.say("#general", "@threadloop in the thread", thread_ts=known)
        in_dm = await scene.ada.say(dm, "in the DM")
        await scene.ada.say("#general", "not for the bot")
        await scene.start()
        assert await scene.answer(in_channel) == "Here."
        assert await scene.answer(in_thread, root=known) == "Here."
        assert await scene.answer(in_dm, dm) == "Here."
        assert len(scene.answers(known)) == 1
    assert asked[0] == "Ada Lovelace: before"
    assert sorted(asked[1:]) == [
        "Ada Lovelace: in the DM", "Ada Lovelace: in the channel", "Ada Lovelace: in the thread",
    ]  # fmt: skip


async def test_too_many_waiting_questions_are_refused_with_a_sentence(tmp_path: Path) -> None:
    slow = asyncio.Event()
    model = OpenAIServer(reply=lambda _request: text("Done.", wait=slow))
    async with bot_in_workspace(tmp_path, model=model, max_concurrent_runs=1, max_waiting_runs=1) as scene:
        first = await scene.ada.say("#general", "@threadloop one")
        await model.until_asked(1)
        second = await scene.ada.say("#general", "@threadloop two")
        await scene.playground.until(lambda: scene.bot.runs.waiting == 1)
        third = await scene.ada.say("#general", "@threadloop three")
        assert "more questions than I can take" in await scene.answer(third)
        slow.set()
        assert [await scene.answer(ts) for ts in (first, second)] == ["Done.", "Done."]


async def test_the_retry_button_works_once_and_turns_the_failure_into_the_answer(tmp_path: Path) -> None:
    model = OpenAIServer([failure(401, "No."), text("Now it works.")])
    async with bot_in_workspace(tmp_path, model=model, attempts=1) as scene:
        ts = await scene.ada.say("#general", "@threadloop Anything?")
        assert "credentials" in await scene.answer(ts)
        (failed,) = scene.answers(ts)
        for _ in range(2):
            await scene.ada.press("#general", failed["ts"], "retry_answer")
        await scene.playground.until(lambda: "Now it works." in [m["text"] for m in scene.answers(ts)])
        (answer,) = scene.answers(ts)
        assert answer["ts"] == failed["ts"]
        assert [block["type"] for block in answer["blocks"]].count("actions") == 0


async def test_finished_runs_are_deleted_when_they_are_old(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("Done.")]), keep_runs_days=1e-9) as scene:
        ts = await scene.ada.say("#general", "@threadloop Done?")
        await scene.answer(ts)
        run_id = scene.run_id(ts)
        assert await scene.bot.runs.question(run_id) is not None
        await scene.stop()
        # The look for old runs is made at the start.
        await scene.start()
        async with asyncio.timeout(PATIENCE_S):
            while await scene.bot.runs.question(run_id) is not None:
                pass  # each look asks the database, which lets the deletion go on


async def test_finished_runs_are_deleted_after_a_look_that_failed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("Done.")])) as scene:
        ts = await scene.ada.say("#general", "@threadloop Done?")
        await scene.answer(ts)
        await _sql(tmp_path, "CREATE TRIGGER kept BEFORE DELETE ON workflow_status BEGIN "
                             "SELECT RAISE(ABORT, 'the database is in trouble'); END")  # fmt: skip
        tidying = asyncio.create_task(tidy_up(1e-9, every_s=0.01))
        async with asyncio.timeout(20):
            while "Old runs could not be deleted" not in caplog.text:
                assert await scene.bot.runs.question(scene.run_id(ts)) is not None
            await _sql(tmp_path, "DROP TRIGGER kept")
            while await scene.bot.runs.question(scene.run_id(ts)) is not None:
                pass  # as above
        tidying.cancel()


async def test_a_question_that_a_version_with_other_steps_left_open_is_answered_anew(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("Old ", "words.", hold=never), text("New."), text("Next.")])
    async with bot_in_workspace(tmp_path, model=model, shutdown_grace_s=0) as scene:
        ts = await scene.ada.say("#general", "@threadloop first?")
        begun = await scene.until_shown("Old", ts)
        await scene.stop()
        await _sql(tmp_path, "UPDATE workflow_status SET application_version = 'older'")
        await scene.start()
        after = await scene.ada.say("#general", "@threadloop second?", thread_ts=ts)
        assert await scene.answer(after, root=ts) == "Next."
        (answer,) = scene.answers(ts)
        assert (answer["ts"], answer["text"]) == (begun["ts"], "New.")
        never.set()


async def test_of_an_edited_question_another_version_answers_the_latest_words(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("Old.", wait=never), text("New.", wait=never), text("Newest.")])
    async with bot_in_workspace(tmp_path, model=model, shutdown_grace_s=0) as scene:
        ts = await scene.ada.say("#general", "@threadloop first?")
        await model.until_asked(1)
        await scene.ada.edit("#general", ts, "@threadloop second?")
        await model.until_asked(2)
        await scene.stop()
        # As if the process had died before it could end what the edit takes the place of.
        await _sql(tmp_path, "UPDATE workflow_status SET application_version = 'older', status = 'PENDING'")
        await scene.start()
        await scene.until_shown("Newest.", ts)
        assert len(scene.shown(ts)) == 1
        never.set()
    assert "second?" in model.requests[-1]["messages"][-2]["content"]


async def test_a_question_that_killed_the_process_too_often_ends_in_an_apology(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("Half ", "words.", hold=never), text("At last.")])
    async with bot_in_workspace(tmp_path, model=model, shutdown_grace_s=0) as scene:
        ts = await scene.ada.say("#general", "@threadloop What kills you?")
        await scene.until_shown("Half", ts)
        await scene.stop()
        await _sql(
            tmp_path,
            """UPDATE workflow_status SET recovery_attempts = 200,
               attributes = json_set(attributes, '$.attempts', json_array(workflow_uuid, 100))""",
        )
        await scene.start()
        assert "broke down several times" in await scene.answer(ts)
        (failed,) = scene.answers(ts)
        await scene.ada.press("#general", failed["ts"], "retry_answer")
        await scene.until_shown("At last.", ts)
        assert len(scene.shown(ts)) == 1
        never.set()


async def _sql(folder: Path, statement: str) -> None:
    def execute() -> None:
        with closing(sqlite3.connect(folder / "bot.db", timeout=10)) as database:
            database.execute(statement)
            database.commit()

    await asyncio.to_thread(execute)


def _thread(request: Json) -> list[tuple[str, str]]:
    return [(message["role"], message["content"]) for message in request["messages"][1:-1]]
