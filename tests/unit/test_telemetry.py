"""Logs: a JSON object a line, with the run, without secrets."""

from __future__ import annotations

import io
import json
import logging

from bot.telemetry import configure_logging, run_context


def test_a_line_is_json_with_the_run_and_what_extra_gave() -> None:
    stream = io.StringIO()
    configure_logging("INFO", [], stream)
    with run_context("T:C:1"):
        logging.getLogger("bot.x").info("Took %d ms", 5, extra={"tool": "weather"})
    line = json.loads(stream.getvalue())
    assert line.items() >= {
        "level": "INFO", "logger": "bot.x", "run": "T:C:1", "message": "Took 5 ms", "tool": "weather",
    }.items()  # fmt: skip


def test_secrets_are_blacked_out_in_messages_and_tracebacks() -> None:
    stream = io.StringIO()
    configure_logging("INFO", ["the-signing-secret"], stream)
    try:
        raise RuntimeError("xoxb-1-abc and sk-proj-12345678 and the-signing-secret")
    except RuntimeError:
        logging.getLogger("bot.x").exception(
            "At https://hooks.slack.com/commands/T1/2/abc, Bearer abc.def, postgresql://bot:pass-word@db/bot"
        )
    written = stream.getvalue()
    for secret in (
        "xoxb-1-abc",
        "sk-proj-12345678",
        "the-signing-secret",
        "hooks.slack.com/commands",
        "abc.def",
        "pass-word",
    ):
        assert secret not in written


def test_a_secret_that_json_escapes_is_blacked_out_too() -> None:
    stream = io.StringIO()
    configure_logging("INFO", ['quo"ted-é'], stream)
    logging.getLogger("bot.x").warning('It is quo"ted-é.')
    assert json.loads(stream.getvalue())["message"] == "It is [secret]."


def test_libraries_that_log_bodies_are_heard_from_warnings_on_whatever_the_level() -> None:
    stream = io.StringIO()
    configure_logging("DEBUG", [], stream)
    for name in ("slack_sdk.web", "slack_bolt.X", "dbos", "httpx", "openai"):
        logging.getLogger(name).info("A body.")
        logging.getLogger(name).warning("A warning.")
    logging.getLogger("bot.x").debug("Ours.")
    messages = [json.loads(line)["message"] for line in stream.getvalue().splitlines()]
    assert messages == ["A warning."] * 5 + ["Ours."]
