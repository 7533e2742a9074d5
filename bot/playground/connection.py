"""Cutting an HTTP connection on purpose, which no web framework offers."""

from __future__ import annotations

from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

_KEY = "playground.send"


class Cuttable:
    """Wraps an application so that its responses can reach the connection under them."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, with the way to its connection."""
        if scope["type"] == "http":
            # Middleware wraps `send`; only the outermost is the server's own.
            scope[_KEY] = send
        await self._app(scope, receive, send)


class CutConnection(Response):
    """Not a response: the client sees its connection reset."""

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Abort the transport, and wait until the server has noticed."""
        # ASGI has no word for this. uvicorn's `send` is a method of the object that holds the transport.
        scope[_KEY].__self__.transport.abort()
        while (await receive())["type"] != "http.disconnect":
            continue
