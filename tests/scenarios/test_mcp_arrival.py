"""A bot whose MCP servers take their time to come, or stay away."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from support.bot import bot_in_workspace
from support.cards import approve, until_asked, until_closed
from support.mcp_servers import Door, scripted, state, until
from support.openai_server import OpenAIServer, text, tool_calls

from bot.conversation import ToolStarted


async def test_an_approved_call_waits_for_a_server_that_connects_anew(tmp_path: Path) -> None:
    def configure(server: dict[str, Any]) -> None:
        config.write_text(json.dumps({"mcpServers": {"pens": server}}))

    config, door = tmp_path / "mcp.json", Door(tmp_path)
    configure(scripted(tools=[["write"]]))
    model = OpenAIServer([tool_calls(("pens__write", {"text": "hi"})), text("Written.")])
    async with bot_in_workspace(tmp_path, model=model, mcp_config=config) as scene:
        mcp = scene.bot.mcp
        assert mcp is not None
        await until(mcp, lambda: state(mcp, "pens") == "up")
        ts = await scene.ada.say("#general", "@threadloop Write hi")
        (card,) = await until_asked(scene, ts)
        await scene.stop()
        configure(scripted(tools=[["write"]], waits_for=str(door.path)))
        await scene.start()
        await approve(scene.ada, card)
        await scene.playground.until(
            lambda: any(isinstance(event, ToolStarted) for _, event in scene.seen), what="the call"
        )
        await door.open()
        await scene.playground.until(lambda: scene.answers(ts), what="the answer")
        await until_closed(scene, ts, "Approved by Ada Lovelace")
    results = [message["content"] for message in model.requests[-1]["messages"] if message["role"] == "tool"]
    assert results == ['write {"text": "hi"}']
