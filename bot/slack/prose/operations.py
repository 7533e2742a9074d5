"""What is done in Slack to show an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias


@dataclass(frozen=True, slots=True)
class Append:
    """Add to the present message."""

    markdown: str


@dataclass(frozen=True, slots=True)
class NextMessage:
    """The present message is complete; what follows goes into a new one."""


@dataclass(frozen=True, slots=True)
class Attach:
    """Upload a file in the thread."""

    filename: str
    content: str
    title: str


Operation: TypeAlias = Append | NextMessage | Attach
