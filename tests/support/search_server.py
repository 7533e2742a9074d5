"""A local server that speaks SearXNG's, Tavily's and Brave's search.

async with SearchServer() as engines:
    context = Context(..., config=engines.config("Tavily"))
    engines.fail(429)
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any, Literal, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.http_server import serve

Engine = Literal["SearXNG", "Tavily", "Brave"]
ENGINES: tuple[Engine, ...] = ("SearXNG", "Tavily", "Brave")
KEY = "s3cr3t-search-key"

HITS = (
    ("Boston - Wikipedia", "https://en.wikipedia.org/wiki/Boston", "Boston is the capital of Massachusetts."),
    ("Visit Boston & more", "https://www.example.com/visit?a=1&b=2", "Trails, tea and more."),
    ("A trick", "javascript:alert(1)", "Not a page."),
    ("Boston again", "https://en.wikipedia.org/wiki/Boston", "The same page a second time."),
    ("City of Boston", "https://www.example.org/", "The city's own page."),
)


@dataclass
class SearchServer:
    """Serves as long as its `async with` block lasts."""

    asked: list[dict[str, Any]] = field(default_factory=list)
    """The query, or the body, of every request that was let in."""
    hits: tuple[tuple[str, str, str], ...] = HITS

    _failure: tuple[int, bytes, bool] | None = None
    _url: str = ""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def __aenter__(self) -> Self:
        routes = [
            Route("/search", self._searxng),
            Route("/search", self._tavily, methods=["POST"]),
            Route("/res/v1/web/search", self._brave),
        ]
        self._url = await self._stack.enter_async_context(serve(Starlette(routes=routes)))
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._stopping.set()
        await self._stack.aclose()

    def config(self, engine: Engine, key: str = KEY) -> dict[str, str]:
        """The settings with which `engine` is asked here."""
        return {
            "SearXNG": {"SEARXNG_URL": self._url},
            "Tavily": {"TAVILY_API_KEY": key, "TAVILY_URL": self._url},
            "Brave": {"BRAVE_API_KEY": key, "BRAVE_URL": self._url},
        }[engine]

    def fail(self, status: int = 200, body: bytes = b"{}", *, hangs: bool = False) -> None:
        """Answer everything like this from now on."""
        self._failure = (status, body, hangs)

    async def _searxng(self, request: Request) -> Response:
        if request.query_params.get("format") != "json":
            return Response("<html></html>")
        results = [
            {"title": title, "url": url, "content": text, "engine": "a", "score": 1.0}
            for title, url, text in self.hits
        ]
        return await self._answer(dict(request.query_params), {"query": "", "results": results, "answers": []})

    async def _tavily(self, request: Request) -> Response:
        if request.headers.get("Authorization") != f"Bearer {KEY}":
            refusal = {"detail": {"error": "Unauthorized: missing or invalid API key."}}
            return JSONResponse(refusal, 401)
        results = [
            {"title": title, "url": url, "content": text, "score": 0.9, "raw_content": None}
            for title, url, text in self.hits
        ]
        return await self._answer(
            await request.json(), {"answer": None, "results": results, "response_time": 1.0}
        )

    async def _brave(self, request: Request) -> Response:
        if request.headers.get("X-Subscription-Token") != KEY:
            error = {"code": "SUBSCRIPTION_TOKEN_INVALID", "detail": "The token is invalid.", "status": 422}
            return JSONResponse({"type": "ErrorResponse", "error": error}, 422)
        results = [
            {"title": title, "url": url, "description": f"<strong>{text[:6]}</strong>{text[6:]} &amp; so on"}
            for title, url, text in self.hits
        ]
        answer = {"type": "search", "query": {}} | ({"web": {"results": results}} if results else {})
        return await self._answer(dict(request.query_params), answer)

    async def _answer(self, asked: dict[str, Any], answer: dict[str, Any]) -> Response:
        self.asked.append(asked)
        if self._failure is None:
            return JSONResponse(answer)
        status, body, hangs = self._failure
        if hangs:
            await self._stopping.wait()
        return Response(body, status, media_type="application/json")
