"""The Humanloop SDK's client: for `HUMANLOOP_BASE_URL`, or for the endpoint in this process."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import httpx
import sqlalchemy as sa
from humanloop import AsyncHumanloop

from bot.gateway import Credentials, Gateway, RetryPolicy
from bot.settings import Settings, secret


@asynccontextmanager
async def open_humanloop(
    settings: Settings, engine: sa.Engine, retry: RetryPolicy | None = None
) -> AsyncIterator[AsyncHumanloop]:
    """Open the client, for as long as the block lasts.

    Args:
        engine: of the database in which the embedded endpoint keeps its logs.
        retry: how the embedded endpoint tries a model's provider again.
    """
    key = secret(settings.humanloop_api_key) or "embedded"
    # The question's own time limit ends a call that hangs; the SDK's would cut long answers.
    timeout = httpx.Timeout(settings.question_timeout_s, connect=10)
    if settings.humanloop_base_url is not None:
        async with httpx.AsyncClient(timeout=timeout, follow_redirects=True) as http:
            yield AsyncHumanloop(api_key=key, base_url=settings.humanloop_base_url, httpx_client=http)
        return
    async with (
        Gateway(engine, _credentials(settings), retry=retry) as gateway,
        httpx.AsyncClient(transport=gateway.transport(), timeout=timeout) as http,
    ):
        yield AsyncHumanloop(api_key=key, base_url=gateway.base_url, httpx_client=http)


def _credentials(settings: Settings) -> Credentials:
    return Credentials(
        openai_api_key=secret(settings.openai_api_key) or None,
        openai_base_url=settings.openai_base_url,
        anthropic_api_key=secret(settings.anthropic_api_key) or None,
        anthropic_base_url=settings.anthropic_base_url,
    )
