"""Each question is a Humanloop flow, with its model calls and tool calls as children."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from support.bot import bot_in_workspace
from support.humanloop_logs import logs
from support.openai_server import OpenAIServer, failure, text, tool_calls

from bot.gateway import Credentials, Gateway
from bot.http_server import serve
from bot.storage import database
from bot.storage.migrations import migrate

SUM = [
    tool_calls(("calculate", {"expression": "2 + 2"}), ("calculate", {"expression": "2 * 3"})),
    text("4 and 6."),
]


async def test_a_flow_holds_its_model_calls_and_tool_calls(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer(SUM)) as scene:
        ts = await scene.ada.say("#general", "@threadloop 2 + 2 and 2 * 3?")
        await scene.answer(ts)
    kept = logs(tmp_path / "bot.db")
    (flow,) = [log for log in kept if log["kind"] == "flow"]
    children = [log for log in kept if log["trace_parent_id"] == flow["id"]]
    assert sorted(log["kind"] for log in children) == ["prompt", "prompt", "tool", "tool"]
    assert {log["trace_id"] for log in kept} == {flow["id"]}
    assert flow["status"] == "complete"


async def test_the_flow_of_a_failed_question_says_so(tmp_path: Path) -> None:
    model = OpenAIServer([failure(401, "No.", kind="invalid_api_key")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        await scene.answer(await scene.ada.say("#general", "@threadloop Anything?"))
    (flow,) = [log for log in logs(tmp_path / "bot.db") if log["kind"] == "flow"]
    assert "ModelKeyRefused" in json.dumps(flow)
    assert flow["status"] == "complete"


async def test_a_humanloop_server_of_ones_own_takes_the_place_of_the_embedded_endpoint(tmp_path: Path) -> None:
    async with (
        OpenAIServer(SUM) as model,
        _gateway(tmp_path, model.base_url) as base_url,
        bot_in_workspace(tmp_path, humanloop_base_url=base_url, humanloop_api_key="hl-key") as scene,
    ):
        answer = await scene.answer(await scene.ada.say("#general", "@threadloop 2 + 2 and 2 * 3?"))
    assert answer == "4 and 6."
    assert len(logs(tmp_path / "humanloop.db")) == 5
    assert logs(tmp_path / "bot.db") == []


async def test_a_humanloop_server_that_is_away_is_a_sentence(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, humanloop_base_url="http://127.0.0.1:9/v5") as scene:
        answer = await scene.answer(await scene.ada.say("#general", "@threadloop Anything?"))
    assert "can't reach the language model" in answer


@asynccontextmanager
async def _gateway(folder: Path, openai_base_url: str) -> AsyncIterator[str]:
    engine = database.create_engine(f"sqlite:///{folder}/humanloop.db")
    migrate(engine)
    credentials = Credentials(openai_api_key="sk-test", openai_base_url=openai_base_url)
    async with Gateway(engine, credentials, api_key="hl-key") as gateway, serve(gateway.app) as url:
        yield f"{url}/v5"
    engine.dispose()
