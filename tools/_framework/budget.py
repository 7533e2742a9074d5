"""How many calls a day there may be."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date
from typing import Protocol


class Budget(Protocol):
    """Counts calls. Replicas need one that they share."""

    async def spend(self, limits: Mapping[str, int], day: date) -> str | None:
        """Count one call on `day` under every name in `limits`, unless one of them has reached its limit.

        Returns:
            The name that has, and then nothing was counted; else `None`.
        """


class MemoryBudget:
    """A budget of this process alone, forgotten when it ends."""

    def __init__(self) -> None:
        self._day = date.min
        self._calls: Counter[str] = Counter()

    async def spend(self, limits: Mapping[str, int], day: date) -> str | None:
        """Count one call, as `Budget` says; a new day begins with nothing counted."""
        if day > self._day:
            self._day = day
            self._calls.clear()
        for name, most in limits.items():
            if self._calls[name] >= most:
                return name
        self._calls.update(limits.keys())
        return None
