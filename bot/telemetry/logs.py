"""Structured logs: one JSON object a line, with the run's id, and never a secret."""

from __future__ import annotations

import json
import logging
import re
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import TextIO

_run_id: ContextVar[str | None] = ContextVar("run_id", default=None)

# Slack's tokens and response URLs, the usual shapes of model keys, and the user and password of a URL.
_SECRET = re.compile(
    r"xox[a-z]-[\w-]+|xapp-[\w-]+|\bsk-[\w-]{8,}|(?<=Bearer )\S+|https://hooks\.slack\.com/\S+"
    r"|(?<=://)[^\s/:@\"]*:[^\s/@\"]+(?=@)"
)
_STANDARD = {*vars(logging.makeLogRecord({})), "color_message"}  # uvicorn says everything twice
# These log request bodies, headers or every request, some of them at INFO.
_TALKATIVE = {
    "alembic", "anthropic", "dbos", "httpcore", "httpcore2", "httpx", "httpx2", "mcp", "openai",
    "slack_bolt", "slack_sdk", "urllib3",
}  # fmt: skip


@contextmanager
def run_context(run_id: str) -> Iterator[None]:
    """Mark every log line inside with the run's id."""
    token = _run_id.set(run_id)
    try:
        yield
    finally:
        _run_id.reset(token)


def configure_logging(level: str, secrets: Iterable[str], stream: TextIO = sys.stderr) -> None:
    """Send all logs to `stream` as JSON lines, with `secrets` and what looks like one blacked out."""
    handler = logging.StreamHandler(stream)
    handler.setFormatter(JsonFormatter(secrets))
    handler.addFilter(_is_wanted)
    logging.basicConfig(level=level, handlers=[handler], force=True)


def _is_wanted(record: logging.LogRecord) -> bool:
    # Not by the loggers' levels: Bolt sets those of its own anew for each app.
    return record.levelno >= logging.WARNING or record.name.partition(".")[0] not in _TALKATIVE


class JsonFormatter(logging.Formatter):
    """A record as one line of JSON: time, level, logger, run, message, what `extra` gave, traceback."""

    def __init__(self, secrets: Iterable[str] = ()) -> None:
        super().__init__()
        # In a line of JSON a secret with quotes or accents stands escaped.
        self._secrets = tuple(json.dumps(secret)[1:-1] for secret in secrets if secret)

    def format(self, record: logging.LogRecord) -> str:  # noqa: D102 — as the base class says
        line = {
            "time": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname,
            "logger": record.name,
            "run": _run_id.get(),
            "message": record.getMessage(),
            **{key: value for key, value in vars(record).items() if key not in _STANDARD},
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        kept = {key: value for key, value in line.items() if value is not None}
        return self._black_out(json.dumps(kept, default=str))

    def _black_out(self, line: str) -> str:
        for secret in self._secrets:
            line = line.replace(secret, "[secret]")
        return _SECRET.sub("[secret]", line)
