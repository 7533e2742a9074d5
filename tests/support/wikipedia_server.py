"""A local server that speaks Wikipedia's search and summaries.

async with WikipediaServer() as wikipedia:
    context = Context(..., config=wikipedia.config)
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Any, Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.http_server import serve


@dataclass(frozen=True)
class Article:
    """A page of this Wikipedia."""

    title: str
    description: str | None
    extract: str
    type: str = "standard"
    language: str = "en"


ARTICLES = (
    Article("Boston", "Capital of Massachusetts, US", "Boston is the capital of Massachusetts."),
    Article("Boston Tea Party", "1773 protest in Boston", "The Boston Tea Party was a protest."),
    Article("Mercury", None, "Mercury may refer to:", type="disambiguation"),
    Article("Mercury (planet)", "First planet from the Sun", "Mercury is the first planet from the Sun."),
    Article("Mercury (element)", None, "Mercury is a chemical element."),
    Article("AC/DC", "Australian rock band", "AC/DC are an Australian rock band."),
    Article("München", "Landeshauptstadt von Bayern", "München ist eine Stadt.", language="de"),
)


@dataclass
class WikipediaServer:
    """Serves as long as its `async with` block lasts."""

    agents: list[str] = field(default_factory=list)
    """The User-Agent of every request."""

    _failure: tuple[int, bytes, bool] | None = None
    _failing: str = ""
    _url: str = ""
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def __aenter__(self) -> Self:
        routes = [
            Route("/{language}/w/rest.php/v1/search/page", self._search),
            Route("/{language}/api/rest_v1/page/summary/{key:path}", self._summary),
        ]
        self._url = await self._stack.enter_async_context(serve(Starlette(routes=routes)))
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._stopping.set()
        await self._stack.aclose()

    @property
    def config(self) -> dict[str, str]:
        """What `Context.config` needs to ask this server."""
        return {"WIKIPEDIA_URL": f"{self._url}/{{language}}"}

    def fail(self, part: str, status: int = 200, body: bytes = b"{}", *, hangs: bool = False) -> None:
        """Answer requests for `part`, which is `search` or `summary`, like this from now on."""
        self._failing, self._failure = part, (status, body, hangs)

    async def _search(self, request: Request) -> Response:
        words = request.query_params["q"].lower().split()
        found = [
            article
            for article in ARTICLES
            if article.language == request.path_params["language"]
            and all(word in article.title.lower() for word in words)
        ]
        pages = [
            {
                "id": number,
                "key": article.title.replace(" ", "_"),
                "title": article.title,
                "excerpt": f'<span class="searchmatch">{article.title}</span>',
                "matched_title": None,
                "description": article.description,
                "thumbnail": None,
            }
            for number, article in enumerate(found)
        ]
        return await self._answer(request, "search", {"pages": pages[: int(request.query_params["limit"])]})

    async def _summary(self, request: Request) -> Response:
        title = request.path_params["key"].replace("_", " ")
        article = next(article for article in ARTICLES if article.title == title)
        page = f"https://{article.language}.wikipedia.org/wiki/{title.replace(' ', '_')}"
        answer = {
            "type": article.type,
            "title": article.title,
            "extract": article.extract,
            "content_urls": {"desktop": {"page": page}, "mobile": {"page": page}},
            "lang": article.language,
        }
        described = {"description": article.description} if article.description else {}
        return await self._answer(request, "summary", answer | described)

    async def _answer(self, request: Request, part: str, answer: dict[str, Any]) -> Response:
        self.agents.append(request.headers["User-Agent"])
        if self._failure is None or self._failing != part:
            return JSONResponse(answer)
        status, body, hangs = self._failure
        if hangs:
            await self._stopping.wait()
        return Response(body, status, media_type="application/json")
