"""Retry under a failure: the run goes on from where it failed, and what was done stays done."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from support.bot import Scene, bot_in_workspace, buttons_of
from support.cards import approve, cards, until_asked, until_said
from support.notebook import Notebook, results, writes
from support.openai_server import OpenAIServer, failure, text, tool_calls

from bot.slack.content import RETRY_ACTION
from bot.storage.database import create_engine

NO = failure(401, "No.")
LOOK = tool_calls(("look_up", {"word": "milk"}))


async def test_what_was_approved_and_done_is_not_asked_about_nor_done_again(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk"), NO, text("Done.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry(), attempts=1) as scene:
        ts = await _asked_and_approved(scene)
        await _retry(scene, ts)
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk"]
        assert len(cards(scene, ts)) == 1
        assert [answer["text"] for answer in scene.answers(ts)] == ["Done."]
    assert results(model) == ["milk is written down"]


async def test_a_call_that_follows_the_retry_has_a_card_and_a_key_of_its_own(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk"), NO, writes("eggs"), NO, NO, text("Done.")])
    notebook = Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry(), attempts=1) as scene:
        ts = await _asked_and_approved(scene)
        await _retry(scene, ts)
        (card,) = await until_asked(scene, ts)
        await approve(scene.ada, card)
        for _ in range(2):
            await _retry(scene, ts)
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk", "eggs"]
        assert len({*notebook.keys}) == 2


async def test_a_failure_makes_room_for_a_card(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([NO, writes("milk"), text("Done.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry(), attempts=1) as scene:
        ts = await scene.ada.say("#general", "@threadloop Write down milk")
        await _retry(scene, ts)
        (card,) = await until_asked(scene, ts)
        assert scene.answers(ts) == []
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        assert len(scene.answers(ts)) == 1


async def test_a_tool_that_was_called_before_the_failure_is_not_called_again(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([LOOK, NO, text("Milk.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry(), attempts=1) as scene:
        ts = await scene.ada.say("#general", "@threadloop What is milk?")
        await _retry(scene, ts)
        await until_said(scene, ts, "Milk.")
        assert notebook.looked_up == ["milk"]
        assert len(scene.shown(ts)) == 1
    assert results(model) == ["milk means milk"]


async def test_a_call_that_asked_nobody_before_the_failure_stays_refused(tmp_path: Path) -> None:
    post = ("post_message", {"channel": "#random", "text": "Hello"})
    model = OpenAIServer([tool_calls(post, ("calculate", {"expression": "1 + 1"})), NO, text("Not there.")])
    async with bot_in_workspace(tmp_path, model=model, attempts=1) as scene:
        ts = await scene.ada.say("#general", "@threadloop Say hello in #random")
        await scene.answer(ts)
        await scene.ada.invite("#random", "threadloop")
        await _retry(scene, ts)
        await until_said(scene, ts, "Not there.")
        assert cards(scene, ts) == []
    refused, calculated = results(model)
    assert "#random" in refused
    assert "2" in calculated


async def test_a_model_that_had_nothing_to_say_is_asked_again(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([LOOK, text(""), text("Milk.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry()) as scene:
        ts = await scene.ada.say("#general", "@threadloop What is milk?")
        await _retry(scene, ts)
        await until_said(scene, ts, "Milk.")
        assert notebook.looked_up == ["milk"]


async def test_an_answer_that_slack_refused_is_shown_without_asking_the_model_again(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("Fine.")])) as scene:
        scene.playground.faults.next("chat.postMessage", error="restricted_action")
        ts = await scene.ada.say("#general", "@threadloop How are you?")
        await _retry(scene, ts)
        await until_said(scene, ts, "Fine.")


async def test_the_retry_of_a_slash_command_shows_what_is_missing(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([LOOK, text(""), NO, text("Milk.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry(), attempts=1) as scene:
        await scene.ada.command("/ask", "What is milk?", channel="#general")
        for times in (1, 2):
            failed = await _ephemeral(scene, times, "_Run")
            await scene.ada.press("#general", failed["ts"], RETRY_ACTION)
        await _ephemeral(scene, 1, "Milk.")
        assert notebook.looked_up == ["milk"]


async def test_a_failed_run_of_a_version_with_other_steps_is_asked_anew_and_asks_anew(tmp_path: Path) -> None:
    replies = [writes("milk"), NO, writes("eggs"), text("Done.")]
    model, notebook = OpenAIServer(replies, numbers_calls=False), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry(), attempts=1) as scene:
        ts = await _asked_and_approved(scene)
        await scene.answer(ts)
        await scene.bot.runs.outcome(f"{_run_id(scene, ts)}#approved")
        await asyncio.to_thread(_make_runs_old, scene.settings.database_url)
        await _retry(scene, ts)
        (card,) = await until_asked(scene, ts)
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk", "eggs"]
        # Also where the model gives its calls no ids of their own.
        assert len({*notebook.keys}) == 2


async def test_a_run_that_is_retried_can_be_stopped_and_its_question_edited(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = OpenAIServer([NO, text("Never.", wait=never), NO, text("Never.", wait=never), text("New.")])
    async with bot_in_workspace(tmp_path, model=model, attempts=1) as scene:
        stopped = await scene.ada.say("#general", "@threadloop Anything?")
        await _retry_and_wait(scene, model, stopped)
        await scene.ada.say("#general", "stop", thread_ts=stopped)
        await scene.until_shown("_Stopped._", stopped)
        edited = await scene.ada.say("#general", "@threadloop Anything else?")
        await _retry_and_wait(scene, model, edited)
        await scene.ada.edit("#general", edited, "@threadloop Anything new?")
        await until_said(scene, edited, "New.")
        assert [len(scene.shown(ts)) for ts in (stopped, edited)] == [1, 1]
        never.set()


async def test_later_questions_of_the_thread_wait_for_a_run_that_is_retried(tmp_path: Path) -> None:
    held = asyncio.Event()
    model = OpenAIServer([NO, text("One.", wait=held), text("Two.")])
    async with bot_in_workspace(tmp_path, model=model, attempts=1) as scene:
        root = await scene.ada.say("#general", "@threadloop first?")
        await _retry_and_wait(scene, model, root)
        second = await scene.ada.say("#general", "@threadloop second?", thread_ts=root)
        await scene.playground.until(lambda: scene.bot.runs.waiting == 1, what="the second question's wait")
        held.set()
        assert await scene.answer(second, root=root) == "Two."
    assert "One." in str(model.requests[-1]["messages"])


async def _asked_and_approved(scene: Scene) -> str:
    ts = await scene.ada.say("#general", "@threadloop Write down milk")
    (card,) = await until_asked(scene, ts)
    await approve(scene.ada, card)
    return ts


def _run_id(scene: Scene, ts: str) -> str:
    return f"{scene.playground.team_id}:{scene.playground.workspace.channel('#general').id}:{ts}"


async def _retry(scene: Scene, ts: str) -> None:
    """Press Retry when there is a failure that was not there before."""

    def failed() -> Any:
        return [answer for answer in scene.answers(ts) if RETRY_ACTION in buttons_of(answer)]

    (answer,) = await scene.playground.until(failed, what="a failure")
    await scene.ada.press("#general", answer["ts"], RETRY_ACTION)
    await scene.playground.until(lambda: answer["text"] not in [a["text"] for a in failed()], what="its end")


async def _retry_and_wait(scene: Scene, model: OpenAIServer, ts: str) -> None:
    """Press Retry, and wait until the model is asked."""
    asked = len(model.requests)
    await scene.playground.until(lambda: bool(scene.answers(ts)), what="a failure")
    await scene.ada.press("#general", scene.answers(ts)[0]["ts"], RETRY_ACTION)
    await model.until_asked(max(asked, len(model.requests)) + 1)


async def _ephemeral(scene: Scene, times: int, words: str) -> Any:
    def found() -> Any:
        shown = [message for message in scene.ada.ephemerals("#general") if words in message["text"]]
        return shown[times - 1] if len(shown) >= times else None

    return await scene.playground.until(found, what=f"{words!r} for the {times}. time")


def _make_runs_old(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE workflow_status SET application_version = 'old'"))
    engine.dispose()
