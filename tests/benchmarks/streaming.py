"""A long answer, a thousand tokens one by one as fast as they can be sent: what its streaming costs."""

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
from support.openai_server import OpenAIServer, text

from bot.playground import Playground, Seed
from bot.slack.marker import read_marker

_TOKENS = 1_000
_ANSWERS = 5
_SETTLE_S = 1.5
_WITHIN_S = 60.0


async def measure(report: Report) -> None:
    """Compare the processor time of long answers with that of short ones, and of no answer at all."""
    async with OpenAIServer(reply=_reply) as model:
        playground = Playground(Seed.default())
        with tempfile.TemporaryDirectory() as folder:
            variables = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "sk-bench"}
            async with playground.serve(), bot_process(playground, Path(folder), **variables) as bot:
                await _cpu_s(bot, playground, "short")
                long = statistics.median([await _cpu_s(bot, playground, "long") for _ in range(_ANSWERS)])
                short = statistics.median([await _cpu_s(bot, playground, "short") for _ in range(_ANSWERS)])
                idle = statistics.median([await _idle_cpu_s(bot) for _ in range(_ANSWERS)])
    report.add("streaming 1,000 tokens: CPU of the whole answer", (long - idle) * 1000, "ms", 60)
    report.add("streaming 1,000 tokens: CPU beyond a short answer's", (long - short) * 1000, "ms")


async def _cpu_s(bot: BotProcess, playground: Playground, kind: str) -> float:
    cpu, started = bot.cpu_s, time.perf_counter()
    ts = await playground.person("ada").say("#general", f"@threadloop a {kind} one?")
    await playground.until(lambda: _answered(playground, ts), _WITHIN_S)
    # As long as a long one, so that what a bot costs in any case is the same.
    await asyncio.sleep(max(0.0, _SETTLE_S - (time.perf_counter() - started)))
    return bot.cpu_s - cpu


async def _idle_cpu_s(bot: BotProcess) -> float:
    cpu = bot.cpu_s
    await asyncio.sleep(_SETTLE_S)
    return bot.cpu_s - cpu


def _answered(playground: Playground, ts: str) -> bool:
    marker = read_marker(playground.thread("#general", ts)[-1])
    return marker is not None and marker.state == "final"


def _reply(request: dict[str, Any]) -> Reply:
    spoken = str(request["messages"])
    if "a long one" not in spoken:
        return text("Short.")
    return text(*(f"word{number % 10} " for number in range(_TOKENS)))
