"""One question at a time, at zero model latency, with one round of two tools."""

from __future__ import annotations

import asyncio
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from benchmarks.bot_process import BotProcess, bot_process
from benchmarks.report import Report
from support.model_replies import Reply
from support.openai_server import OpenAIServer, text, tool_calls

from bot.playground import Playground, Seed
from bot.slack.marker import read_marker

_WARM_UP = 5
_QUESTIONS = 60
_IDLE_S = 10.0
_SETTLE_S = 3.0


async def measure(report: Report) -> None:
    """Start a bot and measure its start, its idling and its answers."""
    async with OpenAIServer(reply=_reply) as model:
        playground = Playground(Seed.default())
        with tempfile.TemporaryDirectory() as folder:
            async with (
                playground.serve(),
                bot_process(
                    playground, Path(folder), OPENAI_BASE_URL=model.base_url, OPENAI_API_KEY="sk-bench"
                ) as bot,
            ):
                report.add("start to connected", bot.ready_s, "s", 6)
                await _idle(report, bot)
                await _answers(report, bot, playground)


async def _idle(report: Report, bot: BotProcess) -> None:
    # The last of the start-up: a look for missed questions, and one garbage collection.
    await asyncio.sleep(_SETTLE_S)
    cpu = bot.cpu_s
    await asyncio.sleep(_IDLE_S)
    report.add("idle: resident memory", bot.resident_mb, "MB", 200)
    report.add("idle: CPU", (bot.cpu_s - cpu) / _IDLE_S * 100, "%", 2)


async def _answers(report: Report, bot: BotProcess, playground: Playground) -> None:
    for number in range(_WARM_UP):
        await _ask(playground, number)
    cpu, calls = bot.cpu_s, len(playground.calls)
    times = sorted([await _ask(playground, _WARM_UP + number) for number in range(_QUESTIONS)])
    report.add("one question: event to visible answer, p50", statistics.median(times) * 1000, "ms", 45)
    report.add("one question: event to visible answer, p95", times[int(len(times) * 0.95)] * 1000, "ms")
    report.add("one question: CPU of the bot", (bot.cpu_s - cpu) / _QUESTIONS * 1000, "ms")
    report.add("one question: Slack calls", (len(playground.calls) - calls) / _QUESTIONS, "", 5)
    report.add("afterwards: resident memory", bot.resident_mb, "MB")


async def _ask(playground: Playground, number: int) -> float:
    """Seconds from the post to the visible answer."""
    started = time.perf_counter()
    ts = await playground.person("ada").say("#general", f"@threadloop {number} + {number}?")
    await playground.until(lambda: _answered(playground, ts))
    return time.perf_counter() - started


def _answered(playground: Playground, ts: str) -> bool:
    marker = read_marker(playground.thread("#general", ts)[-1])
    return marker is not None and marker.state == "final"


def _reply(request: dict[str, Any]) -> Reply:
    if request["messages"][-1]["role"] == "tool":
        return text("Both came to ", "an answer.")
    number = len(request["messages"])
    return tool_calls(
        ("calculate", {"expression": f"{number} + 1"}), ("calculate", {"expression": f"{number} * 2"})
    )
