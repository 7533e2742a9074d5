"""A service that tools of bots in other processes write to, and a folder with such a tool.

async with WritingService() as service:
    environment["TOOLS_DIR"] = str(service.write_tool(tmp_path))
"""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from types import TracebackType
from typing import Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from support.patience import PATIENCE_S

from bot.http_server import serve

_TOOL = '''"""Writes to a service."""

from tools import Context, tool


@tool(read_only=False, title="Writing down {{text}}")
async def write_down(text: str, context: Context) -> str:
    """Write something down.

    Args:
        text: what.
    """
    response = await context.http.post("{url}", json={{"text": text, "key": context.idempotency_key}})
    return response.text
'''


class WritingService:
    """Keeps what it is sent. While `answers` is not set, its callers wait."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.keys: list[str] = []
        self.answers = asyncio.Event()
        self.answers.set()
        self._stack = AsyncExitStack()
        self._asked = asyncio.Condition()
        self._url = ""

    async def __aenter__(self) -> Self:
        app = Starlette(routes=[Route("/", self._write, methods=["POST"])])
        self._url = await self._stack.enter_async_context(serve(app))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.answers.set()
        await self._stack.aclose()

    def write_tool(self, folder: Path) -> Path:
        """Put a tool that writes here into a new folder, and return that."""
        tools = folder / "own_tools"
        tools.mkdir()
        (tools / "write_down.py").write_text(_TOOL.format(url=f"{self._url}/"))
        return tools

    async def until_asked(self, times: int = 1) -> None:
        """Wait for so many requests in all."""
        async with asyncio.timeout(PATIENCE_S), self._asked:
            await self._asked.wait_for(lambda: len(self.keys) >= times)

    async def _write(self, request: Request) -> Response:
        body = await request.json()
        self.keys.append(body["key"])
        async with self._asked:
            self._asked.notify_all()
        await self.answers.wait()
        self.written.append(body["text"])
        return PlainTextResponse(f"{body['text']} is written down")
