"""A hundred and twenty questions within a minute in twenty channels, where Slack's rate limits are enforced."""

from __future__ import annotations

import asyncio
import re
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bot_process import bot_process
from benchmarks.report import Report
from support.model_replies import Reply
from support.openai_server import OpenAIServer, text

from bot.playground import Change, Playground, Seed
from bot.slack.marker import read_marker

_QUESTIONS = 120
_CHANNELS = 20
_WITHIN_S = 60.0
_PIECES = 60
_MODEL_S = 4.0
_PATIENCE_S = 300.0
_NUMBER = re.compile(r"Q(\d+)\?")


async def measure(report: Report) -> None:
    """Ask them evenly, every other one as a further question in a thread, and wait for the last answer."""
    storm = _Storm()
    async with OpenAIServer(reply=storm.reply) as model:
        with tempfile.TemporaryDirectory() as folder:
            variables = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "sk-bench", "SLACK_PACED": "true"}
            async with storm.playground.serve(), bot_process(storm.playground, Path(folder), **variables):
                await storm.ask()
                await storm.playground.until(lambda: len(storm.delivered) == _QUESTIONS, _PATIENCE_S)
    lateness = [storm.delivered[number] - storm.model_ended[number] for number in range(_QUESTIONS)]
    report.add("storm: the latest answer, after its model's end", max(lateness), "s", 60)
    report.add("storm: answers that are not complete", storm.incomplete(), "", 0)
    report.add("storm: Slack calls answered 429", storm.playground.rate_limited_share * 100, "%", 1)
    report.add("storm: streamed answers", storm.streamed(), "")
    report.add("storm: questions with a status line or 👀", storm.with_status(), "")


class _Storm:
    def __init__(self) -> None:
        self.playground = Playground(_seed(), enforce_rates=True)
        self.model_ended: dict[int, float] = {}
        self.delivered: dict[int, float] = {}
        self._texts: dict[int, str] = {}
        self._numbers: dict[str, int] = {}
        self._threads: dict[str, str] = {}
        self.playground.workspace.listen(self._notice)

    async def ask(self) -> None:
        """Post the questions over a minute."""
        roots: dict[int, str] = {}
        for number in range(_QUESTIONS):
            channel = number % _CHANNELS
            # The channels' first questions start threads; then every other one goes on in its channel's thread.
            root = roots.get(channel) if number // _CHANNELS % 2 else None
            ada = self.playground.person("ada")
            ts = await ada.say(f"#room{channel}", f"@threadloop Q{number}?", thread_ts=root)
            roots.setdefault(channel, ts)
            self._numbers[ts], self._threads[ts] = number, root or ts
            await asyncio.sleep(_WITHIN_S / _QUESTIONS)

    def reply(self, request: dict[str, Any]) -> Reply:
        """Some seconds of words."""
        spoken = [message["content"] for message in request["messages"] if message["role"] == "user"]
        number = int(next(match[1] for text in reversed(spoken) if (match := _NUMBER.search(text))))
        self.model_ended[number] = time.time() + _MODEL_S
        return text(*_pieces(number), pause_s=_MODEL_S / _PIECES)

    def incomplete(self) -> int:
        """How many answers lack words."""
        return sum("".join(_pieces(number)).strip() not in said for number, said in self._texts.items())

    def streamed(self) -> int:
        """How many answers were streamed."""
        return sum(call.method == "chat.startStream" and call.outcome == "ok" for call in self.playground.calls)

    def with_status(self) -> int:
        """How many questions were seen to be heard, between the question and its answer."""
        signs = [
            (str(call.arguments.get("thread_ts") or call.arguments.get("timestamp")), call.at)
            for call in self.playground.calls
            if call.method in ("assistant.threads.setStatus", "reactions.add") and call.outcome == "ok"
        ]
        return sum(
            any(
                where in (ts, self._threads[ts]) and float(ts) < at < self.delivered[number]
                for where, at in signs
            )
            for ts, number in self._numbers.items()
        )

    def _notice(self, change: Change) -> None:
        marker = read_marker({"metadata": change.message.metadata}) if change.message else None
        if marker and marker.state == "final" and change.message:
            number = self._numbers[marker.question_ts]
            self.delivered.setdefault(number, time.time())
            self._texts[number] = change.message.text


def _pieces(number: int) -> list[str]:
    return [f"A{number}: ", *(f"word{position} " for position in range(_PIECES - 1))]


def _seed() -> Seed:
    members = ["ada", "threadloop"]
    return Seed.model_validate(
        {
            "users": [{"handle": "ada", "name": "Ada Lovelace"}],
            "channels": [{"name": f"room{number}", "members": members} for number in range(_CHANNELS)],
        }
    )
