"""Ask a search engine: SearXNG, Tavily or Brave, whichever is configured first in this order."""

from __future__ import annotations

import html
import re
from collections.abc import Sequence
from dataclasses import dataclass

from pydantic import BaseModel

from tools._framework.context import Context
from tools._services.service import fetch

SETTINGS = ("SEARXNG_URL", "TAVILY_API_KEY", "BRAVE_API_KEY")
"""Each of them is enough to search."""

_MOST_TITLE_CHARS = 200
_MOST_SNIPPET_CHARS = 600
_MARKUP = re.compile(r"</?[a-zA-Z][^<>]{0,200}>")


@dataclass(frozen=True, slots=True)
class Hit:
    """A page that a search found."""

    title: str
    url: str
    snippet: str


@dataclass(frozen=True, slots=True)
class Found:
    """The answer of a search engine."""

    engine: str
    hits: tuple[Hit, ...]


class _Result(BaseModel):
    """What the three have in common. SearXNG and Tavily quote the page as `content`, Brave as `description`."""

    url: str
    title: str | None = None
    content: str | None = None
    description: str | None = None


class _Results(BaseModel):
    results: list[_Result] = []


class _BraveAnswer(BaseModel):
    web: _Results | None = None


async def search(context: Context, query: str, count: int) -> Found:
    """The first pages that the configured engine finds, at most `count`.

    Raises:
        ServiceError: the engine gives no usable answer.
    """
    if url := context.setting("SEARXNG_URL", ""):
        return _found("SearXNG", await _searxng(context, url, query), count)
    if key := context.setting("TAVILY_API_KEY", ""):
        return _found("Tavily", await _tavily(context, key, query, count), count)
    return _found("Brave", await _brave(context, context.setting("BRAVE_API_KEY", ""), query, count), count)


async def _searxng(context: Context, url: str, query: str) -> list[_Result]:
    """Protocol: docs.searxng.org/dev/search_api.html. It cannot be told how many results to give."""
    params = {"q": query, "format": "json"}
    return (await fetch(context, "SearXNG", f"{url.rstrip('/')}/search", params, _Results)).results


async def _tavily(context: Context, key: str, query: str, count: int) -> list[_Result]:
    """Protocol: docs.tavily.com/documentation/api-reference/endpoint/search."""
    url = context.setting("TAVILY_URL", "https://api.tavily.com").rstrip("/")
    headers = {"Authorization": f"Bearer {key}"}
    body = {"query": query, "max_results": count}
    return (await fetch(context, "Tavily", f"{url}/search", {}, _Results, headers, body)).results


async def _brave(context: Context, key: str, query: str, count: int) -> list[_Result]:
    """Protocol: api-dashboard.search.brave.com/documentation/services/web-search. `web` may be absent."""
    url = context.setting("BRAVE_URL", "https://api.search.brave.com").rstrip("/")
    headers = {"X-Subscription-Token": key, "Accept": "application/json"}
    params: dict[str, str | int | float] = {"q": query, "count": count, "text_decorations": "false"}
    answer = await fetch(context, "Brave", f"{url}/res/v1/web/search", params, _BraveAnswer, headers)
    return answer.web.results if answer.web else []


def _found(engine: str, results: Sequence[_Result], count: int) -> Found:
    by_url = {
        result.url: result for result in reversed(results) if result.url.startswith(("http://", "https://"))
    }
    ordered = [result for url in dict.fromkeys(result.url for result in results) if (result := by_url.get(url))]
    return Found(engine, tuple(map(_hit, ordered[:count])))


def _hit(result: _Result) -> Hit:
    title = _plain(result.title or "") or result.url
    snippet = _plain(result.content or result.description or "")
    return Hit(title[:_MOST_TITLE_CHARS], result.url, snippet[:_MOST_SNIPPET_CHARS])


def _plain(text: str) -> str:
    """Engines mark the words they found in HTML, and escape the rest."""
    return " ".join(html.unescape(_MARKUP.sub("", text)).split())
