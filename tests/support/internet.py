"""A small internet: names with addresses, and one local server that answers for all of them.

    async with Internet() as internet:
        internet.host("site.test", "93.184.216.34")
        internet.page("site.test/", "<p>Hello</p>")
        internet.browser().keep(context)

The guard is the real one. Only what lies beneath it is replaced: whatever address it lets through is written
down, and the local server is reached instead.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import httpx2
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from support.patience import PATIENCE_S

from bot.http_server import serve
from tools._web.browser import Browser
from tools._web.guard import Guard

PUBLIC = "93.184.216.34"


@dataclass(frozen=True)
class Connection:
    """A request that left for an address."""

    address: str
    port: int
    tls_name: str
    host: str


@dataclass(frozen=True)
class Answer:
    """What a page's server says."""

    body: bytes = b""
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    hangs: bool = False
    endless: bool = False


@dataclass
class Internet:
    """Serves as long as its `async with` block lasts."""

    look_ups: list[str] = field(default_factory=list)
    connections: list[Connection] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    """What the local server was asked."""
    dead: set[str] = field(default_factory=set)
    """Addresses that refuse connections."""

    _names: dict[str, list[list[str]]] = field(default_factory=dict)
    _pages: dict[str, Answer] = field(default_factory=dict)
    _url: str = ""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def __aenter__(self) -> Self:
        app = Starlette(routes=[Route("/{path:path}", self._serve)])
        self._url = await self._stack.enter_async_context(serve(app))
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._stopping.set()
        await self._stack.aclose()

    def host(self, name: str, *answers: str | list[str]) -> None:
        """Give a name its addresses; of several `answers` each look-up gets one, and the last stays."""
        self._names[name] = [[answer] if isinstance(answer, str) else answer for answer in answers]

    def page(
        self, where: str, body: str | bytes = b"", *, type: str = "text/html; charset=utf-8", **how: Any
    ) -> None:
        """Let `where` (a host and a path) answer with `body`; `how` are the fields of `Answer`."""
        content = body.encode() if isinstance(body, str) else body
        headers = {"Content-Type": type} | how.pop("headers", {})
        self._pages[where] = Answer(content, headers=headers, **how)
        self._names.setdefault(where.partition("/")[0].partition(":")[0], [[PUBLIC]])

    def redirect(self, where: str, target: str, *, status: int = 302, endless: bool = False) -> None:
        """Let `where` send on to `target`."""
        self.page(where, status=status, headers={"Location": target}, endless=endless)

    def browser(self, *, download_s: float = PATIENCE_S, reading_s: float = PATIENCE_S) -> Browser:
        """A browser in this internet."""
        return Browser(Guard(self.resolve), lambda: _Cable(self), download_s, reading_s)

    async def resolve(self, host: str, port: int) -> list[str]:
        """The next answer for a name."""
        self.look_ups.append(host)
        answers = self._names.get(host)
        if not answers:
            raise OSError(f"{host} is unknown")
        return answers.pop(0) if len(answers) > 1 else answers[0]

    async def _serve(self, request: Request) -> Response:
        self.requests.append(request)
        answer = self._pages.get(request.headers["Host"] + request.url.path)
        if answer is None:
            return Response(status_code=404)
        if answer.hangs:
            await self._stopping.wait()
        if answer.endless:
            return StreamingResponse(
                self._without_end(answer.body or b"<p>more</p>"), answer.status, answer.headers
            )
        return Response(answer.body, answer.status, answer.headers)

    async def _without_end(self, piece: bytes) -> AsyncIterator[bytes]:
        while not self._stopping.is_set():
            yield piece * 1000
            await asyncio.sleep(0)  # lets the server find out that nobody listens any more

    async def connected(self, request: httpx2.Request, inner: httpx2.AsyncBaseTransport) -> httpx2.Response:
        """Answer a request for an address."""
        url = request.url
        port = url.port or {"http": 80, "https": 443}[url.scheme]
        name = request.extensions["sni_hostname"]
        self.connections.append(Connection(url.host, port, name, request.headers["Host"]))
        if url.host in self.dead:
            raise httpx2.ConnectError("All connection attempts failed", request=request)
        local = httpx2.URL(self._url).copy_with(raw_path=url.raw_path)
        return await inner.handle_async_request(
            httpx2.Request(request.method, local, headers=request.headers, extensions=request.extensions)
        )


class _Cable(httpx2.AsyncBaseTransport):
    """Leads every connection to the local server."""

    def __init__(self, internet: Internet) -> None:
        self._internet = internet
        self._inner = httpx2.AsyncHTTPTransport(verify=False, trust_env=False)

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        return await self._internet.connected(request, self._inner)

    async def aclose(self) -> None:
        await self._inner.aclose()
