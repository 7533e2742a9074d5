"""What the bot cannot work without, looked at one by one."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import sqlalchemy as sa
from sqlalchemy.exc import SQLAlchemyError

Probe: TypeAlias = Callable[[], Awaitable[str | None]]
"""`None` if all is well, else what is wrong in a few words. Whoever reaches the port reads them: no secrets."""

_FORGET_AFTER_S = 30.0


def database_probe(engine: sa.Engine) -> Probe:
    """Whether the database answers."""

    def ask() -> None:
        with engine.connect() as connection:
            connection.execute(sa.text("SELECT 1"))

    async def fault() -> str | None:
        try:
            await asyncio.to_thread(ask)
        except SQLAlchemyError as error:
            return f"it does not answer ({type(error).__name__})"
        return None

    return fault


class LastCall:
    """What the last call of a service said of it.

    A failure is forgotten after `forget_after_s` seconds: a bot that gets no questions because it isn't ready
    makes no calls either, and would never learn that the service is back.
    """

    def __init__(
        self, forget_after_s: float = _FORGET_AFTER_S, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._forget_after_s = forget_after_s
        self._clock = clock
        self._fault: str | None = None
        self._failed_at = 0.0

    def succeeded(self) -> None:
        """The service answered."""
        self._fault = None

    def failed(self, fault: str) -> None:
        """The service did not answer, or refused to."""
        self._fault, self._failed_at = fault, self._clock()

    async def fault(self) -> str | None:
        """The fault of the last call, if that was lately; a `Probe`."""
        return self._fault if self._clock() - self._failed_at < self._forget_after_s else None
