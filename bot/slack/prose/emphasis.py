"""Emphasis: which runs of `*`, `_` and `~~` are a pair.

The rules are CommonMark's (https://spec.commonmark.org/0.31.2/#emphasis-and-strong-emphasis), made simpler.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass, field

from bot.slack.prose.literal import WIDE

_LONGEST = 3
_WIDE = re.compile(f"[{WIDE}]")


@dataclass(frozen=True, slots=True)
class Run:
    """A run of marks, and what it may be by what stands on either side of it."""

    marks: str
    opens: bool
    closes: bool
    counts: bool = True
    """Whether a reader of Markdown may take it for more than signs."""

    @classmethod
    def of(cls, marks: str, before: str, after: str) -> Run:
        """The run between two characters; none stands for the border of the text."""
        left = _is_word(after) or (_is_sign(after) and not _is_word(before))
        right = _is_word(before) or (_is_sign(before) and not _is_word(after))
        # Within a word they are letters: 2*3*4, snake_case. Of a `*` not every reader thinks so.
        if marks[0] == "_":
            left, right = left and not before.isalnum(), right and not after.isalnum()
        counts = left or right
        if marks == "*":
            left, right = left and not _is_within_word(before), right and not _is_within_word(after)
        if len(marks) > _LONGEST:
            left = right = False
        return cls(marks, left, right, counts)


def _is_within_word(character: str) -> bool:
    # Chinese and Japanese have no spaces around what is emphasised.
    return character.isalnum() and not _WIDE.match(character)


def _is_word(character: str) -> bool:
    return character.isalnum() or (bool(character) and ord(character) > 127 and not character.isspace())


def _is_sign(character: str) -> bool:
    return bool(character) and not character.isspace() and not _is_word(character)


@dataclass(slots=True)
class Delimiters:
    """The runs of a text, paired as they come."""

    _open: dict[str, list[int]] = field(default_factory=dict)
    _order: list[tuple[str, int]] = field(default_factory=list)
    _pairs: dict[int, int] = field(default_factory=dict)
    _runs: list[tuple[int, Run]] = field(default_factory=list)

    def add(self, match: re.Match[str], index: int) -> None:
        """Take a run that is the part with this index."""
        text = match.string
        run = Run.of(
            match[0],
            text[match.start() - 1 : match.start()] if match.start() else "",
            text[match.end() : match.end() + 1],
        )
        self._runs.append((index, run))
        opened = self._open.get(run.marks)
        if run.closes and opened:
            self._close(run.marks, index)
        elif run.opens:
            self._open.setdefault(run.marks, []).append(index)
            self._order.append((run.marks, index))

    def _close(self, marks: str, index: int) -> None:
        while self._order:
            other, begun = self._order.pop()
            self._open[other].pop()
            if other == marks:
                self._pairs[begun] = index
                return

    def settle(self, parts: list[str], *, is_whole: bool, keep: bool) -> set[int]:
        """Make what is no pair in `parts` plain signs; which parts an emphasis holds together.

        In a part of a larger text (`is_whole` is false) a sign at the border may have a word beside it. Pairs
        that are not to be kept are left out.
        """
        inside, until = set[int](), -1
        for begun, end in sorted(self._pairs.items()):
            for index in range(max(begun, until), end + 1):
                # Not every reader lets an emphasis go on in the next line.
                parts[index] = parts[index].replace("\n", " ")
                inside.add(index)
            until = max(until, end)
        paired = self._pairs.keys() | set(self._pairs.values())
        for index, run in self._runs:
            if index not in paired and (run.counts or not is_whole or index in inside):
                parts[index] = "".join(f"\\{mark}" for mark in run.marks)
        for begun, end in sorted(self._pairs.items(), reverse=True):
            _trim(parts, begun, end)
            if not keep:
                parts[begun] = parts[end] = ""
        return inside


def _trim(parts: list[str], begun: int, end: int) -> None:
    """Take white space from the borders of a pair, and the marks if they are not next to a word then."""
    first = _first(parts, range(begun + 1, end), str.lstrip)
    last = _first(parts, range(end - 1, begun, -1), str.rstrip)
    mark = parts[begun][:1]
    if not first or first.startswith(mark) or last.endswith(mark):
        parts[begun] = parts[end] = ""


def _first(parts: list[str], order: range, strip: Callable[[str], str]) -> str:
    """The first of the parts that is not empty once it is stripped."""
    for index in order:
        parts[index] = strip(parts[index])
        if parts[index]:
            return parts[index]
    return ""
