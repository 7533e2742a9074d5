"""The time that a question may take, which rests while a person is asked something."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager
from types import TracebackType
from typing import Self


class Deadline:
    """Ends the block after the seconds that `start` gives it, unless `lift` takes them away again.

    Raises:
        TimeoutError: at the end of the block, if it took longer.
    """

    def __init__(self) -> None:
        self._timeout = asyncio.timeout(None)
        self._left_s: float | None = None
        self._rests = 0

    async def __aenter__(self) -> Self:
        await self._timeout.__aenter__()
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._timeout.__aexit__(kind, error, trace)

    def start(self, seconds: float) -> None:
        """Let this much time pass from now on."""
        self._timeout.reschedule(_now() + seconds)

    def lift(self) -> None:
        """Take as long as it takes."""
        self._timeout.reschedule(None)

    @contextmanager
    def resting(self) -> Iterator[None]:
        """Let no time pass inside; several at once rest together."""
        if self._rests == 0:
            ends_at = self._timeout.when()
            self._left_s = None if ends_at is None else ends_at - _now()
        self._rests += 1
        self._timeout.reschedule(None)
        try:
            yield
        finally:
            self._rests -= 1
            if self._rests == 0 and self._left_s is not None and not self._timeout.expired():
                self.start(self._left_s)


def _now() -> float:
    return asyncio.get_running_loop().time()
