"""Whatever fails ends in a sentence with a run id, and never in exception text."""

from __future__ import annotations

import json
import sqlite3
from pathlib import Path
from typing import Any

import pytest
from support.bot import Scene, bot_in_workspace
from support.openai_server import OpenAIServer, cut, failing_stream, failure, text
from support.patience import UNSTREAMED

from bot.playground import Playground, Seed
from bot.telemetry import JsonFormatter

KEY = "sk-test-key-000000"


@pytest.mark.parametrize(
    ("reply", "sentence"),
    [
        (failure(401, f"Incorrect API key provided: {KEY}", kind="invalid_api_key"), "refused my credentials"),
        (failure(429, "Rate limit reached"), "too many questions"),
        (failure(429, "You exceeded your quota", kind="insufficient_quota"), "too many questions"),
        (failure(500, "The server had an error"), "can't reach the language model"),
        (
            failure(400, "maximum context length", kind="context_length_exceeded"),
            "too long for the language model",
        ),
        (failure(400, "Unknown parameter"), "did not accept this question"),
        (cut("I was about to"), "broke off in the middle"),
        (failing_stream("I was", kind="server_error", message="overloaded"), "broke off in the middle"),
        (text(""), "had nothing to say"),
    ],
    ids=["key", "rate", "quota", "server", "context", "request", "cut", "error-in-stream", "empty"],
)
async def test_a_models_failure_is_a_sentence_with_a_run_id(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, reply: Any, sentence: str
) -> None:
    async with bot_in_workspace(tmp_path, model=OpenAIServer(reply=lambda _request: reply)) as scene:
        ts = await scene.ada.say("#general", "@threadloop Anything?")
        answer = await scene.answer(ts)
        assert sentence in answer
        assert f"Run `{scene.playground.team_id}:" in answer
    assert KEY not in _json_lines(caplog)
    assert len(scene.answers(ts)) == 1


async def test_a_passing_failure_of_the_model_is_tried_again(tmp_path: Path) -> None:
    model = OpenAIServer([failure(500), text("Here after all.")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        assert await scene.answer(await scene.ada.say("#general", "@threadloop Anything?")) == "Here after all."


async def test_a_model_server_that_is_away_is_a_sentence(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, openai_base_url="http://127.0.0.1:9/v1") as scene:
        answer = await scene.answer(await scene.ada.say("#general", "@threadloop Anything?"))
        assert "can't reach the language model" in answer


async def test_where_the_bot_may_not_write_the_asker_is_told_directly(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=_model(), timing=UNSTREAMED) as scene:
        scene.playground.faults.next("chat.postMessage", times=2, error="not_in_channel")
        ts = await scene.ada.say("#general", "@threadloop Anything?")
        told = await _told_directly(scene)
        assert "Please invite me" in told
        assert f":{ts}`" in told


async def test_a_missing_scope_is_a_sentence(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=_model()) as scene:
        assert scene.playground.scopes is not None
        scene.playground.scopes.discard("channels:history")
        root = await scene.ada.say("#general", "A thread has to be read")
        ts = await scene.ada.say("#general", "@threadloop Anything?", thread_ts=root)
        answer = await scene.answer(ts, root=root)
        assert "reinstall it from its manifest" in answer


async def test_a_short_rate_limit_of_slack_is_waited_out(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=_model(), timing=UNSTREAMED) as scene:
        scene.playground.faults.next("chat.postMessage", rate_limited_s=0)
        assert await scene.answer(await scene.ada.say("#general", "@threadloop Anything?")) == "Fine."


async def test_a_passing_server_error_of_slack_is_tried_again(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=_model()) as scene:
        root = await scene.ada.say("#general", "A thread has to be read")
        scene.playground.faults.next("conversations.replies", status=500)
        ts = await scene.ada.say("#general", "@threadloop Anything?", thread_ts=root)
        assert await scene.answer(ts, root=root) == "Fine."


async def test_a_locked_database_is_a_sentence(tmp_path: Path) -> None:
    # Slack delivers the question again meanwhile.
    playground = Playground(Seed.default())
    async with bot_in_workspace(tmp_path, model=_model(), playground=playground) as scene:
        lock = sqlite3.connect(tmp_path / "bot.db", isolation_level=None)
        lock.execute("BEGIN IMMEDIATE")
        ts = await scene.ada.say("#general", "@threadloop Anything?")
        await scene.playground.until(
            lambda: len(scene.playground.thread("#general", ts)) > 1, what="the sentence"
        )
        told = scene.playground.thread("#general", ts)[-1]["text"]
        assert "My memory is busy" in told
        assert f":{ts}`" in told
        lock.execute("ROLLBACK")
        lock.close()
        assert await scene.answer(ts) == "Fine."


async def test_an_unexpected_fault_is_a_sentence_and_its_traceback_is_logged(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def explode(*_: object) -> None:
        raise RuntimeError("the observer fell over xoxb-12345-secret")

    async with bot_in_workspace(tmp_path, model=_model(), observe=explode) as scene:
        answer = await scene.answer(await scene.ada.say("#general", "@threadloop Anything?"))
        assert "Something went wrong" in answer
        assert "observer" not in answer
    assert "the observer fell over" in _json_lines(caplog)
    assert "xoxb-12345" not in _json_lines(caplog)


async def test_a_log_that_cannot_be_written_costs_no_answer(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    async with bot_in_workspace(tmp_path, model=_model()) as scene:
        with sqlite3.connect(tmp_path / "bot.db") as database:
            database.execute("DROP TABLE gateway_logs")
        assert await scene.answer(await scene.ada.say("#general", "@threadloop Anything?")) == "Fine."
    assert "not written" in caplog.text


def _model() -> OpenAIServer:
    return OpenAIServer(reply=lambda _request: text("Fine."))


async def _told_directly(scene: Scene) -> str:
    def found() -> str | None:
        channels = scene.playground.workspace.channels.values()
        direct = [m for c in channels if c.kind == "im" for m in c.messages.values()]
        return direct[-1].text if direct else None

    told = await scene.playground.until(found, what="a direct message")
    assert told is not None
    return told


def _json_lines(caplog: pytest.LogCaptureFixture) -> str:
    formatter = JsonFormatter([KEY])
    lines = [formatter.format(record) for record in caplog.records]
    assert all(json.loads(line)["level"] for line in lines)
    return "\n".join(lines)
