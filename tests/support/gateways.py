"""The gateway as clients meet it: the real Humanloop SDK, in this process or over HTTP."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Literal

import httpx
import sqlalchemy as sa
from humanloop import AsyncHumanloop
from support.patience import PATIENCE_S

from bot.gateway import Credentials, Gateway, RetryPolicy
from bot.http_server import serve

Way = Literal["in process", "over HTTP"]
WAYS: tuple[Way, ...] = ("in process", "over HTTP")

AT_ONCE = RetryPolicy(base_delay_s=0)
"""The usual attempts, without a wait in between."""


@asynccontextmanager
async def humanloop_client(
    gateway: Gateway, way: Way = "in process", *, api_key: str = "any"
) -> AsyncIterator[AsyncHumanloop]:
    """The real SDK, connected to a started gateway."""
    if way == "in process":
        async with httpx.AsyncClient(transport=gateway.transport(), timeout=PATIENCE_S) as client:
            yield AsyncHumanloop(api_key=api_key, base_url=gateway.base_url, httpx_client=client)
    else:
        async with serve(gateway.app) as url, httpx.AsyncClient(timeout=PATIENCE_S) as client:
            yield AsyncHumanloop(api_key=api_key, base_url=f"{url}/v5", httpx_client=client)


@asynccontextmanager
async def running_gateway(
    engine: sa.Engine,
    credentials: Credentials | None = None,
    *,
    api_key: str | None = None,
    retry: RetryPolicy = AT_ONCE,
) -> AsyncIterator[Gateway]:
    """A started gateway over `engine`, whose tables exist."""
    async with Gateway(engine, credentials or Credentials(), api_key=api_key, retry=retry) as gateway:
        yield gateway
