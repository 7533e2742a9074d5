"""What was asked while the bot was away: found whatever else goes wrong, in order, and at a small price."""

from __future__ import annotations

import asyncio
import sqlite3
import time
from contextlib import closing
from pathlib import Path
from typing import Any

from slack_bolt.async_app import AsyncApp
from support.bot import Scene, bot_in_workspace
from support.openai_server import OpenAIServer, text

from bot.playground import Playground, Seed
from bot.slack.catch_up import CatchUp
from bot.slack.client import open_client
from bot.slack.connection import RequestUrl
from bot.storage.database import create_engine
from bot.storage.migrations import migrate
from bot.storage.watermarks import Watermarks

Json = dict[str, Any]

A_WEEK_S = 7 * 24 * 3600


def echo() -> OpenAIServer:
    """A model that says what the last question was."""
    return OpenAIServer(reply=lambda request: text(f"re: {_asked(request)}"))


async def test_a_conversation_that_can_not_be_read_hides_no_other(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=echo()) as scene:
        rooms = ["#general", await scene.ada.open_dm()]
        await scene.stop()
        asked = [(await scene.ada.say(room, "@threadloop missed"), room) for room in rooms]
        scene.playground.faults.next("conversations.history", error="missing_scope")
        await scene.start()
        await scene.playground.until(
            lambda: any(scene.answers(ts, room) for ts, room in asked), what="an answer in the other one"
        )
        await scene.playground.disconnect()
        for ts, room in asked:
            assert "missed" in await scene.answer(ts, room)
            assert len(scene.answers(ts, room)) == 1


async def test_a_question_that_can_not_be_stored_hides_no_other(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=echo()) as scene:
        await scene.stop()
        unlucky, other = [await scene.ada.say("#general", f"@threadloop {words}") for words in ("one", "two")]
        await _sql(
            tmp_path,
            f"""CREATE TRIGGER trouble BEFORE INSERT ON workflow_status
            WHEN NEW.workflow_uuid = '{scene.run_id(unlucky)}'
            BEGIN SELECT RAISE(ABORT, 'the database is in trouble'); END""",
        )
        await scene.start()
        assert await scene.answer(other) == "re: two"
        await _sql(tmp_path, "DROP TRIGGER trouble")
        await scene.playground.disconnect()
        assert await scene.answer(unlucky) == "re: one"


async def test_what_could_not_be_read_is_tried_again_and_not_taken_for_seen(tmp_path: Path) -> None:
    async with (
        bot_in_workspace(tmp_path, model=echo(), catch_up_minutes=0) as scene,
        open_client(scene.playground.bot_token, scene.playground.api_url, lambda *_: None) as client,
    ):
        # Not those of the scene's bot, which looks for nothing and marks as it likes.
        engine = create_engine(f"sqlite:///{tmp_path}/marks.db")
        await asyncio.to_thread(migrate, engine)
        marks, before = Watermarks(engine), time.time()
        await marks.raise_to(before, "*")
        missed = await _unheard(scene)
        catch_up = CatchUp(
            client,
            scene.bot.runs,
            marks,
            scene.bot.identity,
            RequestUrl(AsyncApp(client=client, signing_secret="secret")),
            window_s=3600,
            mark_every_s=0.01,
        )
        scene.playground.faults.next("conversations.history", times=30, error="internal_error")
        watching = asyncio.create_task(catch_up.stay_caught_up())
        await scene.playground.until(lambda: len(scene.calls("conversations.history")) >= 2, what="two looks")
        assert (await marks.all())["*"] == before
        scene.playground.faults.clear()
        assert await scene.answer(missed) == "re: missed"
        async with asyncio.timeout(20):
            while (await marks.all())["*"] == before:
                pass  # each look asks the database, which lets the other go on
        assert catch_up.is_caught_up
        watching.cancel()
        engine.dispose()


async def test_a_question_never_overtakes_a_missed_one_in_its_thread(tmp_path: Path) -> None:
    """Even if the search for what was missed has not come to the thread yet, or never will."""
    model = echo()
    async with bot_in_workspace(tmp_path, model=model) as scene:
        root = await scene.ada.say("#general", "@threadloop before")
        await scene.answer(root)
        await scene.stop()
        missed = [await scene.ada.say("#general", f"@threadloop {n}", thread_ts=root) for n in ("one", "two")]
        scene.playground.faults.next("users.conversations", times=9, error="internal_error")
        await scene.start()
        live = await scene.ada.say("#general", "@threadloop three", thread_ts=root)
        answers = [await scene.answer(ts, root=root) for ts in (*missed, live)]
    assert answers == ["re: one", "re: two", "re: three"]
    assert [_asked(request) for request in model.requests] == ["before", "one", "two", "three"]


async def test_what_was_missed_and_stopped_since_is_not_answered(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=echo()) as scene:
        await scene.stop()
        # As a thread's beginning, and in one.
        root = await scene.ada.say("#general", "@threadloop one")
        stopped = await scene.ada.say("#general", "@threadloop two", thread_ts=root)
        await scene.ada.say("#general", "stop", thread_ts=root)
        wanted = await scene.ada.say("#general", "@threadloop three", thread_ts=root)
        await scene.start()
        assert await scene.answer(wanted, root=root) == "re: three"
        await scene.caught_up()
        assert not scene.answers(root) + scene.answers(stopped, root=root)


async def test_a_window_of_nothing_asks_nothing_of_slack(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=echo(), catch_up_minutes=0) as scene:
        root = await scene.ada.say("#general", "@threadloop before")
        await scene.answer(root)
        await scene.stop()
        before = len(scene.playground.calls)
        await scene.start()
        after = await scene.ada.say("#general", "@threadloop after", thread_ts=root)
        await scene.answer(after, root=root)
        calls = [call.method for call in scene.playground.calls[before:]]
        assert not {"users.conversations", "conversations.history"} & set(calls)
        # For the prompt.
        assert calls.count("conversations.replies") == 1


async def test_threads_that_nobody_has_talked_in_for_long_are_not_read(tmp_path: Path) -> None:
    ago = [A_WEEK_S]
    playground = Playground(Seed.default(), clock=lambda: time.time() - ago[0])
    async with bot_in_workspace(tmp_path, model=echo(), playground=playground) as scene:
        old = await scene.ada.say("#general", "@threadloop old")
        await scene.answer(old)
        await scene.stop()
        await _sql(tmp_path, f"UPDATE workflow_status SET created_at = created_at - {A_WEEK_S * 1000}")
        ago[0] = 0
        await scene.start()
        new = await scene.ada.say("#general", "@threadloop new")
        await scene.answer(new)
        await scene.stop()
        before = len(scene.calls("conversations.replies"))
        missed = await scene.ada.say("#general", "@threadloop missed", thread_ts=new)
        await scene.start()
        await scene.answer(missed, root=new)
        assert {call["ts"] for call in scene.calls("conversations.replies")[before:]} == {new}


async def test_slash_commands_are_no_threads_to_be_read(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=echo()) as scene:
        await scene.ada.command("/ask", "aside?", channel="#general")
        await scene.playground.until(lambda: scene.calls("response_url"), what="its answer")
        await scene.stop()
        missed = await scene.ada.say("#general", "@threadloop missed")
        await scene.start()
        assert await scene.answer(missed) == "re: missed"
        assert scene.calls("conversations.replies") == []


async def _unheard(scene: Scene) -> str:
    """A question that no event told of."""
    await scene.stop()
    ts = await scene.ada.say("#general", "@threadloop missed")
    await scene.start()
    return ts


async def _sql(folder: Path, statement: str) -> None:
    def execute() -> None:
        with closing(sqlite3.connect(folder / "bot.db", timeout=10)) as database:
            database.execute(statement)
            database.commit()

    await asyncio.to_thread(execute)


def _asked(request: Json) -> str:
    return str(request["messages"][-2]["content"]).partition(": ")[2]
