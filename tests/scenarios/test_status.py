"""What is seen before there is an answer, and that nothing of it stays."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from support.bot import Scene, bot_in_workspace
from support.held_tools import HeldTools
from support.openai_server import OpenAIServer, text, tool_calls
from support.passing_time import LetPass
from support.patience import UNSTREAMED

from bot.slack.reply import Timing

_SESSION_AT_ONCE = Timing(session_after_s=0)


async def test_the_status_says_what_is_being_done(tmp_path: Path) -> None:
    tools = HeldTools()
    turns = [tool_calls(("look_up", {"word": "rain"}), ("look_up", {"word": "snow"})), text("Water.")]
    model = OpenAIServer(turns)
    async with bot_in_workspace(tmp_path, model=model, tools=tools.registry(), timing=UNSTREAMED) as scene:
        ts = await scene.ada.say("#general", "@threadloop What are these?")
        await scene.playground.until(
            lambda: scene.status(ts) == "is looking up rain and looking up snow…", what="the status"
        )
        tools.goes_on.set()
        await scene.answer(ts)
        assert scene.status(ts) == ""
        said = [call["status"] for call in scene.calls("assistant.threads.setStatus")]
    assert said == ["is thinking…", "is looking up rain and looking up snow…"]


@pytest.mark.parametrize("error", ["unknown_method", "feature_not_enabled", "missing_scope"])
async def test_where_there_is_no_status_the_question_gets_eyes_until_it_is_answered(
    tmp_path: Path, error: str
) -> None:
    thinking = asyncio.Event()
    model = OpenAIServer([text("Seen.", wait=thinking), text("Again.")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        scene.playground.without("assistant.threads.setStatus", error=error)
        ts = await scene.ada.say("#general", "@threadloop Do you see this?")
        await scene.playground.until(lambda: _reactions(scene, ts) == ["eyes"], what="👀")
        thinking.set()
        assert await scene.answer(ts) == "Seen."
        await scene.playground.until(lambda: not _reactions(scene, ts), what="no 👀")
        # What is refused once is not tried with every question.
        await scene.answer(await scene.ada.say("#general", "@threadloop And this?"))
        assert len(scene.calls("assistant.threads.setStatus")) == 1


@pytest.mark.parametrize("method", ["reactions.remove", "agents.sessions.setStatus"])
async def test_nobody_waits_until_slack_lets_the_signs_be_taken_away(tmp_path: Path, method: str) -> None:
    thinking = asyncio.Event()
    model = OpenAIServer([text("One.", wait=thinking), text("Two.")])
    async with bot_in_workspace(tmp_path, model=model, timing=_SESSION_AT_ONCE) as scene:
        scene.playground.without("assistant.threads.setStatus")
        root = await scene.ada.say("#general", "@threadloop one?")
        await scene.playground.until(lambda: _reactions(scene, root) == ["eyes"], what="👀")
        await _until_session(scene, root, "processing")
        scene.playground.faults.next(method, rate_limited_s=600)
        thinking.set()
        second = await scene.ada.say("#general", "@threadloop two?", thread_ts=root)
        assert await scene.answer(root) == "One."
        assert await scene.answer(second, root=root) == "Two."


async def test_what_one_channel_refuses_is_tried_in_others(tmp_path: Path) -> None:
    goes_on = asyncio.Event()
    model = OpenAIServer(reply=lambda _request: text("First words ", "and more.", hold=goes_on))
    async with bot_in_workspace(tmp_path, model=model) as scene:
        scene.playground.faults.next("chat.startStream", error="restricted_action")
        scene.playground.faults.next("assistant.threads.setStatus", error="access_denied")
        here = await scene.ada.say("#general", "@threadloop here?")
        await scene.playground.until(lambda: scene.calls("chat.startStream"), what="a try")
        again = await scene.ada.say("#general", "@threadloop here again?")
        there = await scene.ada.say("#ops", "@threadloop there?")
        await scene.until_shown("First words", there, "#ops")
        goes_on.set()
        assert await scene.answer(here) == await scene.answer(again) == "First words and more."
        assert await scene.answer(there, "#ops") == "First words and more."
        rooms = [scene.playground.workspace.channel(name).id for name in ("#general", "#ops")]
        assert [call["channel_id"] for call in scene.calls("assistant.threads.setStatus")] == rooms
        assert [call["channel"] for call in scene.calls("chat.startStream")] == rooms


async def test_a_question_that_waited_gets_its_status_back_when_its_turn_has_come(
    tmp_path: Path, let_pass: LetPass
) -> None:
    """The answer that it waited for has cleared the thread's status."""
    first, second = asyncio.Event(), asyncio.Event()
    model = OpenAIServer([text("One.", wait=first), text("Two.", wait=second)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        root = await scene.ada.say("#general", "@threadloop one?")
        await model.until_asked(1)
        ts = await scene.ada.say("#general", "@threadloop two?", thread_ts=root)
        await scene.playground.until(
            lambda: len(scene.calls("assistant.threads.setStatus")) == 2, what="the second question's status"
        )
        await scene.playground.until(lambda: scene.bot.runs.waiting == 1, what="the second question's wait")
        await let_pass(2)
        first.set()
        await scene.answer(root)
        await model.until_asked(2)
        await scene.playground.until(lambda: scene.status(root) == "is thinking…", what="the status")
        second.set()
        assert await scene.answer(ts, root=root) == "Two."
        assert scene.status(root) == ""


async def test_a_session_lasts_as_long_as_the_work(tmp_path: Path) -> None:
    goes_on = asyncio.Event()
    model = OpenAIServer([text("Slowly ", "done.", hold=goes_on)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop Slowly?")
        await _until_session(scene, ts, "processing")
        goes_on.set()
        await scene.answer(ts)
        await _until_session(scene, ts, "active")
        # Told with the end of the stream: one call for both.
        assert scene.calls("chat.stopStream")[-1]["session_status"] == "active"
        assert len(scene.calls("agents.sessions.setStatus")) == 1


async def test_a_quick_answer_begins_no_session(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("Quick.")]), timing=UNSTREAMED) as scene:
        await scene.answer(await scene.ada.say("#general", "@threadloop Quick?"))
        assert not scene.calls("agents.sessions.setStatus")


async def test_a_session_ends_without_a_stream(tmp_path: Path) -> None:
    thinking = asyncio.Event()
    model = OpenAIServer([text("Done.", wait=thinking)])
    async with bot_in_workspace(tmp_path, model=model, timing=_SESSION_AT_ONCE) as scene:
        ts = await scene.ada.say("#general", "@threadloop Slowly?")
        await _until_session(scene, ts, "processing")
        thinking.set()
        await scene.answer(ts)
        await _until_session(scene, ts, "active")


async def test_a_session_ends_with_a_failure(tmp_path: Path) -> None:
    thinking = asyncio.Event()
    model = OpenAIServer([text("", wait=thinking)])
    async with bot_in_workspace(tmp_path, model=model, timing=_SESSION_AT_ONCE) as scene:
        ts = await scene.ada.say("#general", "@threadloop Slowly?")
        await model.until_asked(1)
        await _until_session(scene, ts, "processing")
        thinking.set()
        assert "had nothing to say" in await scene.answer(ts)
        await _until_session(scene, ts, "active")
        assert scene.status(ts) == ""


async def test_a_session_ends_where_its_stream_can_not_be_ended(tmp_path: Path) -> None:
    goes_on = asyncio.Event()
    model = OpenAIServer([text("Slowly ", "done.", hold=goes_on)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop Slowly?")
        await _until_session(scene, ts, "processing")
        scene.playground.faults.next("chat.stopStream", error="internal_error")
        goes_on.set()
        assert await scene.answer(ts) == "Slowly done."
        await _until_session(scene, ts, "active")


async def test_a_session_that_a_restart_left_open_ends_with_the_answer(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("Never.", wait=never), text("Quick.")])
    async with bot_in_workspace(tmp_path, model=model, shutdown_grace_s=0, timing=_SESSION_AT_ONCE) as scene:
        ts = await scene.ada.say("#general", "@threadloop Slowly?")
        await _until_session(scene, ts, "processing")
        # As after a sudden death: the call that would end it does nothing.
        scene.playground.faults.next("agents.sessions.setStatus", error="internal_error")
        await scene.stop()
        assert scene.session(ts) == "processing"
        await scene.start()
        await scene.answer(ts)
        await _until_session(scene, ts, "active")
        never.set()


async def test_no_fault_of_a_status_costs_an_answer(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer(reply=lambda _request: text("Fine."))) as scene:
        for method in ("assistant.threads.setStatus", "reactions.add", "agents.sessions.setStatus"):
            scene.playground.faults.next(method, times=3, status=500)
        assert await scene.answer(await scene.ada.say("#general", "@threadloop Anything?")) == "Fine."


async def _until_session(scene: Scene, ts: str, status: str) -> None:
    await scene.playground.until(lambda: scene.session(ts) == status, what=f"a session that is {status}")


def _reactions(scene: Scene, ts: str) -> list[str]:
    (question,) = [each for each in scene.playground.thread("#general", ts) if each["ts"] == ts]
    return [reaction["name"] for reaction in question.get("reactions", ())]
