"""An MCP server over HTTP in this process, which asks for a key and can lose its memory."""

from __future__ import annotations

import asyncio
from contextlib import AsyncExitStack
from typing import Any, Self

from mcp.server.mcpserver import Context, MCPServer
from pydantic import BaseModel
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.http_server import serve

KEY = "shelf-key-123456"


class Size(BaseModel):
    """What the `order` tool asks for."""

    size: str


class PenShop:
    """Serves as long as its `async with` block lasts, which must begin and end in one task."""

    def __init__(self) -> None:
        self.hangs = False
        self.was_asked = asyncio.Event()
        self.ended = 0
        """How many sessions were ended politely."""
        self.url = ""
        self._shop = _pen_shop()
        self._app = self._shop.streamable_http_app()
        self._known: set[bytes] = set()
        self._forgotten: set[bytes] = set()
        self._stack = AsyncExitStack()

    async def __aenter__(self) -> Self:
        await self._stack.enter_async_context(self._shop.session_manager.run())
        self.url = await self._stack.enter_async_context(serve(self))
        return self

    async def __aexit__(self, *_: object) -> None:
        await self._stack.aclose()

    def entry(self, key: str = KEY) -> dict[str, Any]:
        """The entry of this server, for who has this key."""
        return {"type": "http", "url": f"{self.url}/mcp", "headers": {"Authorization": f"Bearer {key}"}}

    def forget(self) -> None:
        """Lose all sessions, as a restart would."""
        self._forgotten |= self._known

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        self.was_asked.set()
        if self.hangs:
            await asyncio.Event().wait()
        headers = dict(scope["headers"])
        session = headers.get(b"mcp-session-id")
        app: ASGIApp = self._app
        if headers.get(b"authorization") != f"Bearer {KEY}".encode():
            app = PlainTextResponse("no", 401)
        elif session in self._forgotten:
            app = PlainTextResponse("no such session", 404)
        elif session is not None:
            self._known.add(session)
            self.ended += scope["method"] == "DELETE"
        await app(scope, receive, send)


def _pen_shop() -> MCPServer[Any]:
    server: MCPServer[Any] = MCPServer("pens")

    @server.tool()
    async def order(context: Context[Any], kind: str) -> str:
        """Order a pen."""
        answer = await context.elicit(f"Which size of {kind}?", Size)
        return f"{kind}, {answer.data.size}" if answer.action == "accept" else "nothing"

    return server
