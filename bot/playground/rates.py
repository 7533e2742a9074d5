"""Slack's rate limits (https://docs.slack.dev/apis/web-api/rate-limits), counted over a sliding minute."""

from __future__ import annotations

import math
from collections import deque
from types import MappingProxyType

from bot.playground.api.call import Method, Tier
from bot.playground.workspace import Clock

_PER_MINUTE: MappingProxyType[Tier, int] = MappingProxyType(
    {"tier1": 1, "tier2": 20, "tier3": 50, "tier4": 100, "status": 600}
)
_POSTS_PER_SECOND = 1
_POSTING_BURST = 5
"""Slack bears short bursts of posts; how long it bears them is not documented."""


class Rates:
    """How often each method was called lately. Posts are counted for each channel."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._calls: dict[str, deque[float]] = {}

    def wait_s(self, method: Method, channel: str) -> int:
        """0 if a call may be made now, and counts it; otherwise the `Retry-After`, in whole seconds."""
        if method.tier == "none":
            return 0
        if method.tier == "posting":
            return self._wait(f"{method.name} {channel}", _POSTING_BURST, _POSTING_BURST / _POSTS_PER_SECOND)
        return self._wait(method.name, _PER_MINUTE[method.tier], 60.0)

    def _wait(self, key: str, most: int, window_s: float) -> int:
        now, calls = self._clock(), self._calls.setdefault(key, deque())
        while calls and now - calls[0] >= window_s:
            calls.popleft()
        if len(calls) >= most:
            return max(1, math.ceil(window_s - (now - calls[0])))
        calls.append(now)
        return 0
