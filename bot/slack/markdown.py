"""What Slack can show: Markdown, split into messages."""

from __future__ import annotations

import re
from collections.abc import Iterator

from bot.slack.text import escape

_FENCE = re.compile(r"^ {0,3}(`{3,}|~{3,})(.*)$")


def split(text: str, limit: int) -> list[str]:
    """`text` in parts of at most `limit` characters as escaped for Slack's `text` field.

    Parts end at a blank line if one is near, else at a line's end, else at a space. A code fence that a border
    falls into is closed, and opened again in the next part.
    """
    parts: list[str] = []
    rest = text.strip()
    while len(escape(rest)) > limit:
        head, rest = _break(rest, limit)
        parts.append(head)
    return [*parts, rest]


def _break(text: str, limit: int) -> tuple[str, str]:
    room = limit - _longest_fence(text)
    end = _border(text, _fitting(text, room))
    head, rest = text[:end].rstrip(), text[end:]
    fence = _open_fence(head)
    if fence is None:
        return head, rest.lstrip()
    marks, info = fence
    return f"{head}\n{marks}", f"{marks}{info}\n{rest.lstrip(chr(10))}"


def _fitting(text: str, room: int) -> int:
    """How many characters of `text` fit into `room` once they are escaped."""
    used = 0
    for index, character in enumerate(text):
        used += len(escape(character))
        if used > room:
            return max(index, 1)
    return len(text)


def _border(text: str, most: int) -> int:
    """The best place to break at or before `most`: none that leaves more than half the room unused."""
    for mark in ("\n\n", "\n", " "):
        found = text.rfind(mark, most // 2, most)
        if found > 0:
            return found + len(mark)
    return most


def _open_fence(text: str) -> tuple[str, str] | None:
    """The marks and the info string of the fence that is open at the end of `text`."""
    fence: tuple[str, str] | None = None
    for marks, info in _fence_lines(text):
        if fence is None:
            fence = marks, info
        elif marks[0] == fence[0][0] and len(marks) >= len(fence[0]) and not info.strip():
            fence = None
    return fence


def _fence_lines(text: str) -> Iterator[tuple[str, str]]:
    for line in text.splitlines():
        if match := _FENCE.match(line):
            yield match[1], match[2]


def _longest_fence(text: str) -> int:
    """Room for closing a fence, and so for opening it again: its marks, its info string, and line ends."""
    return max((len(marks) + len(info) + 2 for marks, info in _fence_lines(text)), default=0)
