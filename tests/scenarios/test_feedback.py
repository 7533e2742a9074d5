"""Under an answer: what it is, and buttons that tell what people think of it."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.bot import Scene, blocks_of, bot_in_workspace
from support.humanloop_logs import logs
from support.openai_server import OpenAIServer, text, tool_calls
from support.patience import PATIENCE_S

Json = dict[str, Any]


@pytest.mark.parametrize("verdict", ["good", "bad"])
async def test_a_thumb_is_kept_as_a_judgment_on_the_questions_flow(tmp_path: Path, verdict: str) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("4")])) as scene:
        answer = await _answer(scene)
        assert await _press(scene, answer, verdict)
        (judgment,) = await _judgments(tmp_path, 1)
        (flow,) = [log for log in logs(tmp_path / "bot.db") if log["kind"] == "flow"]
    assert judgment["evaluates"] == flow["id"]
    assert judgment["path"] == "rating"
    assert judgment["body"]["judgment"] == verdict
    assert judgment["body"]["user"] == scene.ada.id


async def test_a_thumb_down_asks_for_the_reason_and_keeps_it(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("5")])) as scene:
        answer = await _answer(scene)
        await _press(scene, answer, "bad")
        (view,) = scene.playground.workspace.views
        value = {"type": "plain_text_input", "value": "It is four."}
        assert await scene.ada.submit(view, {"reason": {"reason": value}}) is None
        kept = [(log["path"], log["body"]["judgment"]) for log in await _judgments(tmp_path, 2)]
    assert sorted(kept) == [("rating", "bad"), ("rating reason", "It is four.")]


async def test_a_thumb_down_is_kept_though_slack_does_not_open_the_form(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("5")])) as scene:
        answer = await _answer(scene)
        scene.playground.faults.next("views.open", error="expired_trigger_id")
        assert await _press(scene, answer, "bad")
        (told,) = scene.ada.ephemerals("#general")
        assert told["text"] == "Slack did not open the form. Please press again."
        assert [log["path"] for log in await _judgments(tmp_path, 1)] == ["rating"]


async def test_a_reason_may_be_left_out(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("5")])) as scene:
        answer = await _answer(scene)
        await _press(scene, answer, "bad")
        (view,) = scene.playground.workspace.views
        await scene.ada.submit(view, {"reason": {"reason": {"type": "plain_text_input", "value": None}}})
        assert [log["path"] for log in await _judgments(tmp_path, 1)] == ["rating"]


async def test_the_quiet_line_tells_how_the_answer_came_to_be(tmp_path: Path) -> None:
    sums = tool_calls(("calculate", {"expression": "2+2"}), ("calculate", {"expression": "2*3"}))
    async with bot_in_workspace(tmp_path, model=OpenAIServer([sums, text("4 and 6.")])) as scene:
        line = _line(await _answer(scene))
    model, tools, seconds, *_, origin = line.split(" · ")
    assert model
    assert tools == "2 calculate"
    assert seconds.endswith(" s")
    assert origin == "AI-generated"


async def test_the_quiet_line_can_be_had_without_the_facts(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("4")]), answer_facts=False) as scene:
        assert _line(await _answer(scene)) == "AI-generated"


async def _answer(scene: Scene) -> Json:
    ts = await scene.ada.say("#general", "@threadloop 2 + 2?")
    await scene.answer(ts)
    (answer,) = scene.answers(ts)
    return answer


async def _press(scene: Scene, answer: Json, verdict: str) -> bool:
    (block,) = blocks_of(answer, "context_actions")
    (buttons,) = block["elements"]
    side = "positive_button" if verdict == "good" else "negative_button"
    return await scene.ada.press("#general", answer["ts"], buttons["action_id"], value=buttons[side]["value"])


def _line(answer: Json) -> str:
    (block,) = blocks_of(answer, "context")
    return str(block["elements"][0]["text"])


async def _judgments(folder: Path, count: int) -> list[Json]:
    """The judgments that are kept, once there are so many: a press is acknowledged before."""
    async with asyncio.timeout(PATIENCE_S):
        while len(kept := await asyncio.to_thread(_kept, folder)) < count:
            pass  # each look asks the database
    return kept


def _kept(folder: Path) -> list[Json]:
    return [log for log in logs(folder / "bot.db") if log["kind"] == "evaluator"]
