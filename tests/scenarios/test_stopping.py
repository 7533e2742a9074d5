"""The asker stops an answer, in every way there is and at every moment; nobody else does."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from support.bot import Scene, blocks_of, bot_in_workspace, buttons_of
from support.held_tools import HeldTools
from support.openai_server import OpenAIServer, text, tool_calls

from bot.playground import Change
from bot.slack.reply import Timing

Json = dict[str, Any]


async def _press_the_button(scene: Scene, ts: str) -> None:
    (growing,) = scene.shown(ts)
    assert await scene.ada.press("#general", growing["ts"], "stop_answer")


async def _press_slacks_own(scene: Scene, ts: str) -> None:
    await scene.ada.stop("#general", ts)


async def _say_it(scene: Scene, ts: str) -> None:
    await scene.ada.say("#general", "Stop!", thread_ts=ts)


async def _say_it_to_the_bot(scene: Scene, ts: str) -> None:
    await scene.ada.say("#general", "@threadloop please stop", thread_ts=ts)


WAYS = [_press_the_button, _press_slacks_own, _say_it, _say_it_to_the_bot]


@pytest.mark.parametrize("stop", WAYS, ids=["button", "native", "word", "mention"])
async def test_a_stream_is_stopped(tmp_path: Path, stop: Callable[[Scene, str], Awaitable[None]]) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("These words ", "and no more.", hold=never)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop At length?")
        await scene.until_shown("These words", ts)
        await scene.playground.until(lambda: scene.session(ts) == "processing", what="a session")
        await stop(scene, ts)
        assert (await _stopped(scene, ts))["text"] == "These words\n\n_Stopped._"
        await _settled(scene)
        (answer,) = scene.shown(ts)
        assert buttons_of(answer) == []
        await scene.playground.until(lambda: scene.session(ts) == "active", what="the end of the session")
        assert len(model.requests) == 1


async def test_a_mention_that_stops_is_no_question_when_it_comes_again(tmp_path: Path) -> None:
    """It comes as two events, the later of which may find nothing to stop; and after a restart as missed."""
    never = asyncio.Event()
    model = OpenAIServer([text("These words ", "and no more.", hold=never), text("Here.")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop At length?")
        await scene.until_shown("These words", ts)
        await _say_it_to_the_bot(scene, ts)
        await _stopped(scene, ts)
        await _settled(scene)
        await scene.playground.redeliver()
        await scene.stop()
        await scene.start()
        after = await scene.ada.say("#general", "@threadloop Are you there?")
        assert await scene.answer(after) == "Here."
        assert len(scene.shown(ts)) == 1


async def test_a_stop_that_comes_again_late_stops_nothing_that_was_asked_since(tmp_path: Path) -> None:
    """Even if another replica hears it, or the next process: and it is no question either."""
    never, goes_on = asyncio.Event(), asyncio.Event()
    replies = [text("These words ", "and no more.", hold=never), text("Of ", "course.", hold=goes_on)]
    async with bot_in_workspace(tmp_path, model=OpenAIServer(replies)) as scene:
        ts = await scene.ada.say("#general", "@threadloop At length?")
        await scene.until_shown("These words", ts)
        stop = await scene.ada.say("#general", "@threadloop stop", thread_ts=ts)
        await _stopped(scene, ts)
        await _settled(scene)
        # The next process remembers nothing but what is stored.
        await scene.stop()
        await scene.start()
        after = await scene.ada.say("#general", "@threadloop Shorter?", thread_ts=ts)
        await scene.until_shown("Of", ts)
        for event in scene.playground.events(lambda event: event.get("ts") == stop):
            await scene.playground.redeliver(event)
        goes_on.set()
        assert await scene.answer(after, root=ts) == "Of course."
        assert len(scene.shown(ts)) == 2


async def test_an_open_code_fence_is_closed_before_the_word_that_it_was_stopped(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("```python\nprint(1)\npri", "nt(2)", hold=never)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop Code?")
        await scene.until_shown("print(1)", ts)
        await _press_the_button(scene, ts)
        assert (await _stopped(scene, ts))["text"] == "```python\nprint(1)\npri\n```\n\n_Stopped._"


async def test_a_tool_call_under_way_is_cancelled(tmp_path: Path) -> None:
    tools = HeldTools()
    model = OpenAIServer([tool_calls(("look_up", {"word": "rain"}))])
    async with bot_in_workspace(tmp_path, model=model, tools=tools.registry()) as scene:
        ts = await scene.ada.say("#general", "@threadloop What is rain?")
        await scene.playground.until(lambda: scene.shown(ts), what="a card")
        await _press_the_button(scene, ts)
        answer = await _stopped(scene, ts)
        assert answer["text"] == "_Stopped._"
        assert [(card["title"], card["status"]) for card in blocks_of(answer, "task_card")] == [
            ("Looking up rain", "error")
        ]
        assert tools.cancelled == ["rain"]


async def test_an_answer_of_which_nothing_is_there_is_stopped(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("Never.", wait=never)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop Anything?")
        await model.until_asked(1)
        await _say_it(scene, ts)
        assert (await _stopped(scene, ts))["text"] == "_Stopped._"
        assert scene.status(ts) == ""
        never.set()


async def test_a_question_that_waits_for_its_turn_is_stopped(tmp_path: Path) -> None:
    """And with it all that the same person has asked in the thread."""
    never = asyncio.Event()
    model = OpenAIServer([text("One ", "never.", hold=never)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        root = await scene.ada.say("#general", "@threadloop one?")
        await scene.until_shown("One", root)
        second = await scene.ada.say("#general", "@threadloop two?", thread_ts=root)
        await scene.playground.until(lambda: scene.bot.runs.waiting == 1, what="the second question's wait")
        await _say_it(scene, root)
        await _stopped(scene, root)
        await scene.playground.until(lambda: scene.answers(second, root=root), what="the second one's end")
        assert [answer["text"] for answer in scene.answers(second, root=root)] == ["_Stopped._"]
        assert len(model.requests) == 1


async def test_an_answer_that_goes_on_after_a_restart_is_stopped(tmp_path: Path) -> None:
    never = asyncio.Event()
    replies = [text("These words ", "never end.", hold=never), text("Other words ", "neither.", hold=never)]
    async with bot_in_workspace(tmp_path, model=(model := OpenAIServer(replies)), shutdown_grace_s=0) as scene:
        ts = await scene.ada.say("#general", "@threadloop At length?")
        begun = await scene.until_shown("These words", ts)
        await scene.stop()
        await scene.start()
        await model.until_asked(2)
        await _say_it(scene, ts)
        answer = await _stopped(scene, ts)
        assert answer["ts"] == begun["ts"]
        assert answer["text"].endswith("_Stopped._")
        assert len(scene.shown(ts)) == 1


async def test_an_answer_that_is_complete_is_not_called_stopped(tmp_path: Path) -> None:
    """Not even if the last thing that makes it so is under way."""
    model, at_its_end = OpenAIServer([text("All of it.")]), Timing(text_after_s=60)
    async with bot_in_workspace(tmp_path, model=model, timing=at_its_end) as scene:
        ts = await scene.ada.say("#general", "@threadloop Anything?")
        stops: list[asyncio.Task[str]] = []

        def stop(change: Change) -> None:
            # Slack has taken the answer, and the bot does not know it yet.
            if not stops and change.message and change.message.text == "All of it.":
                stops.append(asyncio.create_task(scene.ada.say("#general", "stop", thread_ts=ts)))

        scene.playground.workspace.listen(stop)
        await scene.playground.until(lambda: stops, what="the answer")
        await stops[0]
        await _settled(scene)
        (answer,) = scene.shown(ts)
        assert answer["text"] == "All of it."
        assert answer["metadata"]["event_payload"]["state"] == "final"


async def test_nobody_else_stops_an_answer(tmp_path: Path) -> None:
    goes_on = asyncio.Event()
    model = OpenAIServer([text("These words ", "are all.", hold=goes_on)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop At length?")
        growing = await scene.until_shown("These words", ts)
        grace = scene.playground.person("grace")
        assert await grace.press("#general", growing["ts"], "stop_answer")
        await scene.playground.until(lambda: grace.ephemerals("#general"), what="a refusal")
        assert [told["text"] for told in grace.ephemerals("#general")] == [
            "Only Ada Lovelace can stop this answer."
        ]
        await grace.say("#general", "stop", thread_ts=ts)
        await _settled(scene)
        goes_on.set()
        assert await scene.answer(ts) == "These words are all."


async def test_the_word_in_a_thread_without_work_is_left_alone(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=(model := OpenAIServer([text("Done.")]))) as scene:
        ts = await scene.ada.say("#general", "@threadloop Anything?")
        await scene.answer(ts)
        await _say_it(scene, ts)
        await _settled(scene)
        assert [answer["text"] for answer in scene.answers(ts)] == ["Done."]
        assert len(model.requests) == 1


async def test_a_stopped_answer_is_part_of_the_conversation(tmp_path: Path) -> None:
    never = asyncio.Event()
    model = OpenAIServer([text("These words ", "and no more.", hold=never), text("Shorter.")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop At length?")
        await scene.until_shown("These words", ts)
        await _press_the_button(scene, ts)
        await _stopped(scene, ts)
        after = await scene.ada.say("#general", "@threadloop Shorter?", thread_ts=ts)
        assert await scene.answer(after, root=ts) == "Shorter."
    said = [(message["role"], message["content"]) for message in model.requests[1]["messages"][1:-1]]
    assert said[1] == ("assistant", "These words\n\n_Stopped._")


async def _stopped(scene: Scene, ts: str) -> Json:
    def found() -> Json | None:
        marked = [message for message in scene.answers(ts) if "Stopped" in message["text"]]
        return marked[0] if marked else None

    answer = await scene.playground.until(found, what="the word that it was stopped")
    assert answer is not None
    assert answer["metadata"]["event_payload"]["state"] == "stopped"
    return answer


async def _settled(scene: Scene) -> None:
    """Wait until every event has been acknowledged, and with it done."""
    await scene.playground.until(lambda: scene.playground.in_flight == 0, what="the listeners' end")
