"""Each question is a Humanloop flow, with its model calls and tool calls as children."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from starlette.types import Receive, Scope, Send
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


async def test_nobody_waits_for_the_logs_of_an_answer(tmp_path: Path) -> None:
    """The question is done with: the next one of its thread goes on, and Stop stops nothing."""
    logged = asyncio.Event()
    async with (
        OpenAIServer([*SUM, text("Next.")]) as model,
        _gateway(tmp_path, model.base_url, logged) as base_url,
        bot_in_workspace(tmp_path, humanloop_base_url=base_url, humanloop_api_key="hl-key") as scene,
    ):
        ts = await scene.ada.say("#general", "@threadloop 2 + 2 and 2 * 3?")
        assert await scene.answer(ts) == "4 and 6."
        await scene.ada.say("#general", "stop", thread_ts=ts)
        after = await scene.ada.say("#general", "@threadloop next?", thread_ts=ts)
        assert await scene.answer(after, root=ts) == "Next."
        assert [answer["text"] for answer in scene.answers(ts)] == ["4 and 6."]
        logged.set()
    statuses = [log["status"] for log in logs(tmp_path / "humanloop.db") if log["kind"] == "flow"]
    assert statuses == ["complete", "complete"]


async def test_a_humanloop_server_that_is_away_is_a_sentence(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, humanloop_base_url="http://127.0.0.1:9/v5") as scene:
        answer = await scene.answer(await scene.ada.say("#general", "@threadloop Anything?"))
    assert "can't reach the language model" in answer


@asynccontextmanager
async def _gateway(
    folder: Path, openai_base_url: str, logged: asyncio.Event | None = None
) -> AsyncIterator[str]:
    """A Humanloop server; it takes the logs of tools when `logged` is set."""

    async def held(scope: Scope, receive: Receive, send: Send) -> None:
        if logged is not None and scope["path"].startswith("/v5/tools"):
            await logged.wait()
        await gateway.app(scope, receive, send)

    engine = database.create_engine(f"sqlite:///{folder}/humanloop.db")
    migrate(engine)
    credentials = Credentials(openai_api_key="sk-test", openai_base_url=openai_base_url)
    async with Gateway(engine, credentials, api_key="hl-key") as gateway, serve(held) as url:
        yield f"{url}/v5"
    engine.dispose()
