"""Whatever Slack refuses, the answer comes: by another way, and in the end with the same words."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.bot import Scene, blocks_of, bot_in_workspace, buttons_of
from support.held_tools import HeldTools
from support.model_replies import Answer
from support.openai_server import OpenAIServer, text, tool_calls
from support.patience import UNSTREAMED, patient_workspace

Json = dict[str, Any]

SAID = "First **bold** words and a list:\n\n- one\n- two"

REFUSALS: list[tuple[str, Json]] = [
    ("chat.startStream", {"error": "unknown_method"}),
    ("chat.startStream", {"error": "missing_recipient_user_id"}),
    ("chat.startStream", {"error": "feature_not_enabled"}),
    ("chat.startStream", {"error": "missing_scope"}),
    ("chat.startStream", {"rate_limited_s": 60}),
    ("chat.startStream", {"status": 500}),
    ("chat.startStream", {"reset": True}),
    ("chat.startStream", {"lose_response": True}),
    ("chat.appendStream", {"error": "message_not_in_streaming_state"}),
    ("chat.appendStream", {"error": "invalid_chunks"}),
    ("chat.appendStream", {"rate_limited_s": 60}),
    ("chat.appendStream", {"lose_response": True}),
    ("chat.stopStream", {"error": "message_not_in_streaming_state"}),
    ("chat.stopStream", {"status": 500}),
    ("chat.stopStream", {"lose_response": True}),
    ("chat.update", {"rate_limited_s": 0}),
    ("chat.update", {"status": 500}),
    ("chat.update", {"lose_response": True}),
]


@pytest.mark.parametrize(("method", "fault"), REFUSALS, ids=str)
async def test_every_path_ends_in_the_same_message(tmp_path: Path, method: str, fault: Json) -> None:
    tools, goes_on = HeldTools(), asyncio.Event()
    model = OpenAIServer([tool_calls(("look_up", {"word": "rain"}), say="Let me look."), _slowly(goes_on)])
    async with bot_in_workspace(tmp_path, model=model, tools=tools.registry()) as scene:
        scene.playground.faults.next(method, **fault)
        ts = await scene.ada.say("#general", "@threadloop What is rain?")
        await tools.until_begun()
        tools.goes_on.set()
        await model.until_asked(2)
        await _as_much_as_can_be_shown(scene, ts)
        goes_on.set()
        assert await scene.answer(ts) == f"Let me look.\n\n{SAID}"
        (answer,) = scene.shown(ts)
    kinds = [block["type"] for block in answer["blocks"]]
    assert (kinds[0], *kinds[-2:]) == ("task_card", "context", "context_actions")
    assert buttons_of(answer) == []
    assert [card["status"] for card in blocks_of(answer, "task_card")] == ["complete"]


async def test_without_streams_a_long_answer_is_posted_and_changed_now_and_then(tmp_path: Path) -> None:
    goes_on = asyncio.Event()
    async with bot_in_workspace(tmp_path, model=OpenAIServer([_slowly(goes_on)])) as scene:
        scene.playground.without("chat.*Stream")
        ts = await scene.ada.say("#general", "@threadloop Slowly?")
        begun = await scene.until_shown("First", ts)
        assert buttons_of(begun) == ["stop_answer"]
        goes_on.set()
        assert await scene.answer(ts) == SAID
        (answer,) = scene.shown(ts)
        assert answer["ts"] == begun["ts"]


async def test_what_is_refused_once_is_not_tried_with_every_answer(tmp_path: Path) -> None:
    tools = HeldTools()
    turns = [tool_calls(("look_up", {"word": word})) if word else text("Done.") for word in ("a", "", "b", "")]
    async with bot_in_workspace(tmp_path, model=OpenAIServer(turns), tools=tools.registry()) as scene:
        scene.playground.without("chat.startStream", error="unknown_method")
        for tries in (1, 1):
            tools.goes_on.clear()
            ts = await scene.ada.say("#general", "@threadloop Anything?")
            await scene.playground.until(lambda: len(scene.calls("chat.startStream")) == 1, what="a try")
            tools.goes_on.set()
            await scene.answer(ts)
            assert len(scene.calls("chat.startStream")) == tries


async def test_a_tier_that_is_used_up_costs_no_answer(tmp_path: Path) -> None:
    """Twenty streams a minute: further answers come as posts, and nobody waits for a minute."""
    goes_on = asyncio.Event()
    playground = patient_workspace(enforce_rates=True)
    model = OpenAIServer(reply=lambda _request: _slowly(goes_on))
    async with bot_in_workspace(tmp_path, model=model, playground=playground) as scene:
        scene.playground.faults.next("chat.startStream", times=5, rate_limited_s=60)
        asked = [await scene.ada.say("#general", f"@threadloop number {number}?") for number in range(4)]
        await model.until_asked(4)
        goes_on.set()
        assert [await scene.answer(ts) for ts in asked] == [SAID] * 4


@pytest.mark.parametrize("times", [0, 1, 2, 3], ids=["blocks", "markdown", "text", "file"])
async def test_an_answer_that_slack_does_not_take_comes_in_a_plainer_form(tmp_path: Path, times: int) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text(SAID)]), timing=UNSTREAMED) as scene:
        if times:
            scene.playground.faults.next("chat.postMessage", times=times, error="invalid_blocks")
        ts = await scene.ada.say("#general", "@threadloop Anything?")
        answer = await scene.answer(ts)
        files = [file for message in scene.shown(ts) for file in message.get("files", ())]
        kept = [scene.playground.workspace.contents[file["id"]].decode() for file in files]
        sent = scene.calls("chat.postMessage")[-1]
    if times == 3:
        assert "attached as a file" in answer
        assert kept == [SAID]
    else:
        assert "First" in answer
        assert ("markdown_text" in sent) == (times == 1)
        assert bool(sent.get("blocks")) == (times == 0)


@pytest.mark.parametrize(
    "error", ["msg_too_long", "invalid_attachments", "msg_blocks_too_long", "invalid_blocks"]
)
async def test_the_end_of_a_stream_that_slack_does_not_take_comes_in_a_plainer_form(
    tmp_path: Path, error: str
) -> None:
    goes_on = asyncio.Event()
    async with bot_in_workspace(tmp_path, model=OpenAIServer([_slowly(goes_on)])) as scene:
        ts = await scene.ada.say("#general", "@threadloop Anything?")
        await scene.until_shown("First", ts)
        scene.playground.faults.next("chat.update", error=error)
        goes_on.set()
        assert "two" in await scene.answer(ts)
        (answer,) = scene.shown(ts)
        assert buttons_of(answer) == []


async def test_an_answer_whose_file_is_refused_stays_and_says_so(tmp_path: Path) -> None:
    long = "\n\n".join(f"Paragraph {number}. " + "Words and more words. " * 30 for number in range(60))
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text(long)])) as scene:
        scene.playground.without("files.getUploadURLExternal", error="file_uploads_disabled")
        ts = await scene.ada.say("#general", "@threadloop Everything?")
        assert (await scene.answer(ts)).endswith("\n\n_The file could not be attached._")
        *_, last = scene.answers(ts)
        assert last["metadata"]["event_payload"]["state"] == "final"
        assert [block["type"] for block in last["blocks"]][-2:] == ["context", "context_actions"]
        assert not scene.calls("conversations.open")


async def test_a_failure_stands_behind_what_was_shown_already(tmp_path: Path) -> None:
    goes_on = asyncio.Event()
    broken = Answer(("```python\nprint(1)\n", "prin"), cut=True, hold=goes_on)
    async with bot_in_workspace(tmp_path, model=OpenAIServer([broken, text("Whole.")]), attempts=1) as scene:
        ts = await scene.ada.say("#general", "@threadloop Code?")
        begun = await scene.until_shown("print(1)", ts)
        goes_on.set()
        answer = await scene.answer(ts)
        assert answer.startswith("```python\nprint(1)\nprin\n```\n\nThe language model's answer broke off")
        (failed,) = scene.shown(ts)
        assert failed["ts"] == begun["ts"]
        assert buttons_of(failed) == ["retry_answer"]
        await scene.ada.press("#general", failed["ts"], "retry_answer")
        await scene.playground.until(
            lambda: [a["text"] for a in scene.answers(ts)] == ["Whole."], what="the answer"
        )
        assert len(scene.shown(ts)) == 1


def _slowly(goes_on: asyncio.Event) -> Answer:
    return text("First **bold** words ", "and a list:\n\n- one\n", "- two\n", hold=goes_on)


async def _as_much_as_can_be_shown(scene: Scene, ts: str) -> None:
    """Wait until the second model turn's first words are shown, or can't be before the end."""
    await scene.playground.until(
        lambda: (
            any("First" in message["text"] for message in scene.shown(ts))
            or ("chat.appendStream", "rate_limited")
            in [(call.method, call.outcome) for call in scene.playground.calls]
        ),
        what="the first words",
    )
