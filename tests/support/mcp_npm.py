"""Real MCP servers from npm. `npm ci` in `tests/contracts/mcp` installs them."""

from __future__ import annotations

import asyncio
import os
import shutil
import signal
from asyncio.subprocess import DEVNULL, Process
from pathlib import Path
from typing import Any, Self

from support.ports import free_port

FOLDER = Path(__file__).parents[1] / "contracts" / "mcp"
_PACKAGES = FOLDER / "node_modules" / "@modelcontextprotocol"


def missing() -> str | None:
    """What has to be done before these servers can run; `None` if nothing has."""
    if shutil.which("node") is None:
        return "node is not installed"
    return None if _PACKAGES.is_dir() else "run `npm ci` in tests/contracts/mcp first"


def everything(pid_file: Path) -> dict[str, Any]:
    """The entry of the server that shows every part of the protocol, over stdio. It leaves its process id."""
    script = f'echo $$ > "{pid_file}"; exec node "{_script("everything")}" stdio'
    return {"command": "sh", "args": ["-c", script]}


def filesystem(folder: Path) -> dict[str, Any]:
    """The entry of the server that reads and writes the files of a folder, over stdio."""
    return {"command": "node", "args": [_script("filesystem"), str(folder)]}


class EverythingOverHttp:
    """The same server over HTTP, on a port of its own. It can be killed and started again."""

    def __init__(self) -> None:
        self.port = free_port()
        self._process: Process | None = None

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.kill()

    @property
    def entry(self) -> dict[str, Any]:
        return {"type": "http", "url": f"http://127.0.0.1:{self.port}/mcp"}

    async def start(self) -> None:
        """Start it. It needs a moment until it listens."""
        environment = {"PATH": os.environ["PATH"], "PORT": str(self.port)}
        self._process = await asyncio.create_subprocess_exec(
            "node", _script("everything"), "streamableHttp", env=environment, stdout=DEVNULL, stderr=DEVNULL
        )

    async def kill(self) -> None:
        """End it without a chance to say goodbye."""
        if self._process is not None and self._process.returncode is None:
            self._process.send_signal(signal.SIGKILL)
            await self._process.wait()


def _script(server: str) -> str:
    return str(_PACKAGES / f"server-{server}" / "dist" / "index.js")
