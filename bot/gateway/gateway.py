"""The gateway as one thing: the application, a transport to it, and what it holds open."""

from __future__ import annotations

from typing import Self

import httpx
import sqlalchemy as sa
from starlette.applications import Starlette

from bot.gateway.app import Endpoints, create_app
from bot.gateway.providers.pool import Credentials, ProviderPool
from bot.gateway.providers.retry import RetryPolicy
from bot.gateway.store import LogStore
from bot.gateway.transport import InProcessTransport


class Gateway:
    """Humanloop's v5 API, embedded.

        async with Gateway(engine, Credentials(openai_api_key="…")) as gateway:
            client = AsyncHumanloop(
                api_key="embedded",
                base_url=gateway.base_url,
                httpx_client=httpx.AsyncClient(transport=gateway.transport(), timeout=None),
            )

    The tables must exist: `bot.storage.migrations.migrate(engine)`. With `api_key`, requests must carry it.
    """

    base_url = "http://gateway.internal/v5"
    """For a client that uses `transport()`. No such host exists or is looked up."""

    def __init__(
        self,
        engine: sa.Engine,
        credentials: Credentials,
        *,
        api_key: str | None = None,
        retry: RetryPolicy | None = None,
    ) -> None:
        self._providers = ProviderPool(credentials)
        self._store = LogStore(engine)
        endpoints = Endpoints(providers=self._providers, store=self._store, retry=retry or RetryPolicy())
        self.app: Starlette = create_app(endpoints, api_key=api_key)

    def transport(self) -> httpx.AsyncBaseTransport:
        """A transport for `httpx.AsyncClient` that answers in this process."""
        return InProcessTransport(self.app)

    async def start(self) -> None:
        """Import and build the configured providers, and start writing logs."""
        await self._providers.prepare()
        await self._store.__aenter__()

    async def flush(self) -> None:
        """Wait until the logs so far are in the database."""
        await self._store.flush()

    async def aclose(self) -> None:
        """Write the last logs and close the providers' connections."""
        await self._store.__aexit__()
        await self._providers.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()
