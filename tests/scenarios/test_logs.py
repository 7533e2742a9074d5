"""Logs of the whole bot: all of them JSON, with the run, without secrets, however much is logged."""

from __future__ import annotations

import io
import json
import logging
from pathlib import Path

import pytest
from support.http_bot import MODEL_KEY, bot_over_http
from support.openai_server import OpenAIServer, failure, text, tool_calls

from bot.telemetry import configure_logging


async def test_a_failing_question_leaves_no_secret_in_any_line(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stream = io.StringIO()
    refusal = failure(401, f"Incorrect API key provided: {MODEL_KEY}", kind="invalid_api_key")
    model = OpenAIServer([tool_calls(("current_time", {"place": "Tokyo"})), refusal, refusal])
    async with bot_over_http(tmp_path, model=model) as scene:
        configure_logging("DEBUG", scene.settings.secrets(), stream)
        ts = await scene.ada.say("#general", "@threadloop What time is it?")
        await scene.answer(ts)
        await scene.ada.command("/ask", "And now?", channel="#general")
        await scene.playground.until(lambda: scene.ada.ephemerals("#general")[1:], what="the failure")
        secrets = [*scene.settings.secrets(), scene.playground.app_token, "hooks.slack.com"]
    written = stream.getvalue()
    lines = [json.loads(line) for line in written.splitlines()]
    assert [line["run"] for line in lines if line["message"].startswith("No answer: ModelKeyRefused")]
    assert not [secret for secret in secrets if secret in written]
    assert capfd.readouterr().err == ""


async def test_lines_of_the_libraries_pass_through_our_format_once(
    tmp_path: Path, capfd: pytest.CaptureFixture[str]
) -> None:
    stream = io.StringIO()
    names = ["slack_bolt.AsyncApp", "slack_sdk.web.async_client", "dbos", "uvicorn.error", "sqlalchemy.engine"]
    async with bot_over_http(tmp_path, model=OpenAIServer([text("Fine.")])) as scene:
        configure_logging("INFO", scene.settings.secrets(), stream)
        await scene.answer(await scene.ada.say("#general", "@threadloop Anything?"))
        for name in names:
            logging.getLogger(name).warning("Look at this.")
    lines = [json.loads(line) for line in stream.getvalue().splitlines()]
    assert [line["logger"] for line in lines if line["message"] == "Look at this."] == names
    assert capfd.readouterr().err == ""
