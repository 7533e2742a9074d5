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
        logging.getLogger("bot.x").exception("At https://hooks.slack.com/commands/T1/2/abc, Bearer abc.def")
    written = stream.getvalue()
    for secret in (
        "xoxb-1-abc",
        "sk-proj-12345678",
        "the-signing-secret",
        "hooks.slack.com/commands",
        "abc.def",
    ):
        assert secret not in written
