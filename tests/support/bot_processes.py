"""Bots as processes of their own, which a test may kill.

bot = await start_bot(bot_environment(load, database_url))
bot.kill()
assert await bot.ended() == -signal.SIGKILL

async with nursery() as bots:            # where many are started, one after the other
    bot = await bots.start(environment)
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from support.patience import PATIENCE_S

from bot.playground import Playground

_PROGRAM = Path(__file__).parent / "bot_nursery.py"


def slack_environment(playground: Playground) -> dict[str, str]:
    """What connects a bot to the workspace, in Socket Mode; with the health routes on a free port."""
    return {
        "SLACK_BOT_TOKEN": playground.bot_token,
        "SLACK_APP_TOKEN": playground.app_token,
        "SLACK_API_URL": playground.api_url,
        "LOG_LEVEL": "WARNING",
        "PORT": "0",
    }


class CommandProcess:
    """A bot that was started as in production: `python -m bot run`."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self.pid = process.pid
        self._process = process

    def kill(self) -> None:
        """`kill -9`."""
        self._process.kill()

    def terminate(self) -> None:
        """Ask it to stop, as whoever runs it does."""
        self._process.terminate()

    async def ended(self) -> int:
        """Wait until it has ended; its exit code. Raises TimeoutError."""
        return await asyncio.wait_for(self._process.wait(), PATIENCE_S)

    async def last_words(self) -> str:
        """Everything it wrote to standard error, once it has ended."""
        assert self._process.stderr is not None
        return (await asyncio.wait_for(self._process.stderr.read(), PATIENCE_S)).decode()


@asynccontextmanager
async def running_bot(environment: Mapping[str, str], *, heard: bool = False) -> AsyncIterator[CommandProcess]:
    """Start a bot; it is killed at the end if it still runs. `heard` keeps what it says for `last_words`."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "bot", "run",
        env={**os.environ, **environment},
        stdin=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE if heard else None,
    )  # fmt: skip
    bot = CommandProcess(process)
    try:
        yield bot
    finally:
        if process.returncode is None:
            bot.kill()
        await bot.ended()


class ForkedProcess:
    """A bot that the nursery forked."""

    def __init__(self, pid: int, nursery: Nursery) -> None:
        self.pid = pid
        self._nursery = nursery

    def kill(self) -> None:
        """`kill -9`."""
        os.kill(self.pid, signal.SIGKILL)

    async def ended(self) -> int:
        """Wait until it has ended; its exit code. Raises TimeoutError."""
        return await self._nursery.order({"wait": self.pid})


class Nursery:
    """Starts bots at once, from a process that has done their imports."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def start(self, environment: Mapping[str, str]) -> ForkedProcess:
        """Start a bot."""
        pid = await self.order({"start": {**os.environ, **environment}})
        return ForkedProcess(pid, self)

    async def order(self, order: Mapping[str, Any]) -> int:
        """Give an order and return the answer to it. Raises TimeoutError."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(order).encode() + b"\n")
        return int(await asyncio.wait_for(self._process.stdout.readline(), PATIENCE_S))


@asynccontextmanager
async def nursery() -> AsyncIterator[Nursery]:
    """A nursery. Whoever starts a bot in it also sees to its end."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-P", "-W", "error", str(_PROGRAM),
        stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield Nursery(process)
    finally:
        assert process.stdin is not None
        process.stdin.close()
        await asyncio.wait_for(process.wait(), PATIENCE_S)
