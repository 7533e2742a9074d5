"""Results that stand in for another call with the same arguments."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Callable
from typing import Any, TypeAlias

import pydantic_core

from tools._framework.context import Context
from tools._framework.outcome import Outcome
from tools._framework.tool import Tool

MOST_ENTRIES = 500

Key: TypeAlias = tuple[str, ...]


class Cache:
    """The latest results of the tools that want theirs kept, in this process.

    Args:
        clock: seconds that never run backwards.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._kept: OrderedDict[Key, tuple[float, Outcome]] = OrderedDict()

    def find(self, key: Key) -> Outcome | None:
        """The result kept under `key`, unless its time is over."""
        until, outcome = self._kept.get(key, (0.0, None))
        return outcome if self._clock() < until else None

    def keep(self, key: Key, outcome: Outcome, seconds: float) -> None:
        """Keep a result; the oldest makes room for it."""
        self._kept.pop(key, None)
        self._kept[key] = (self._clock() + seconds, outcome)
        if len(self._kept) > MOST_ENTRIES:
            self._kept.popitem(last=False)


def key_of(tool: Tool, arguments: dict[str, Any], context: Context) -> Key | None:
    """What makes two calls the same; `None` for a tool whose results are not kept."""
    if not tool.options.cache_s:
        return None
    # What a tool finds can depend on who asks and on where: that is shared only if the tool says so.
    whose = () if tool.options.cache_by == "everyone" else (context.asker.id, context.channel)
    return (tool.name, pydantic_core.to_json(dict(sorted(arguments.items()))).decode(), *whose)
