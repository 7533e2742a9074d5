"""Attempts after a failure, and the joining of a stream's chunks."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing

import pytest
from support.patience import PATIENCE_S

from bot.gateway import RetryPolicy
from bot.gateway.coalescing import coalesced
from bot.gateway.errors import ProviderError, without_secrets
from bot.gateway.providers import failures
from bot.gateway.providers.base import Chunk, Finished, TextDelta
from bot.gateway.providers.retry import retrying

END = Finished("stop")
FAILED = failures.refused("openai", 500, "It failed.")


class Attempts:
    """A provider whose streams go by a script; remembers how long it was waited for."""

    def __init__(self, *streams: list[Chunk | ProviderError]) -> None:
        self._streams = list(streams)
        self.waits: list[float] = []

    async def open(self) -> AsyncGenerator[Chunk, None]:
        for item in self._streams.pop(0):
            if isinstance(item, ProviderError):
                raise item
            yield item

    async def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)

    async def run(self, **policy: float) -> list[Chunk]:
        wanted = RetryPolicy(sleep=self.sleep, **policy)  # type: ignore[arg-type]  # counts are floats here
        return [chunk async for chunk in retrying(self.open, wanted)]


async def test_a_failed_attempt_is_repeated_after_a_growing_wait() -> None:
    attempts = Attempts([FAILED], [FAILED], [TextDelta("a"), END])

    assert await attempts.run(base_delay_s=1.0) == [TextDelta("a"), END]
    first, second = attempts.waits
    assert 0.5 <= first <= 1.0 <= second <= 2.0


async def test_attempts_end() -> None:
    attempts = Attempts([FAILED], [FAILED], [END])

    with pytest.raises(ProviderError):
        await attempts.run(attempts=2)
    assert len(attempts.waits) == 1


async def test_what_has_been_said_is_not_repeated() -> None:
    attempts = Attempts([TextDelta("a"), FAILED], [END])

    with pytest.raises(ProviderError):
        await attempts.run()
    assert attempts.waits == []


@pytest.mark.parametrize(
    ("headers", "waited"),
    [
        ({"retry-after": "7"}, [7.0]),
        ({"retry-after-ms": "250"}, [0.25]),
        ({"retry-after": "Sun, 22 Nov 2020 11:00:00 GMT"}, [0.0]),
    ],
)
async def test_the_wait_is_the_one_the_provider_asks_for(headers: dict[str, str], waited: list[float]) -> None:
    attempts = Attempts([failures.refused("openai", 429, "Slow down.", headers=headers)], [END])

    assert await attempts.run() == [END]
    assert attempts.waits == waited


async def test_a_provider_that_asks_for_too_long_a_wait_is_not_asked_again() -> None:
    attempts = Attempts([failures.refused("openai", 429, "Later.", headers={"retry-after": "600"})], [END])

    with pytest.raises(ProviderError):
        await attempts.run(max_retry_after_s=30)
    assert attempts.waits == []


@pytest.mark.parametrize(
    "text",
    ["key sk-proj-abcdef123456 refused", "key sk-abc***********wxyz refused", "Bearer abc.def-123 refused"],
)
def test_keys_in_messages_are_removed(text: str) -> None:
    assert "[key removed]" in without_secrets(text)
    assert "abc" not in without_secrets(text)


async def test_text_that_comes_at_once_is_joined_and_the_end_does_not_wait() -> None:
    async def chunks() -> AsyncGenerator[Chunk, None]:
        for word in ("one", " two", " three"):
            yield TextDelta(word)
        yield END

    async with asyncio.timeout(PATIENCE_S):
        assert [chunk async for chunk in coalesced(chunks(), 3600)] == [TextDelta("one two three"), END]


async def test_the_first_text_passes_at_once_and_later_text_is_gathered() -> None:
    read = asyncio.Event()

    async def chunks() -> AsyncGenerator[Chunk, None]:
        yield TextDelta("one")
        await read.wait()
        yield TextDelta(" two")
        yield TextDelta(" three")
        yield END

    async with asyncio.timeout(PATIENCE_S), aclosing(coalesced(chunks(), 3600)) as stream:
        assert await anext(stream) == TextDelta("one")
        read.set()
        assert [chunk async for chunk in stream] == [TextDelta(" two three"), END]


async def test_a_failure_comes_after_the_text_before_it() -> None:
    async def chunks() -> AsyncGenerator[Chunk, None]:
        yield TextDelta("half")
        raise FAILED

    async with aclosing(coalesced(chunks(), 3600)) as stream:
        assert await anext(stream) == TextDelta("half")
        with pytest.raises(ProviderError):
            await anext(stream)


async def test_closing_the_joined_stream_closes_its_source() -> None:
    closed = asyncio.Event()

    async def chunks() -> AsyncGenerator[Chunk, None]:
        try:
            yield TextDelta("one")
            await asyncio.Event().wait()
        finally:
            closed.set()

    async with aclosing(coalesced(chunks(), 3600)) as stream:
        await anext(stream)
    assert closed.is_set()
