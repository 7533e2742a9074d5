"""`/ask`: acknowledged at once, answered for the asker alone, shared by a button."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from support.bot import Scene, bot_in_workspace
from support.openai_server import OpenAIServer, failure, text


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
        assert not [shown for shown in scene.ada.ephemerals("#general") if "21:14" in shown["text"]]


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


async def test_a_long_answer_is_shared_within_the_five_posts_of_a_response_url(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer([text("word " * 6_000)])) as scene:
        await scene.ada.command("/ask", "Everything?", channel="#random")
        last = await _ephemeral(scene, "The rest did not fit", channel="#random")
        await scene.ada.press("#random", last["ts"], "share_answer")
        room = scene.playground.workspace.channel("#random")
        await scene.playground.until(
            lambda: any("The rest did not fit" in each.text for each in room.messages.values()),
            what="the end of the shared answer",
        )


async def _ephemeral(scene: Scene, words: str, *, channel: str = "#general") -> dict[str, Any]:
    def found() -> dict[str, Any] | None:
        shown = [message for message in scene.ada.ephemerals(channel) if words in message["text"]]
        return shown[-1] if shown else None

    message = await scene.playground.until(found, what=f"an ephemeral message with {words!r}")
    assert message is not None
    return message
