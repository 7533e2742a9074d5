"""An event loop whose time passes at once: hours of waiting in a moment, and the same in every run."""

from __future__ import annotations

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from typing import Any, TypeVar

T = TypeVar("T")


class Stuck(Exception):
    """Everybody waits for somebody else: a wake-up was lost."""


class _Leaping(selectors.DefaultSelector):
    """Where the loop would sleep until its next timer, the time is already there."""

    now = 0.0

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        if timeout is None:
            raise Stuck
        self.now += timeout
        return super().select(0)


class VirtualTimeLoop(asyncio.SelectorEventLoop):
    """A loop for code that waits by asyncio alone: real connections would never get the time to answer."""

    def __init__(self) -> None:
        self._selector_of_time = _Leaping()
        super().__init__(self._selector_of_time)

    def time(self) -> float:
        return self._selector_of_time.now


def run(main: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run `main` in virtual time, from 0 s on. Raises Stuck if nothing can happen any more."""
    with asyncio.Runner(loop_factory=VirtualTimeLoop) as runner:
        return runner.run(main())


def in_virtual_time(test: Callable[[], Coroutine[Any, Any, None]]) -> Callable[[], None]:
    """The test as one that pytest calls like any other, and that runs in virtual time."""

    def in_no_time() -> None:
        run(test)

    # Not `functools.wraps`: pytest would look through it, and find a coroutine.
    in_no_time.__name__ = test.__name__
    return in_no_time


def now() -> float:
    """The virtual time, in seconds; the clock for what is tested."""
    return asyncio.get_running_loop().time()
