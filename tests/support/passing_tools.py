"""A server whose tools go away with it, as those of an MCP server do.

server = PassingTools()
… tools=Registry([], toolsets=[server]) …
server.is_up = False
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tools import Context, DynamicTool, Options

_SCHEMA = {"type": "object", "properties": {"text": {"type": "string"}}}


class PassingTools:
    """The tool `pens__write`, which writes, for as long as the server is up."""

    def __init__(self) -> None:
        self.is_up = True
        self.written: list[dict[str, Any]] = []

    def tools(self) -> Sequence[DynamicTool]:
        """What there is right now."""

        async def write(arguments: dict[str, Any], _context: Context) -> object:
            self.written.append(arguments)
            return "written"

        tool = DynamicTool("pens__write", "Write.", _SCHEMA, write, Options(read_only=False))
        return [tool] if self.is_up else []

    async def arrival(self, _name: str, *, is_worth_waiting: bool) -> str | None:
        """Nobody waits for it."""
        return None
