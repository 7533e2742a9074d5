"""`/ask`: acknowledged at once, answered for the asker alone, shared by a button."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Any

import pytest
from support.bot import Scene, bot_in_workspace
from support.openai_server import OpenAIServer, failure, text

from bot.runs import Inspection
from bot.runs.inspection import RunInfo
from bot.storage.database import create_engine


async def test_the_answer_is_for_the_asker_alone(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("21:14")])) as scene:
        assert await scene.ada.command("/ask", "What time is it in Tokyo?", channel="#general")
        answer = await _ephemeral(scene, "21:14")
        assert "What time is it in Tokyo?" in scene.ada.ephemerals("#general")[0]["text"]
        assert scene.playground.person("grace").ephemerals("#general") == []
        assert answer["blocks"][-1]["elements"][0]["text"]["text"] == "Share to channel"
        assert not scene.calls("chat.postMessage")


async def test_a_channel_without_the_bot_is_no_hindrance(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("Here.")])) as scene:
        await scene.ada.command("/ask", "Where are you?", channel="#random")
        assert await _ephemeral(scene, "Here.", channel="#random")


async def test_the_button_shares_the_answer_once(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("21:14")])) as scene:
        await scene.ada.command("/ask", "What time is it in Tokyo?", channel="#general")
        answer = await _ephemeral(scene, "21:14")
        assert await scene.ada.press("#general", answer["ts"], "share_answer")
        room = scene.playground.workspace.channel("#general")
        await scene.playground.until(
            lambda: any("21:14" in message.text for message in room.messages.values()), what="the shared answer"
        )
        (shared,) = [message for message in room.messages.values() if "21:14" in message.text]
        assert "Ada Lovelace asked" in shared.text
        assert "What time is it in Tokyo?" in shared.text
        await _until_taken_away(scene, "21:14")


async def test_a_button_that_is_pressed_twice_shares_once_and_a_long_answer_whole(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("word " * 3_500 + "end")])) as scene:
        await scene.ada.command("/ask", "Everything?", channel="#general")
        answer = await _ephemeral(scene, "did not fit")
        await asyncio.gather(*(scene.ada.press("#general", answer["ts"], "share_answer") for _ in range(2)))
        await _until_taken_away(scene, "did not fit")
        shared = " ".join(_said(scene, "#general"))
        assert shared.count("Ada Lovelace asked") == 1
        assert shared.count("word ") >= 3_490
        assert shared.count("end") == 1


async def test_a_long_answer_is_shared_as_far_as_it_goes_where_the_bot_is_no_member(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("word " * 3_900)])) as scene:
        # As with the manifest's scopes.
        scene.playground.scopes.discard("chat:write.public")
        await scene.ada.command("/ask", "Everything?", channel="#random")
        answer = await _ephemeral(scene, "did not fit", channel="#random")
        assert await scene.ada.press("#random", answer["ts"], "share_answer")
        await scene.playground.until(lambda: "did not fit" in " ".join(_said(scene, "#random")), what="the end")


TRANSIENT: list[dict[str, Any]] = [{"status": 500}, {"rate_limited_s": 1}, {"lose_response": True}]


@pytest.mark.parametrize("fault", TRANSIENT, ids=str)
async def test_an_answer_is_shown_once_whatever_becomes_of_its_first_post(
    tmp_path: Path, fault: dict[str, Any]
) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("21:14")])) as scene:
        scene.playground.faults.next("response_url", **fault)
        await scene.ada.command("/ask", "What time is it in Tokyo?", channel="#general")
        await _ephemeral(scene, "21:14")
        (run_id,) = [str(run.id) for run in await _runs(scene)]
        assert await scene.bot.runs.outcome(run_id) is not None
        assert [shown["text"] for shown in scene.ada.ephemerals("#general")[1:]] == ["21:14"]


async def test_an_answer_that_comes_too_late_for_its_url_is_a_direct_message(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("21:14")])) as scene:
        dm = await scene.ada.open_dm()
        scene.playground.faults.next("response_url", times=9, error="expired_url")
        await scene.ada.command("/ask", "What time is it in Tokyo?", channel="#random")
        await scene.playground.until(lambda: "21:14" in _said(scene, dm), what="a direct message")


async def test_a_command_without_words_says_how_to_ask(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer()) as scene:
        await scene.ada.command("/ask", "  ", channel="#general")
        assert "/ask what time" in scene.ada.ephemerals("#general")[0]["text"]


async def test_a_failure_is_told_to_the_asker_alone(tmp_path: Path) -> None:
    model = OpenAIServer([failure(401, "bad key", kind="invalid_api_key")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        await scene.ada.command("/ask", "Anything?", channel="#general")
        shown = await _ephemeral(scene, "credentials")
        assert "Run `" in shown["text"]


async def test_a_long_answer_stays_within_the_five_posts_of_a_response_url(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("word " * 6_000)])) as scene:
        await scene.ada.command("/ask", "Everything?", channel="#general")
        last = await _ephemeral(scene, "The rest did not fit")
        assert last["blocks"][-1]["type"] == "actions"


async def test_a_table_that_would_be_a_file_is_written_out(tmp_path: Path) -> None:
    rows = "".join(f"|{' value |' * 25} row {number} |\n" for number in range(9))
    table = f"|{' a |' * 26}\n|{'---|' * 26}\n{rows}"
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text(f"{table}\nThe end.")])) as scene:
        await scene.ada.command("/ask", "A table?", channel="#random")
        answer = await _ephemeral(scene, "The end.", channel="#random")
        assert "value,row 8\n```" in answer["text"]
        assert "attached" not in answer["text"]
        await scene.ada.press("#random", answer["ts"], "share_answer")
        room = scene.playground.workspace.channel("#random")
        shared = await scene.playground.until(
            lambda: next((each.text for each in room.messages.values() if "The end." in each.text), ""),
            what="the shared answer",
        )
        assert "value,row 8\n```" in shared
        assert "attached" not in shared


async def _until_taken_away(scene: Scene, words: str) -> None:
    await scene.playground.until(
        lambda: not [shown for shown in scene.ada.ephemerals("#general") if words in shown["text"]],
        what="the asker's copy to be taken away",
    )


def _said(scene: Scene, channel: str) -> list[str]:
    return [message.text for message in scene.playground.workspace.channel(channel).messages.values()]


async def _runs(scene: Scene) -> list[RunInfo]:
    def read() -> list[RunInfo]:
        inspection = Inspection(engine)
        found = list(inspection.runs(9))
        inspection.close()
        return found

    engine = create_engine(scene.settings.database_url)
    try:
        return await asyncio.to_thread(read)
    finally:
        engine.dispose()


async def _ephemeral(scene: Scene, words: str, *, channel: str = "#general") -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        shown = [message for message in scene.ada.ephemerals(channel) if words in message["text"]]
        return shown[-1] if shown else None

    message = await scene.playground.until(found, what=f"an ephemeral message with {words!r}")
    assert message is not None
    return message
