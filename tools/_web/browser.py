"""The one way to the web's pages: guarded, limited, and shared by all calls of the process."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field

import httpx2

from tools._framework.context import Context
from tools._framework.thread import run_in_thread
from tools._web.download import download
from tools._web.guard import Guard
from tools._web.page import Page, read_page
from tools._web.transport import GuardedTransport

_KEY = "web.browser"
_MOST_AT_ONCE = 3
_NO_KEPT_CONNECTIONS = httpx2.Limits(max_keepalive_connections=0)


@dataclass(frozen=True, slots=True)
class Browser:
    """Opens pages.

    Args:
        guard: says what may be opened.
        connect: makes the transport that one page is fetched with, as `GuardedTransport` wants it.
        download_s: seconds that a download may take, redirects included.
        reading_s: seconds that making text of it may take.
    """

    guard: Guard
    connect: Callable[[], httpx2.AsyncBaseTransport]
    download_s: float = 15.0
    reading_s: float = 10.0
    turns: asyncio.Semaphore = field(default_factory=lambda: asyncio.Semaphore(_MOST_AT_ONCE))
    """A page may take the memory and the processor time that its limits allow: only some at once."""

    @classmethod
    async def of(cls, context: Context) -> Browser:
        """The process's own browser."""
        found = context.state.get(_KEY)
        if isinstance(found, cls):
            return found
        made = cls(Guard(), await run_in_thread(_direct))
        context.state[_KEY] = made
        return made

    def keep(self, context: Context) -> None:
        """Be the browser of this context's process from now on."""
        context.state[_KEY] = self

    async def open(self, url: str, agent: str) -> Page:
        """The page at `url`, asked for in the name of `agent`.

        Raises:
            ToolRetry: another URL may do better.
            ToolFailed: it is not to be read, or cannot be.
        """
        async with self.turns:
            transport = GuardedTransport(self.guard, self.connect())
            return await read_page(await download(url, transport, agent, self.download_s), self.reading_s)


def _direct() -> Callable[[], httpx2.AsyncBaseTransport]:
    # Reading the certificates takes a tenth of a second, so all pages share them. The environment's proxies are
    # not used: a proxy would look the name up anew.
    tls = httpx2.create_ssl_context(trust_env=False)
    return lambda: httpx2.AsyncHTTPTransport(verify=tls, trust_env=False, limits=_NO_KEPT_CONNECTIONS)
