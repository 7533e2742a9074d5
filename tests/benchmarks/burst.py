"""Five hundred questions at once, in a hundred threads of twenty channels, with a model that takes a second."""

from __future__ import annotations

import asyncio
import socket
import statistics
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import httpx2
from benchmarks.bot_process import BotProcess, bot_process
from benchmarks.report import Report
from support.model_replies import Reply
from support.openai_server import OpenAIServer, text

from bot.playground import Change, Playground, Seed
from bot.playground.courier import Kind, Reason, Transport
from bot.playground.objects import JSON
from bot.slack.marker import read_marker

_ONE_BY_ONE = 20
_QUESTIONS = 500
_THREADS = 100
_CHANNELS = 20
_MODEL_S = 1.0
_WITHIN_S = 120.0
_PING_EVERY_S = 0.02


async def measure(report: Report) -> None:
    """Ask a few questions one by one, then all the others at once."""
    port = _free_port()
    async with OpenAIServer(reply=_reply) as model:
        playground = Playground(_seed())
        with tempfile.TemporaryDirectory() as folder:
            variables = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "sk-bench", "PORT": str(port)}
            async with playground.serve(), bot_process(playground, Path(folder), **variables) as bot:
                burst = _Burst(playground)
                await _one_by_one(report, burst)
                with _pinged(port) as delays:
                    await _all_at_once(report, burst, bot)
                report.add("burst: slowest answer of the health route", max(delays) * 1000, "ms", 250)


async def _one_by_one(report: Report, burst: _Burst) -> None:
    signs: list[float] = []
    starts: list[float] = []
    for number in range(_ONE_BY_ONE):
        asked, calls, seen = time.time(), len(burst.playground.calls), burst.signs
        started = time.perf_counter()
        await burst.ask(number)
        await burst.until_seen(seen)
        starts.append(burst.playground.calls[calls].at - asked)
        signs.append(time.perf_counter() - started)
        await burst.until_answered()
    acknowledged = burst.acknowledged()
    begun = [start - taken for start, taken in zip(starts, acknowledged, strict=True)]
    report.add("one by one: question to its run's first call, p50", statistics.median(starts) * 1000, "ms")
    report.add(
        "one by one: acknowledged to its run's first call, p50", statistics.median(begun) * 1000, "ms", 10
    )
    report.add("one by one: question to its first sign, p50", statistics.median(signs) * 1000, "ms", 30)
    report.add("one by one: acknowledgement, p50", statistics.median(acknowledged) * 1000, "ms", 100)


async def _all_at_once(report: Report, burst: _Burst, bot: BotProcess) -> None:
    started = time.perf_counter()
    for number in range(_QUESTIONS):
        await burst.ask(number)
    await burst.until_answered()
    report.add("burst: all answered", time.perf_counter() - started, "s", 15)
    acknowledged = burst.acknowledged()
    report.add("burst: acknowledgement, p50", statistics.median(acknowledged) * 1000, "ms")
    report.add("burst: slowest acknowledgement", max(acknowledged) * 1000, "ms", 3000)
    report.add("burst: resident memory afterwards", bot.resident_mb, "MB", 250)


class _Burst:
    """Asks, and notes when what was asked was acknowledged and answered."""

    def __init__(self, playground: Playground) -> None:
        self.playground = playground
        self._roots: dict[int, str] = {}
        self._asked = 0
        self.signs = 0
        """How often anything of an answer was seen: a status line, or a message."""
        self._answered: set[str] = set()
        # The workspace has no public view of its deliveries; a bot never sees this.
        self._courier = playground._courier
        self._courier.transport = self._timed = _Timed(self._courier.transport)
        playground.workspace.listen(self._notice)

    async def ask(self, number: int) -> None:
        """Post a question, in the thread that its number stands for."""
        thread = number % _THREADS
        channel = f"#room{thread % _CHANNELS}"
        root = self._roots.get(thread)
        ts = await self.playground.person("ada").say(channel, f"@threadloop {number}?", thread_ts=root)
        self._roots.setdefault(thread, ts)
        self._asked += 1

    async def until_seen(self, before: int) -> None:
        """Wait until more of answers has been seen than so many signs."""
        await self.playground.until(lambda: self.signs > before, _WITHIN_S)

    async def until_answered(self) -> None:
        """Wait until everything that was asked is answered."""
        await self.playground.until(lambda: len(self._answered) == self._asked, _WITHIN_S)

    def acknowledged(self) -> list[float]:
        """How long each acknowledgement took since this was asked last, in seconds."""
        taken, self._timed.taken_s = self._timed.taken_s, []
        return taken

    def _notice(self, change: Change) -> None:
        marker = read_marker({"metadata": change.message.metadata}) if change.message else None
        self.signs += marker is not None or change.kind == "status"
        if marker and marker.state == "final":
            self._answered.add(marker.run_id)


class _Timed:
    """A transport that notes how long mentions take to be acknowledged."""

    def __init__(self, transport: Transport) -> None:
        self.taken_s: list[float] = []
        self._transport = transport

    async def exchange(
        self, kind: Kind, payload: JSON, *, attempt: int, reason: Reason | None, within_s: float
    ) -> Any:
        """Hand the payload over."""
        sent = time.perf_counter()
        answer = await self._transport.exchange(
            kind, payload, attempt=attempt, reason=reason, within_s=within_s
        )
        if payload["event"]["type"] == "app_mention":
            self.taken_s.append(time.perf_counter() - sent)
        return answer


@contextmanager
def _pinged(port: int) -> Iterator[list[float]]:
    """Ask the bot for its health all the time, and note how long each answer takes, in seconds.

    In a thread: the event loop of this process is busy being the workspace.
    """
    delays: list[float] = []
    over = threading.Event()

    def ping() -> None:
        with httpx2.Client(base_url=f"http://127.0.0.1:{port}", timeout=_WITHIN_S) as http:
            while not over.wait(_PING_EVERY_S):
                sent = time.perf_counter()
                http.get("/healthz")
                delays.append(time.perf_counter() - sent)

    thread = threading.Thread(target=ping)
    thread.start()
    try:
        yield delays
    finally:
        over.set()
        thread.join()


def _reply(_request: dict[str, Any]) -> Reply:
    later = asyncio.Event()
    asyncio.get_running_loop().call_later(_MODEL_S, later.set)
    return text("It ", "is ", "so.", wait=later)


def _seed() -> Seed:
    members = ["ada", "threadloop"]
    return Seed.model_validate(
        {
            "users": [{"handle": "ada", "name": "Ada Lovelace"}],
            "channels": [{"name": f"room{number}", "members": members} for number in range(_CHANNELS)],
        }
    )


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
