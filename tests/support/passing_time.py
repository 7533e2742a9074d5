"""Time that passes because a test says so, and at once.

async def test_…(let_pass: LetPass) -> None:
    …
    await let_pass(300)
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from typing import TypeAlias

import pytest

LetPass: TypeAlias = Callable[[float], Awaitable[None]]

# What is under way inside the process takes a few rounds of the event loop to arrive, on any machine.
_ROUNDS = 200


@pytest.fixture
def let_pass(monkeypatch: pytest.MonkeyPatch) -> LetPass:
    """Let so many seconds pass by the monotonic clock, which the event loop's timers go by, too."""
    monotonic, passed = time.monotonic, 0.0

    async def let_pass(seconds: float) -> None:
        nonlocal passed
        # A request that is under way would seem to have taken all that time.
        await _come_to_rest()
        passed += seconds
        # And connections that were idle all that time are closed now.
        await _come_to_rest()

    monkeypatch.setattr(time, "monotonic", lambda: monotonic() + passed)
    return let_pass


async def _come_to_rest() -> None:
    for _ in range(_ROUNDS):
        await asyncio.sleep(0)
