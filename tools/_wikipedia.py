"""Wikipedia's search and summaries.

Protocol: mediawiki.org/wiki/API:REST_API/Reference (search) and mediawiki.org/wiki/Specs/Summary/1.3.0. A
User-Agent by which whoever runs the program can be reached is wanted:
foundation.wikimedia.org/wiki/Policy:Wikimedia_Foundation_User-Agent_Policy.
"""

from __future__ import annotations

from urllib.parse import quote

from pydantic import BaseModel

from tools._framework.context import Context
from tools._services.service import fetch
from tools._services.user_agent import user_agent

_NAME = "Wikipedia"
_URL = "https://{language}.wikipedia.org"


class Entry(BaseModel):
    """A page that a search found."""

    key: str
    """The title as it is in the page's URL."""
    title: str
    description: str | None = None


class _Entries(BaseModel):
    pages: list[Entry]


class _Addresses(BaseModel):
    page: str


class _Devices(BaseModel):
    desktop: _Addresses


class Summary(BaseModel):
    """The beginning of an article."""

    type: str = "standard"
    """One of `standard`, `disambiguation`, `no-extract`, `mainpage`; newer versions may have others."""
    title: str
    extract: str = ""
    description: str | None = None
    content_urls: _Devices

    @property
    def url(self) -> str:
        """Where people read the article."""
        return self.content_urls.desktop.page


async def find_entries(context: Context, topic: str, language: str, limit: int) -> list[Entry]:
    """The articles that suit `topic`, the best first.

    Raises:
        ServiceError: Wikipedia gives no usable answer.
    """
    params: dict[str, str | int | float] = {"q": topic, "limit": limit}
    url = f"{_base(context, language)}/w/rest.php/v1/search/page"
    return (await fetch(context, _NAME, url, params, _Entries, {"User-Agent": user_agent(context)})).pages


async def read_summary(context: Context, key: str, language: str) -> Summary:
    """The beginning of the article with this key.

    Raises:
        ServiceError: Wikipedia gives no usable answer.
    """
    url = f"{_base(context, language)}/api/rest_v1/page/summary/{quote(key, safe='')}"
    return await fetch(context, _NAME, url, {}, Summary, {"User-Agent": user_agent(context)})


def _base(context: Context, language: str) -> str:
    return context.setting("WIKIPEDIA_URL", _URL).rstrip("/").replace("{language}", language)
