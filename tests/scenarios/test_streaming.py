"""An answer that takes its time is shown as it comes, and in the end as if it had been there at once."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

from support.bot import Scene, blocks_of, bot_in_workspace, buttons_of
from support.held_tools import HeldTools
from support.openai_server import OpenAIServer, text, tool_calls
from support.passing_time import LetPass
from support.patience import UNSTREAMED, patient_workspace

from bot.playground.workspace import STREAM_LIFETIME_S
from bot.slack.reply import Timing

Json = dict[str, Any]

_HOUR_S = 3600.0


async def test_a_long_answer_is_streamed_and_then_written_out_in_full(tmp_path: Path) -> None:
    goes_on = asyncio.Event()
    model = OpenAIServer([text("Some **bold** words ", "& `code`\n\n- one\n", "- two\n", hold=goes_on)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop At length?")
        growing = await scene.until_shown("Some *bold* words", ts)
        assert buttons_of(growing) == ["stop_answer"]
        goes_on.set()
        assert await scene.answer(ts) == "Some **bold** words & `code`\n\n- one\n- two"
        (answer,) = scene.shown(ts)
        assert answer["ts"] == growing["ts"]
        assert buttons_of(answer) == []
        assert [block["type"] for block in answer["blocks"]][-2:] == ["context", "context_actions"]
        assert not scene.calls("chat.postMessage")
        (start,), (stop,) = scene.calls("chat.startStream"), scene.calls("chat.stopStream")
        assert (start["recipient_team_id"], start["recipient_user_id"]) == (
            scene.playground.team_id,
            scene.ada.id,
        )
        assert stop["metadata"]["event_payload"]["state"] == "final"


async def test_nothing_half_is_shown(tmp_path: Path) -> None:
    goes_on = asyncio.Event()
    model = OpenAIServer([text("The answer is in the **bo", "ok** at ho", "me.", hold=goes_on)])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop Where?")
        growing = await scene.until_shown("The answer", ts)
        assert growing["text"].strip() == "The answer is in the"
        goes_on.set()
        assert await scene.answer(ts) == "The answer is in the **book** at home."


async def test_a_tool_call_is_a_card_that_goes_from_in_progress_to_its_result(tmp_path: Path) -> None:
    tools = HeldTools()
    turns = [tool_calls(("look_up", {"word": "rain"}), ("break_down", {})), text("It falls.")]
    async with bot_in_workspace(tmp_path, model=OpenAIServer(turns), tools=tools.registry()) as scene:
        ts = await scene.ada.say("#general", "@threadloop What is rain?")
        await scene.playground.until(lambda: len(_cards(scene, ts)) == 2, what="two cards")
        assert _states(scene, ts) == {"Looking up rain — reading": "in_progress", "Breaking down": "error"}
        tools.goes_on.set()
        await scene.answer(ts)
        assert _states(scene, ts) == {"Looking up rain": "complete", "Breaking down": "error"}
        look_up, break_down = _cards(scene, ts)
        assert "rain is a word" in str(look_up["output"])
        assert [source["url"] for source in look_up["sources"]] == ["https://found.example/rain"]
        assert "It failed unexpectedly." in str(break_down["output"])
        assert "out of order" not in str(scene.playground.thread("#general", ts))


async def test_many_steps_are_a_plan(tmp_path: Path) -> None:
    tools, words = HeldTools(), ("rain", "snow", "hail", "fog", "dew")
    turns = [tool_calls(*(("look_up", {"word": word}) for word in words)), text("All water.")]
    async with bot_in_workspace(tmp_path, model=OpenAIServer(turns), tools=tools.registry()) as scene:
        ts = await scene.ada.say("#general", "@threadloop What are these?")
        await scene.playground.until(lambda: len(_cards(scene, ts)) == 5, what="five cards")
        (growing,) = scene.shown(ts)
        assert [plan["title"] for plan in blocks_of(growing, "plan")] == ["5 steps"]
        tools.goes_on.set()
        await scene.answer(ts)
        (answer,) = scene.shown(ts)
        (plan,) = blocks_of(answer, "plan")
        assert (plan["title"], len(plan["tasks"])) == ("5 steps", 5)
        assert blocks_of(answer, "task_card") == plan["tasks"]


async def test_what_is_complete_soon_enough_makes_no_stream(tmp_path: Path) -> None:
    tools = HeldTools()
    tools.goes_on.set()
    model = OpenAIServer([tool_calls(("look_up", {"word": "rain"})), text("It falls.")])
    async with bot_in_workspace(tmp_path, model=model, tools=tools.registry(), timing=UNSTREAMED) as scene:
        ts = await scene.ada.say("#general", "@threadloop What is rain?")
        await scene.answer(ts)
        assert not scene.calls("chat.startStream")
        assert _states(scene, ts) == {"Looking up rain": "complete"}


async def test_before_a_stream_ends_the_answer_goes_on_in_another_message(
    tmp_path: Path, let_pass: LetPass
) -> None:
    """An open code fence and a tool call under way go on there, too."""
    # Slack's own time is not run against the bot's, which a slow machine could lose.
    assert Timing().stream_s < STREAM_LIFETIME_S
    playground = patient_workspace(stream_lifetime_s=_HOUR_S)
    tools = HeldTools()
    model = OpenAIServer([
        tool_calls(("look_up", {"word": "rain"}), say="Look:\n\n```python\nprint(1)\n"),
        text("print(2)\n```\n\nThat was it."),
    ])  # fmt: skip
    async with bot_in_workspace(
        tmp_path,
        model=model,
        tools=tools.registry(timeout_s=_HOUR_S),
        playground=playground,
        question_timeout_s=_HOUR_S,
    ) as scene:
        ts = await scene.ada.say("#general", "@threadloop How?")
        await playground.until(lambda: _cards(scene, ts), what="the call's card")
        await let_pass(Timing().stream_s)
        await playground.until(lambda: len(scene.shown(ts)) == 2, what="a second message")
        assert _states(scene, ts)["Looking up rain"] == "complete"
        await playground.until(
            lambda: any(card["status"] == "in_progress" for card in _cards(scene, ts)),
            what="the call's new card",
        )
        tools.goes_on.set()
        await scene.answer(ts)
        await playground.until(lambda: len(scene.answers(ts)) == 2, what="both messages")
        first, second = scene.answers(ts)
        outcomes = [call.outcome for call in playground.calls if call.method.endswith("Stream")]
    assert first["text"] == "Look:\n\n```python\nprint(1)\n```"
    assert second["text"] == "```python\n\n\nprint(2)\n```\n\nThat was it."
    assert "Goes on in the next message" in str(blocks_of(first, "task_card")[0]["output"])
    assert "rain is a word" in str(blocks_of(second, "task_card")[0]["output"])
    assert blocks_of(first, "context_actions") == []
    assert len(blocks_of(second, "context_actions")) == 1
    assert set(outcomes) == {"ok"}


async def test_a_stream_that_falls_silent_is_ended_before_slack_does(tmp_path: Path) -> None:
    goes_on = asyncio.Event()
    model = OpenAIServer([text("First words ", "and last words.", hold=goes_on)])
    async with bot_in_workspace(tmp_path, model=model, timing=Timing(stream_s=0.5)) as scene:
        ts = await scene.ada.say("#general", "@threadloop Slowly?")
        await scene.until_shown("First words", ts)
        await scene.playground.until(lambda: scene.calls("chat.stopStream"), what="the stream's end")
        goes_on.set()
        assert await scene.answer(ts) == "First words and last words."
        assert len(scene.answers(ts)) == 1


async def test_an_answer_of_several_model_turns_keeps_all_they_said(tmp_path: Path) -> None:
    tools = HeldTools()
    model = OpenAIServer([tool_calls(("look_up", {"word": "rain"}), say="Let me look."), text("It falls.")])
    async with bot_in_workspace(tmp_path, model=model, tools=tools.registry()) as scene:
        ts = await scene.ada.say("#general", "@threadloop What is rain?")
        await scene.until_shown("Let me look.", ts)
        tools.goes_on.set()
        assert await scene.answer(ts) == "Let me look.\n\nIt falls."


async def test_after_a_restart_what_was_said_before_a_tool_call_is_still_there(tmp_path: Path) -> None:
    tools, never = HeldTools(), asyncio.Event()
    tools.goes_on.set()
    model = OpenAIServer([
        tool_calls(("look_up", {"word": "rain"}), say="Let me look."),
        text("It ", "never ends.", hold=never),
        text("It falls."),
    ])  # fmt: skip
    async with bot_in_workspace(tmp_path, model=model, tools=tools.registry(), shutdown_grace_s=0) as scene:
        ts = await scene.ada.say("#general", "@threadloop What is rain?")
        begun = await scene.until_shown("It", ts)
        await scene.stop()
        await scene.start()
        assert await scene.answer(ts) == "Let me look.\n\nIt falls."
        (answer,) = scene.shown(ts)
        assert answer["ts"] == begun["ts"]
        assert _states(scene, ts) == {"Looking up rain": "complete"}


async def test_a_question_that_waits_leaves_the_stream_of_the_one_before_alone(tmp_path: Path) -> None:
    """Also after a restart, where both look for what is there of their answers."""
    never = asyncio.Event()
    model = OpenAIServer([text("One ", "never.", hold=never), text("One."), text("Two.")])
    async with bot_in_workspace(tmp_path, model=model, shutdown_grace_s=0) as scene:
        root = await scene.ada.say("#general", "@threadloop one?")
        await scene.until_shown("One", root)
        second = await scene.ada.say("#general", "@threadloop two?", thread_ts=root)
        await scene.playground.until(lambda: scene.bot.runs.waiting == 1, what="the second question's wait")
        await scene.stop()
        await scene.start()
        assert await scene.answer(root) == "One."
        assert await scene.answer(second, root=root) == "Two."
        assert len(scene.shown(root)) == 2


def _cards(scene: Scene, ts: str) -> list[Json]:
    return [card for message in scene.shown(ts) for card in blocks_of(message, "task_card")]


def _states(scene: Scene, ts: str) -> dict[str, str]:
    return {card["title"]: card["status"] for card in _cards(scene, ts)}
