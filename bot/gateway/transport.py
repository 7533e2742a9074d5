"""An httpx transport that answers from an ASGI application in this process, without buffering.

httpx's own `ASGITransport` waits for the whole response before it hands out the first byte, which
would turn a stream into one late lump. Here the application runs in a task of its own, never more
than one chunk ahead of the reader, and closing the response cancels it.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator
from typing import Any

import httpx
from starlette.types import ASGIApp, Message

_log = logging.getLogger(__name__)


class InProcessTransport(httpx.AsyncBaseTransport):
    """Send every request to `app`, whatever its host.

    httpx's timeouts do not apply: nothing here waits for a network. Whoever calls bounds the time.
    """

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def handle_async_request(self, request: httpx.Request) -> httpx.Response:
        """Run the application for one request; return as soon as the response has begun.

        Raises:
            httpx.RemoteProtocolError: the application ended without a response.
        """
        exchange = _Exchange(request, await request.aread())
        exchange.run(self._app)
        try:
            return await exchange.response()
        except BaseException:
            await exchange.aclose()
            raise


class _Exchange(httpx.AsyncByteStream):
    """One request and its response: the ASGI callables on one side, httpx's stream on the other."""

    def __init__(self, request: httpx.Request, body: bytes) -> None:
        self._request = request
        self._body: bytes | None = body
        self._messages: asyncio.Queue[Message | None] = asyncio.Queue(maxsize=1)
        self._task: asyncio.Task[None] | None = None

    def run(self, app: ASGIApp) -> None:
        self._task = asyncio.create_task(self._answer(app), name="gateway-request")

    async def response(self) -> httpx.Response:
        """The response's status and headers, with this exchange as its body."""
        start = await self._messages.get()
        if start is None:
            raise httpx.RemoteProtocolError("The application ended without a response.", request=self._request)
        return httpx.Response(start["status"], headers=start["headers"], stream=self)

    async def __aiter__(self) -> AsyncIterator[bytes]:
        more = True
        while more:
            message = await self._messages.get()
            if message is None:
                raise httpx.RemoteProtocolError("The response broke off.", request=self._request)
            more = message.get("more_body", False)
            if message["body"]:
                yield message["body"]

    async def aclose(self) -> None:
        """Stop the application if it still runs, and wait until it has."""
        if self._task is None:
            return
        self._task.cancel()
        # `wait` takes the task's end without its exception, yet lets our own cancellation through.
        await asyncio.wait({self._task})

    async def _answer(self, app: ASGIApp) -> None:
        try:
            await app(_scope(self._request), self._receive, self._messages.put)
        except Exception:
            _log.exception("The in-process application failed at %s", self._request.url.path)
        await self._messages.put(None)

    async def _receive(self) -> Message:
        if self._body is None:
            # The only later event would be a disconnect, and closing cancels this task instead.
            await asyncio.Event().wait()
        body, self._body = self._body, None
        return {"type": "http.request", "body": body, "more_body": False}


def _scope(request: httpx.Request) -> dict[str, Any]:
    url = request.url
    return {
        "type": "http",
        # From 2.4 on a failing `send` announces a disconnect, so Starlette does not listen for one.
        "asgi": {"version": "3.0", "spec_version": "2.4"},
        "http_version": "1.1",
        "method": request.method,
        "scheme": url.scheme,
        "path": url.path,
        "raw_path": url.raw_path.split(b"?")[0],
        "query_string": url.query,
        "root_path": "",
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
        "client": ("127.0.0.1", 0),
        "server": (url.host, url.port or 80),
    }
