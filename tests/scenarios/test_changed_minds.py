"""A question that is edited or deleted before it is answered, or after."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from support.bot import Scene, bot_in_workspace, buttons_of
from support.cards import approve, until_asked, until_said
from support.notebook import Notebook, writes
from support.openai_server import OpenAIServer, text

from bot.slack.reply import Timing

LONG = "\n\n".join(f"Paragraph {number}. " + "Words and more words. " * 20 for number in range(14))


async def test_an_edit_while_it_is_answered_restarts_it_in_the_same_message(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("Old words ", "are said.", hold=never), text("New.")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop the old question")
        old = await scene.until_shown("Old words", ts)
        await scene.ada.edit("#general", ts, "@threadloop the new question")
        await scene.playground.until(lambda: bool(scene.answers(ts)), what="the answer")
        (answer,) = scene.shown(ts)
        assert (answer["ts"], answer["text"]) == (old["ts"], "New.")
        never.set()
    assert model.requests[1]["messages"][1]["content"] == "Ada Lovelace: the new question"


async def test_the_status_line_goes_also_where_the_answer_is_a_changed_message(tmp_path: Path) -> None:
    never, goes_on = asyncio.Event(), asyncio.Event()
    model = OpenAIServer([text("Old words ", "are said.", hold=never), text("New.", wait=goes_on)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop the old question")
        await scene.until_shown("Old words", ts)
        await scene.ada.edit("#general", ts, "@threadloop the new question")
        await model.until_asked(2)
        await scene.playground.until(lambda: scene.status(ts) == "is thinking…", what="the status")
        goes_on.set()
        await scene.until_shown("New.", ts)
        await _until_answered(scene, ts)
        assert scene.status(ts) == ""
        never.set()


async def test_of_an_answer_that_pauses_without_words_nothing_stays(tmp_path: Path) -> None:
    never, notebook = asyncio.Event(), Notebook()
    model = OpenAIServer([text("Old words ", "are said.", hold=never), writes("milk"), text("Done.")])
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry()) as scene:
        ts = await scene.ada.say("#general", "@threadloop the old question")
        await scene.until_shown("Old words", ts)
        await scene.ada.edit("#general", ts, "@threadloop the new question")
        (card,) = await until_asked(scene, ts)
        assert [message["ts"] for message in scene.shown(ts)] == [card.ts]
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        never.set()
    parts = [call["metadata"]["event_payload"].get("part") for call in scene.calls("chat.postMessage")]
    assert parts == [None, 0]


@pytest.mark.parametrize("fault", [{"lose_response": True}, {"error": "cant_delete_message"}], ids=str)
async def test_whatever_becomes_of_a_longer_old_answer_the_new_one_stays(
    tmp_path: Path, fault: dict[str, Any]
) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text(LONG, "and more.", hold=never), text("New.")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop the old question")
        await scene.playground.until(lambda: len(scene.shown(ts)) > 1, what="a second message")
        scene.playground.faults.next("chat.delete", **fault)
        await scene.ada.edit("#general", ts, "@threadloop the new question")
        await scene.until_shown("New.", ts)
        await _until_answered(scene, ts)
        answer, *_ = scene.shown(ts)
        assert (answer["text"], buttons_of(answer)) == ("New.", [])
        never.set()


async def test_an_edit_while_it_waits_changes_what_is_asked(tmp_path: Path) -> None:
    first = asyncio.Event()
    model = OpenAIServer([text("One.", wait=first), text("Two.")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        root = await scene.ada.say("#general", "@threadloop first")
        await model.until_asked(1)
        ts = await scene.ada.say("#general", "@threadloop secnod", thread_ts=root)
        await scene.playground.until(lambda: scene.bot.runs.waiting == 1, what="the second question's wait")
        await scene.ada.edit("#general", ts, "@threadloop second")
        await scene.playground.until(lambda: scene.playground.in_flight == 0, what="the edit to be heard")
        # Ended without an answer, by the run of the edit.
        assert await scene.bot.runs.outcome(scene.run_id(ts)) is None
        first.set()
        await scene.playground.until(lambda: bool(scene.answers(ts, root=root)), what="the answer")
        assert len(scene.playground.thread("#general", root)) == 4
    assert [request["messages"][-2]["content"] for request in model.requests] == [
        "Ada Lovelace: first", "Ada Lovelace: second",
    ]  # fmt: skip


async def test_a_deleted_question_is_dropped_with_its_unfinished_answer(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("Never ", "mind.", hold=never)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        root = await scene.ada.say("#general", "We could ask")
        ts = await scene.ada.say("#general", "@threadloop forget it", thread_ts=root)
        await scene.until_shown("Never", root)
        await scene.ada.delete("#general", ts)
        await scene.playground.until(lambda: len(scene.playground.thread("#general", root)) == 1)
        never.set()


async def test_an_edit_that_takes_the_mention_away_withdraws_the_question(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("Never ", "mind.", hold=never)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        root = await scene.ada.say("#general", "We could ask")
        ts = await scene.ada.say("#general", "@threadloop or not", thread_ts=root)
        await scene.until_shown("Never", root)
        await scene.ada.edit("#general", ts, "or not")
        await scene.playground.until(lambda: len(scene.playground.thread("#general", root)) == 2)
        never.set()


@pytest.mark.parametrize("change", ["edit", "delete", "stop"])
async def test_an_answer_that_slack_makes_wait_never_comes_after_a_change_of_mind(
    tmp_path: Path, change: str
) -> None:
    model = OpenAIServer(reply=lambda request: text(f"re: {request['messages'][-2]['content']}"))
    at_its_end = Timing(text_after_s=60)
    async with bot_in_workspace(tmp_path, model=model, timing=at_its_end) as scene:
        root = await scene.ada.say("#general", "We could ask")
        # Longer than an answer that is given up may take to end.
        scene.playground.faults.next("chat.postMessage", rate_limited_s=4)
        ts = await scene.ada.say("#general", "@threadloop old", thread_ts=root)
        await scene.playground.until(lambda: scene.calls("chat.postMessage"), what="a post")
        match change:
            case "edit":
                await scene.ada.edit("#general", ts, "@threadloop new")
            case "delete":
                await scene.ada.delete("#general", ts)
            case "stop":
                await scene.ada.say("#general", "stop", thread_ts=root)
        expected = {"edit": ["re: Ada Lovelace: new"], "delete": [], "stop": ["_Stopped._"]}[change]
        if expected:
            await scene.until_shown(expected[0], root)
        # In the same channel, so its answer is posted after whatever has waited longer.
        await scene.answer(await scene.ada.say("#general", "@threadloop another"))
        await scene.playground.until(lambda: scene.playground.in_flight == 0, what="the listeners' end")
        assert [message["text"] for message in scene.shown(root)] == expected


async def test_a_mention_that_is_taken_away_and_put_back_is_answered(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("Never.", wait=never), text("Answer.")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop question")
        await model.until_asked(1)
        await scene.ada.edit("#general", ts, "question")
        await scene.playground.until(
            lambda: scene.bot.runs.running == 0 and scene.playground.in_flight == 0, what="the end of its run"
        )
        await scene.ada.edit("#general", ts, "@threadloop question")
        await scene.until_shown("Answer.", ts)


@pytest.mark.parametrize("where", ["#general", "a DM"])
async def test_an_edit_after_the_answer_does_nothing(tmp_path: Path, where: str) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("Answer.")])) as scene:
        await scene.caught_up()
        channel = await scene.ada.open_dm() if where == "a DM" else where
        mention = "" if where == "a DM" else "@threadloop "
        ts = await scene.ada.say(channel, f"{mention}question")
        await scene.answer(ts, channel)
        before = len(scene.playground.calls)
        await scene.ada.edit(channel, ts, f"{mention}question, edited")
        await scene.playground.redeliver()
        assert len(scene.playground.calls) == before
        assert await scene.answer(ts, channel) == "Answer."


async def test_an_edit_that_is_heard_of_after_a_later_one_does_nothing(tmp_path: Path) -> None:
    async with _edited(tmp_path) as (scene, ts, held):
        question = await scene.bot.runs.question(scene.run_id(ts))
        assert question is not None
        before = float(ts) + 0.000_001
        await scene.bot.runs.revise(replace(question, at=before), f"{before:.6f}", is_new=True)
        held.set()
        await scene.playground.until(lambda: bool(scene.answers(ts)), what="the answer")
        assert [answer["text"] for answer in scene.answers(ts)] == ["New."]


async def test_an_edit_is_answered_though_a_stop_from_before_it_comes_late(tmp_path: Path) -> None:
    async with _edited(tmp_path) as (scene, ts, held):
        question = await scene.bot.runs.question(scene.run_id(ts))
        assert question is not None
        await scene.bot.runs.acts.once("end", question, f"{question.run_id}#{float(ts) + 0.000_001:.6f}")
        held.set()
        await scene.playground.until(lambda: bool(scene.answers(ts)), what="the answer")
        assert [message["text"] for message in scene.shown(ts)] == ["New."]


@pytest.mark.parametrize("words", ["cancel", "@threadloop stop"])
async def test_an_edit_to_words_that_stop_drops_the_question(tmp_path: Path, words: str) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("Never ", "mind.", hold=never)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        root = await scene.ada.say("#general", "We could ask")
        ts = await scene.ada.say("#general", "@threadloop or not", thread_ts=root)
        await scene.until_shown("Never", root)
        await scene.ada.edit("#general", ts, words)
        await scene.playground.until(lambda: not scene.shown(root), what="an end without an answer")
        never.set()


@pytest.mark.parametrize("where", ["#general", "a DM"])
async def test_an_edit_after_the_answer_that_mentions_the_bot_anew_is_a_question(
    tmp_path: Path, where: str
) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("One."), text("Two.")])) as scene:
        channel = where
        if where == "a DM":
            channel = await scene.ada.open_dm()
            ts = await scene.ada.say(channel, "question")
            assert await scene.answer(ts, channel) == "One."
        else:
            ts = await scene.ada.say(channel, "@threadloop question")
            assert await scene.answer(ts, channel) == "One."
            await scene.ada.edit(channel, ts, "question")
        await scene.ada.edit(channel, ts, "@threadloop question")
        await scene.until_shown("Two.", ts, channel)
        await scene.playground.redeliver()
        assert [message["text"] for message in scene.shown(ts, channel)] == ["Two."]


async def test_an_edit_that_comes_after_it_was_caught_up_with_does_nothing(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("Answer.")])) as scene:
        await scene.stop()
        ts = await scene.ada.say("#general", "anybody?")
        await scene.ada.edit("#general", ts, "@threadloop anybody?")
        await scene.start()
        assert await scene.answer(ts) == "Answer."
        await scene.playground.redeliver()
        assert await scene.answer(ts) == "Answer."


async def test_an_edit_that_mentions_the_bot_for_the_first_time_is_a_question(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("Answer.")])) as scene:
        ts = await scene.ada.say("#general", "anybody?")
        await scene.ada.edit("#general", ts, "@threadloop anybody?")
        assert await scene.answer(ts) == "Answer."


async def test_an_edit_that_is_delivered_again_goes_on_being_answered(tmp_path: Path) -> None:
    async with _edited(tmp_path) as (scene, ts, held):
        await scene.playground.redeliver()
        held.set()
        await scene.playground.until(lambda: bool(scene.answers(ts)), what="the answer")
        assert [answer["text"] for answer in scene.answers(ts)] == ["New."]


@asynccontextmanager
async def _edited(tmp_path: Path) -> AsyncIterator[tuple[Scene, str, asyncio.Event]]:
    """A question that was edited while it was answered. The model is at both wordings until the event."""
    held = asyncio.Event()
    model = OpenAIServer([text("Old.", wait=held), text("New.", wait=held)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop the old question")
        await model.until_asked(1)
        await scene.ada.edit("#general", ts, "@threadloop the new question")
        await model.until_asked(2)
        yield scene, ts, held


async def _until_answered(scene: Scene, ts: str) -> None:
    """Wait until the run of an edited question has ended."""
    (question,) = [each for each in scene.playground.thread("#general", ts) if each["ts"] == ts]
    room = scene.playground.workspace.channel("#general").id
    await scene.bot.runs.outcome(f"{scene.playground.team_id}:{room}:{ts}#{question['edited']['ts']}")
