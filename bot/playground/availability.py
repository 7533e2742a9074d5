"""Methods that a workspace doesn't offer: not there yet, not switched on for the app, or not for its plan."""

from __future__ import annotations

import fnmatch
from collections.abc import Iterable
from dataclasses import dataclass

from bot.playground.api.call import ApiError, Call


@dataclass(frozen=True, slots=True)
class _Refusal:
    error: str
    in_channels_only: bool

    def applies_to(self, call: Call) -> bool:
        wanted = call.text("channel") or call.text("channel_id")
        channel = call.workspace.channels.get(wanted)
        return not self.in_channels_only or (channel is not None and not channel.is_direct)


class Availability:
    """Which methods are refused from now on, and how. Unlike a fault, a refusal lasts."""

    def __init__(self, methods: Iterable[str]) -> None:
        self._methods = tuple(methods)
        self._refused: dict[str, _Refusal] = {}

    def withdraw(self, pattern: str, error: str, *, in_channels_only: bool) -> None:
        """Refuse the methods that fit `pattern`, such as `agents.*`. Raises LookupError if none does."""
        found = fnmatch.filter(self._methods, pattern)
        if not found:
            raise LookupError(f"no method is called {pattern!r}")
        self._refused |= dict.fromkeys(found, _Refusal(error, in_channels_only))

    def check(self, method: str, call: Call) -> None:
        """Raises ApiError for a method that is refused."""
        refusal = self._refused.get(method)
        if refusal is not None and refusal.applies_to(call):
            raise ApiError(refusal.error)
