"""Faults on demand: what a bot must survive, made to happen at a chosen call."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """What befalls one call. Exactly one of the fields is set."""

    error: str | None = None
    """Answer `{"ok": false, "error": …}`."""
    status: int | None = None
    """Answer with this HTTP status and no JSON."""
    rate_limited_s: int | None = None
    """Answer 429 with this `Retry-After`."""
    reset: bool = False
    """Cut the connection before the call is looked at."""
    lose_response: bool = False
    """Do what the call asks for, then cut the connection."""


class Faults:
    """The faults that wait for their calls, first come first served, for each method apart."""

    def __init__(self) -> None:
        self._waiting: dict[str, deque[Fault]] = {}

    def next(
        self,
        method: str,
        *,
        times: int = 1,
        error: str | None = None,
        status: int | None = None,
        rate_limited_s: int | None = None,
        reset: bool = False,
        lose_response: bool = False,
    ) -> None:
        """Let the next `times` calls of `method` fail. `response_url` names the posts to such URLs.

        Raises ValueError unless exactly one kind of fault is given.
        """
        kinds = (error is not None, status is not None, rate_limited_s is not None, reset, lose_response)
        if sum(kinds) != 1:
            raise ValueError("give exactly one of error, status, rate_limited_s, reset and lose_response")
        fault = Fault(error, status, rate_limited_s, reset, lose_response)
        self._waiting.setdefault(method, deque()).extend([fault] * times)

    def take(self, method: str) -> Fault | None:
        """The fault that the present call of `method` meets."""
        waiting = self._waiting.get(method)
        return waiting.popleft() if waiting else None

    def clear(self) -> None:
        """Forget the faults that have not happened."""
        self._waiting.clear()
