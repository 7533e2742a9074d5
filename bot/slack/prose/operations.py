"""What is done in Slack to show an answer."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

from bot.slack.text import escape


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


def size(text: str) -> int:
    """The characters of `text` as escaped for Slack's `text` field."""
    return len(escape(text)) if "&" in text or "<" in text or ">" in text else len(text)
