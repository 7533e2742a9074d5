"""How an MCP server is, for people."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, TypeAlias

State: TypeAlias = Literal["connecting", "up", "down", "disabled"]


@dataclass(frozen=True, slots=True)
class ServerStatus:
    """One server, in a line of `threadloop doctor`."""

    server: str
    state: State
    detail: str = ""
    """How many tools it has, or why it is away and when it is tried again."""

    def __str__(self) -> str:
        return f"{self.state}: {self.detail}" if self.detail else self.state
