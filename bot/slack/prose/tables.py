"""Tables: as Slack's own where it takes them, else as aligned text, else as a file."""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.slack.prose.blocks import TABLE_RULE
from bot.slack.prose.inline import shown
from bot.slack.prose.links import Allowed
from bot.slack.prose.pings import token, without_pings

# https://docs.slack.dev/reference/block-kit/blocks/table-block
_MOST_ROWS = 100
_MOST_COLUMNS = 20
_MOST_CHARS = 10_000
# Wider lines are wrapped by Slack, and then nothing is aligned.
_MOST_WIDTH = 100

_BORDER = re.compile(r"(?<!\\)\|")
_LABELLED = re.compile(r"<([@!#][^<>|]*\|[^<>|]*)>")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """The cells, as Markdown; each row is as long as the longest."""

    rows: tuple[tuple[str, ...], ...]
    rule: tuple[str, ...]

    @classmethod
    def of(cls, lines: Sequence[str]) -> Table:
        """The table that these lines are; the second is the rule."""
        head, rule, *body = (_cells(line) for line in lines)
        columns = max(map(len, (head, *body)))
        rows = tuple(tuple(row + [""] * (columns - len(row))) for row in (head, *body))
        marks = [mark if TABLE_RULE.fullmatch(mark) and mark else "---" for mark in rule]
        return cls(rows, tuple((marks + ["---"] * columns)[:columns]))

    def native(self, allowed: Allowed) -> str | None:
        """The table as Markdown, if Slack can make it one of its own."""
        if len(self.rows) > _MOST_ROWS or len(self.rule) > _MOST_COLUMNS:
            return None
        head, *body = ([_shown(cell, allowed) for cell in row] for row in self.rows)
        text = "".join(f"| {' | '.join(cells)} |\n" for cells in (head, list(self.rule), *body))
        return text if len(text) <= _MOST_CHARS else None

    def aligned(self) -> str | None:
        """The table as lines of text in columns, if they are narrow enough to be read."""
        rows = [[_plain(cell) for cell in row] for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        if sum(widths) + 2 * (len(widths) - 1) > _MOST_WIDTH:
            return None
        rows.insert(1, ["-" * width for width in widths])
        lines = ("  ".join(map(str.ljust, row, widths)).rstrip() for row in rows)
        return "".join(f"{line}\n" for line in lines)

    def csv(self) -> str:
        """The table as a file."""
        file = io.StringIO()
        csv.writer(file, lineterminator="\n").writerows([_plain(cell) for cell in row] for row in self.rows)
        return file.getvalue()


def _cells(line: str) -> list[str]:
    # A label's bar is no border.
    line = _LABELLED.sub(lambda match: token(match[1], frozenset()) or match[0], line)
    line = line.strip().removeprefix("|")
    cells = _BORDER.split(line)
    if len(cells) > 1 and not cells[-1].strip():
        cells.pop()
    return [cell.strip() for cell in cells]


def _shown(cell: str, allowed: Allowed) -> str:
    # A bar in a cell is a border to some readers even behind a backslash.
    safe = shown(_BREAK.sub(" ", cell).replace("\\|", "¦"), allowed)
    return " ".join(safe.replace("|", "¦").split())


def _plain(cell: str) -> str:
    return without_pings(" ".join(_BREAK.sub(" ", cell).replace("\\|", "|").split()))
