"""The bot as a process of its own, in a workspace that this process serves, with what it uses measured."""

from __future__ import annotations

import asyncio
import os
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from bot.playground import Playground
from bot.settings import Settings

_READY_WITHIN_S = 60.0
_STOP_WITHIN_S = 30.0


@dataclass(frozen=True)
class BotProcess:
    """A running bot."""

    pid: int
    ready_s: float
    """From the start of the process to its connection to Slack."""

    @property
    def resident_mb(self) -> float:
        """Memory in use now."""
        pages = int(Path(f"/proc/{self.pid}/statm").read_text().split()[1])
        return pages * os.sysconf("SC_PAGE_SIZE") / 1_000_000

    @property
    def cpu_s(self) -> float:
        """Processor time so far, of user and system."""
        fields = Path(f"/proc/{self.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@asynccontextmanager
async def bot_process(playground: Playground, folder: Path, **variables: str) -> AsyncIterator[BotProcess]:
    """Start the bot as it is started in production, wait for its connection, and stop it at the end."""
    ours = {name.upper() for name in Settings.model_fields}
    environment = {name: value for name, value in os.environ.items() if name not in ours}
    environment |= {
        "SLACK_BOT_TOKEN": playground.bot_token,
        "SLACK_APP_TOKEN": playground.app_token,
        "SLACK_API_URL": playground.api_url,
        "DATABASE_URL": f"sqlite:///{folder}/bot.db",
        "LOG_LEVEL": "WARNING",
        "PORT": "0",
        # As in the image: with an arena for each thread, freed memory stays in pieces.
        "MALLOC_ARENA_MAX": "2",
        # The workspace takes any load, unless a benchmark is about Slack's limits.
        "SLACK_PACED": "false",
        **variables,
    }
    started = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "run", cwd=folder, env=environment, stdin=asyncio.subprocess.DEVNULL
    )
    try:
        await playground.connected(timeout=_READY_WITHIN_S)
        yield BotProcess(process.pid, time.perf_counter() - started)
    finally:
        if process.returncode is None:
            process.terminate()
        await asyncio.wait_for(process.wait(), _STOP_WITHIN_S)
