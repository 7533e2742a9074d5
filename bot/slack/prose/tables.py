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
from bot.slack.prose.operations import size
from bot.slack.prose.pings import token, without_pings

# https://docs.slack.dev/reference/block-kit/blocks/table-block
_MOST_ROWS = 100
_MOST_COLUMNS = 20
# What takes more messages is easier to read as a file.
_MOST_TABLES = 3
# Wider lines are wrapped by Slack, and then nothing is aligned.
_MOST_WIDTH = 100

_BORDER = re.compile(r"(?<!\\)\|")
_LABELLED = re.compile(r"<([@!#][^<>|]*\|[^<>|]*)>")
_BREAK = re.compile(r"<br\s*/?>", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Table:
    """The cells, as Markdown; the first row is the head. A row may be shorter than others."""

    rows: tuple[tuple[str, ...], ...]
    rule: tuple[str, ...]
    columns: int
    """As many as the longest row has."""

    @classmethod
    def of(cls, lines: Sequence[str]) -> Table:
        """The table that these lines are; the second is the rule."""
        head, rule, *body = (tuple(_cells(line)) for line in lines)
        rows = (head, *body)
        marks = tuple(mark if TABLE_RULE.fullmatch(mark) and mark else "---" for mark in rule)
        return cls(rows, marks, max(map(len, rows)))

    def native(self, allowed: Allowed, most_chars: int) -> list[str] | None:
        """The table as Markdown that Slack makes a few tables of its own of, each with the head.

        None if they would be too many, too wide or longer than `most_chars` as escaped.
        """
        if self.columns > _MOST_COLUMNS or len(self.rows) > 1 + _MOST_TABLES * (_MOST_ROWS - 1):
            return None
        head, *body = (self._line([_shown(cell, allowed) for cell in row]) for row in self.rows)
        head += self._line(list(self.rule[: self.columns]), "---")
        tables, used, rows = [head], size(head), 1
        for line in body:
            if rows == _MOST_ROWS or used + size(line) > most_chars:
                tables, used, rows = [*tables, head], size(head), 1
            tables[-1] += line
            used += size(line)
            rows += 1
        fits = all(size(table) <= most_chars for table in tables)
        return tables if fits and len(tables) <= _MOST_TABLES else None

    def _line(self, cells: list[str], empty: str = "") -> str:
        return f"| {' | '.join(cells + [empty] * (self.columns - len(cells)))} |\n"

    def markdown(self, allowed: Allowed) -> str:
        """The table as Markdown, however large."""
        head, *body = ([_shown(cell, allowed) for cell in row] for row in self.rows)
        return "".join(f"| {' | '.join(cells)} |\n" for cells in (head, self.rule, *body))

    def aligned(self) -> str | None:
        """The table as lines of text in columns, if they are narrow enough to be read."""
        if 3 * self.columns - 2 > _MOST_WIDTH:
            return None
        rows = [[_plain(cell) for cell in row] + [""] * (self.columns - len(row)) for row in self.rows]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        if sum(widths) + 2 * (len(widths) - 1) > _MOST_WIDTH:
            return None
        rows.insert(1, ["-" * width for width in widths])
        lines = (without_pings("  ".join(map(str.ljust, row, widths)).rstrip()) for row in rows)
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
