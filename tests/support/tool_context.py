"""A context for calling tools in tests."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx2

from tools import Asker, Context

NOON = datetime(2026, 11, 22, 12, 0, tzinfo=UTC)
"""A Sunday: 07:00 in Boston, 12:00 in London, 21:00 in Tokyo."""
ANN = Asker("U1", "Ann", "Europe/Paris")


@contextlib.asynccontextmanager
async def tool_context(
    config: Mapping[str, str] | None = None,
    *,
    now: datetime = NOON,
    sample_data: bool = False,
    asker: Asker = ANN,
    channel: str = "C1",
    **more: Any,
) -> AsyncIterator[Context]:
    """A context of somebody in Paris, with a client of its own that ignores the machine's proxies.

    `more` is for the fields that few tools look at.
    """
    # Reading the certificates takes longer than most tests, and nothing here speaks TLS.
    async with httpx2.AsyncClient(trust_env=False, verify=False) as http:
        yield Context(
            asker=asker,
            channel=channel,
            http=http,
            now=now,
            run_id="T1:C1:1.000000",
            config=config or {},
            sample_data=sample_data,
            **more,
        )
