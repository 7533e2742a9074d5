"""Another attempt where the provider failed before it said anything."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import random
from collections.abc import AsyncGenerator, Awaitable, Callable
from dataclasses import dataclass

from bot.gateway.errors import ProviderError
from bot.gateway.providers.base import Chunk

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class RetryPolicy:
    """How often a failed call is repeated and how long to wait in between, in seconds.

    The wait doubles from `base_delay_s` up to `max_delay_s` and is shortened by up to a half at
    random, so that calls that failed together do not come back together. A provider's `Retry-After`
    takes its place; one beyond `max_retry_after_s` ends the attempts, as asking earlier than told
    would only be refused again.
    """

    attempts: int = 3
    base_delay_s: float = 0.5
    max_delay_s: float = 8.0
    max_retry_after_s: float = 30.0
    sleep: Callable[[float], Awaitable[None]] = asyncio.sleep

    def delay_s(self, attempt: int, error: ProviderError) -> float | None:
        """Seconds to wait after failed attempt number `attempt` (from 1), or None to give up."""
        if attempt >= self.attempts or not error.retryable:
            return None
        if error.retry_after_s is not None:
            return error.retry_after_s if error.retry_after_s <= self.max_retry_after_s else None
        longest = min(self.base_delay_s * 2.0 ** (attempt - 1), self.max_delay_s)
        return longest * random.uniform(0.5, 1.0)  # noqa: S311 - spreads load, guards nothing


async def retrying(
    open_stream: Callable[[], AsyncGenerator[Chunk, None]], policy: RetryPolicy
) -> AsyncGenerator[Chunk, None]:
    """The chunks of `open_stream()`, opened again while it fails before its first chunk.

    Raises:
        ProviderError: the attempts are used up, the error is not one to repeat, or it came after
            the first chunk: what was said can't be taken back.
    """
    attempt = 0
    while True:
        attempt += 1
        async with contextlib.aclosing(open_stream()) as chunks:
            try:
                first = await anext(chunks)
            except ProviderError as error:
                delay_s = policy.delay_s(attempt, error)
                if delay_s is None:
                    raise
                _log.warning(
                    "Model call failed (%s), attempt %d; again in %.1f s", error.code, attempt, delay_s
                )
            else:
                yield first
                async for chunk in chunks:
                    yield chunk
                return
        await policy.sleep(delay_s)
