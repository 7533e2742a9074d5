"""The tools of all toolsets, as the registry offers them."""

from __future__ import annotations

import logging
from collections.abc import Collection, Iterator, Mapping, Sequence

from tools._framework.dynamic import DynamicTool, Toolset
from tools._framework.errors import BadTool
from tools._framework.tool import Tool

_log = logging.getLogger(__name__)


class Toolsets:
    """The tools that come and go, by name. A wrong one stops nothing: it is left out, and logged once.

    Args:
        toolsets: of two tools of one name, the earlier toolset's is taken.
        taken: names that none of them can have.
    """

    def __init__(self, toolsets: Sequence[Toolset], taken: Collection[str]) -> None:
        self._toolsets = toolsets
        self._taken = taken
        self._made: list[DynamicTool] = []
        self._tools: dict[str, Tool] = {}
        self._complaints: set[str] = set()

    def tools(self) -> Mapping[str, Tool]:
        """The tools there are right now."""
        made = [made for toolset in self._toolsets for made in toolset.tools()]
        # They are asked for several times a call, and seldom change.
        if made != self._made:
            self._made = made
            self._tools = {tool.name: tool for tool in self._read(made)}
        return self._tools

    async def arrival(self, name: str, *, is_worth_waiting: bool) -> str | None:
        """Wait for a tool that is not there, as `Toolset` says."""
        for toolset in self._toolsets:
            if absence := await toolset.arrival(name, is_worth_waiting=is_worth_waiting):
                return absence
        return None

    def complain(self, sentence: str) -> None:
        """Log a sentence about a tool, but only once."""
        if sentence not in self._complaints:
            self._complaints.add(sentence)
            _log.warning("%s", sentence)

    def _read(self, made_now: Sequence[DynamicTool]) -> Iterator[Tool]:
        seen = set(self._taken)
        for made in made_now:
            try:
                tool = Tool.of_dynamic(made)
            except BadTool as error:
                self.complain(f"A tool is left out: {error}")
                continue
            if tool.name in seen:
                self.complain(
                    f"A tool is left out: {made.origin} has a tool called {made.name}, "
                    "and there is one of that name."
                )
                continue
            seen.add(tool.name)
            yield tool
