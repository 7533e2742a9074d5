"""Tools that are not functions: they come and go while the bot runs, as those of MCP servers do."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from tools._framework.context import Context
from tools._framework.options import Options


@dataclass(frozen=True, slots=True)
class DynamicTool:
    """A tool made at run time from its parts."""

    name: str
    """At most 64 of A-Z a-z 0-9 _ and -."""
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the arguments object. It is passed on as it is, and never in strict mode."""
    run: Callable[[dict[str, Any], Context], Awaitable[object]]
    """Takes the arguments as the model gave them. It may raise `ToolRetry` and `ToolFailed`; its result is
    treated like a function's."""
    options: Options
    origin: str = ""
    """Where it comes from, for people: `the MCP server github`."""
    check: Callable[[dict[str, Any]], None] | None = None
    """Raises `ToolRetry` for arguments that do not fit, before a person is asked about them."""


class Toolset(Protocol):
    """A changing set of tools, asked anew for each question."""

    def tools(self) -> Sequence[DynamicTool]:
        """The tools that can be called right now. It answers at once, from what it knows."""

    async def arrival(self, name: str, *, is_worth_waiting: bool) -> str | None:
        """Wait a while for the tool called `name`, which is not there, if it is on its way.

        Args:
            name: as a model gave it.
            is_worth_waiting: whether to wait as well for what has failed to come, and may come later.

        Returns:
            A sentence for the model about why the tool is away; `None` if it has come, or is not of this set.
        """
