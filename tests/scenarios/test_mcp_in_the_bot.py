"""Two real MCP servers at work for a bot: one over stdio, one over HTTP."""

from __future__ import annotations

import json
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.bot import Scene, bot_in_workspace
from support.cards import approve, elicitation_cards, submit, until_asked
from support.mcp_npm import EverythingOverHttp, filesystem, missing
from support.mcp_servers import state, until
from support.openai_server import OpenAIServer, text, tool_calls

from bot.slack.content import ACCEPT_ACTION


@pytest.fixture(scope="module", autouse=True)
def npm_servers() -> None:
    """Where the servers are missing the tests are skipped, but never in CI."""
    if reason := missing():
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)


@asynccontextmanager
async def bot_with_servers(
    folder: Path, http: EverythingOverHttp, model: OpenAIServer, trusted: list[str]
) -> AsyncIterator[Scene]:
    """A bot whose servers `files` (stdio) and `every` (HTTP) are up."""
    (folder / "shared").mkdir()
    (folder / "shared/note.txt").write_text("Buy pens.")
    config, policy = folder / "mcp.json", folder / "policy.yaml"
    servers = {"files": filesystem(folder / "shared"), "every": http.entry}
    config.write_text(json.dumps({"mcpServers": servers}))
    policy.write_text(f"mcp:\n  trusted: {json.dumps(trusted)}\n")
    async with bot_in_workspace(folder, model=model, mcp_config=config, policy_file=policy) as scene:
        mcp = scene.bot.mcp
        assert mcp is not None
        await until(mcp, lambda: {state(mcp, "files"), state(mcp, "every")} == {"up"})
        yield scene


async def test_tools_of_both_servers_are_called_in_one_turn(tmp_path: Path) -> None:
    path = str(tmp_path / "shared/note.txt")
    calls = tool_calls(("files__read_text_file", {"path": path}), ("every__echo", {"message": "hi"}))
    model = OpenAIServer([calls, text("Buy pens, and hi.")])
    async with (
        EverythingOverHttp() as http,
        bot_with_servers(tmp_path, http, model, ["files", "every"]) as scene,
    ):
        ts = await scene.ada.say("#general", "@threadloop What does the note say?")
        assert await scene.answer(ts) == "Buy pens, and hi."
    results = [message["content"] for message in model.requests[1]["messages"] if message["role"] == "tool"]
    assert "Buy pens." in results[0]
    assert "Echo: hi" in results[1]


async def test_a_server_that_nobody_trusts_has_its_calls_approved(tmp_path: Path) -> None:
    model = OpenAIServer([tool_calls(("every__echo", {"message": "hi"})), text("It echoed.")])
    async with EverythingOverHttp() as http, bot_with_servers(tmp_path, http, model, []) as scene:
        ts = await scene.ada.say("#general", "@threadloop Echo, please")
        (card,) = await until_asked(scene, ts)
        assert '"hi"' in card.text
        assert len(model.requests) == 1
        await approve(scene.ada, card)
        await scene.playground.until(lambda: bool(scene.answers(ts)), what="the answer")
    assert "Echo: hi" in str(model.requests[1]["messages"])


async def test_a_server_killed_in_mid_call_costs_the_call_and_not_the_answer(tmp_path: Path) -> None:
    slow = ("every__trigger-long-running-operation", {"duration": 600, "steps": 6_000})
    model = OpenAIServer([tool_calls(slow), text("It died."), text("Back.")])
    async with (
        EverythingOverHttp() as http,
        bot_with_servers(tmp_path, http, model, ["every"]) as scene,
    ):
        ts = await scene.ada.say("#general", "@threadloop Take your time")
        # The card of a call that takes its time is shown while it runs.
        await scene.playground.until(lambda: scene.calls("chat.startStream"), what="the call's card")
        await http.kill()
        await scene.playground.until(lambda: bool(scene.answers(ts)), what="the answer")
        assert "It died." in scene.answers(ts)[0]["text"]
        assert "broke" in str(model.requests[1]["messages"])
        later = await scene.ada.say("#general", "@threadloop Still there?")
        assert await scene.answer(later) == "Back."


async def test_what_a_server_asks_in_mid_call_is_a_form_in_a_modal(tmp_path: Path) -> None:
    model = OpenAIServer([tool_calls(("every__trigger-elicitation-request", {})), text("Noted.")])
    async with EverythingOverHttp() as http, bot_with_servers(tmp_path, http, model, ["every"]) as scene:
        ts = await scene.ada.say("#general", "@threadloop Ask me")
        (card,) = await until_asked(scene, ts)
        await approve(scene.ada, card)
        (form,) = await scene.playground.until(
            lambda: elicitation_cards(scene, ts), what="the server's question"
        )
        await scene.ada.press("#general", form.ts, ACCEPT_ACTION)
        await submit(scene, scene.ada, {"name": {"type": "plain_text_input", "value": "Ada"}})
        await scene.playground.until(lambda: bool(scene.answers(ts)), what="the answer")
    assert "Ada" in next(m["content"] for m in model.requests[1]["messages"] if m["role"] == "tool")
