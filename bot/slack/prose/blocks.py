"""An answer's Markdown, which arrives bit by bit, as its blocks: stretches of prose, lines of code, tables."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TypeAlias

from bot.slack.prose.stretch import Stretch

_QUOTE = r"[ \t]*(?:>[ \t]*)*"
_QUOTED = re.compile(_QUOTE)
_FENCE = re.compile(
    rf"(?P<lead>{_QUOTE}(?:(?:[-*+]|\d{{1,9}}[.)])[ \t]+)?)"
    r"(?P<marks>`{3,}(?=[^`\n]*$)|~{3,})(?P<info>[^\n]{0,200})",
    re.MULTILINE,
)
_LEAD = re.compile(
    rf"{_QUOTE}(?:(?:[-*+•]|\d{{1,9}}[.)])[ \t]+(?:\[[ xX]\](?=[ \t]))?[ \t]*)*{_QUOTE}(?:#{{1,6}}[ \t]+)?"
)
_LANGUAGE = re.compile(r"\s*([\w+#.-]{1,40})")
_LIST = re.compile(r"[-*+•\d]")
_INDENT = re.compile(r" {4}| {0,3}\t")
_INDENTED = re.compile(rf"(?:{_INDENT.pattern})[ \t]*(?=\S)")
_TICKS = re.compile(r"\s*`{3,}\s*")
_NO_RULE = re.compile(r"[^\s|:>-]")
_SIGN = re.compile(r"[^\s>*+•0-9.)\[\]xX#:|`~=_-]")
_RULE = re.compile(r"[ \t]*(?:(?:-[ \t]*){3,}|(?:\*[ \t]*){3,}|(?:_[ \t]*){3,})")
_TABLE_ROW = re.compile(rf"{_QUOTE}\|")
TABLE_RULE = re.compile(r"[ \t]*\|?[ \t]*:?-+:?[ \t]*(?:\|[ \t]*:?-+:?[ \t]*)*\|?[ \t]*")
"""The line below a table's head (https://github.github.com/gfm/#tables-extension-)."""

# Before so many characters it is decided what a line is, and a longer line is no table's row.
_DECIDED = 200
_LONGEST_ROW = 10_000
_LONGEST_CODE = 2_000


@dataclass(frozen=True, slots=True)
class Prose:
    """A stretch of prose. `lead` is what makes its line a heading, a quote or a list's item."""

    source: str
    lead: str = ""
    starts_line: bool = False
    joins: bool = False
    """Whether what was before ends without white space."""
    is_cut: bool = False
    """Whether it ends inside a word."""
    is_verbatim: bool = False
    """Whether it is to be shown in code, since as Markdown it would be something else."""


@dataclass(frozen=True, slots=True)
class Blank:
    """An empty line."""


@dataclass(frozen=True, slots=True)
class CodeBegins:
    """A fence; `info` names the language."""

    marks: str
    info: str


@dataclass(frozen=True, slots=True)
class CodeLine:
    """A line of code, or a piece of a very long one."""

    text: str
    ends_line: bool = True


@dataclass(frozen=True, slots=True)
class CodeEnds:
    """The other fence."""


@dataclass(frozen=True, slots=True)
class TableLines:
    """A table's lines; the second is its rule."""

    lines: tuple[str, ...]


Block: TypeAlias = Prose | Blank | CodeBegins | CodeLine | CodeEnds | TableLines


@dataclass(frozen=True, slots=True)
class _Fence:
    marks: str
    indent: int
    quotes: int
    """How many quotes it stands in."""

    def would_be_closed_by(self, line: str) -> bool:
        """Whether a line of the code ends the fence of back-ticks that is shown in place of one of tildes."""
        return self.marks[0] == "~" and len(line.strip()) > len(self.marks) and not line.strip().strip("`")

    def closed_by(self, line: str) -> bool:
        line = line.strip()
        return line.startswith(self.marks) and not line.strip(self.marks[0])


def _quotes(line: str) -> int:
    """How many quotes the line stands in."""
    lead = _QUOTED.match(line)
    return lead[0].count(">") if lead else 0


def _unquoted(line: str, quotes: int) -> str:
    """The line without the marks of so many quotes, and one space behind them."""
    return re.sub(rf"^(?:[ \t]*>){{0,{quotes}}}[ \t]?", "", line) if quotes else line


class Blocks:
    """Reads Markdown. What is given is certain: it doesn't depend on how the text was divided."""

    def __init__(self) -> None:
        self._text = ""
        self._at = 0
        self._last = False
        self._fence: _Fence | None = None
        self._table: list[str] = []
        self._quotes = 0
        self._after_blank = True
        self._in_list = False
        self._indented = False
        self._blanks = 0
        self._stretch: Stretch | None = None
        self._lead: str | None = None
        self._joins = False
        self._piped = False

    def feed(self, text: str, *, last: bool = False) -> Iterator[Block]:
        """The blocks that are complete now, and were not given before."""
        self._text = self._text[self._at :] + text
        if self._stretch is not None:
            self._stretch.move(-self._at)
        self._at, self._last = 0, last
        while (blocks := self._step()) is not None:
            yield from blocks
        if last and (self._fence is not None or self._indented):
            yield CodeEnds()

    def _step(self) -> list[Block] | None:
        """The next blocks; none at all if more text must come first."""
        if self._fence is not None:
            return self._code(self._fence)
        if self._indented:
            return self._indented_code()
        if self._stretch is not None:
            return self._prose(self._stretch)
        if self._table:
            return self._row()
        return self._line() if self._at < len(self._text) else None

    def _whole_line(self, most: int) -> str | None:
        """The line that begins here, with its end; none if it is not complete, empty if it is too long."""
        end = self._text.find("\n", self._at, self._at + most + 1)
        if end >= 0:
            return self._text[self._at : end + 1]
        if len(self._text) - self._at > most:
            return ""
        return self._text[self._at :] if self._last else None

    # lines

    def _line(self) -> list[Block] | None:
        begun = self._text[self._at : self._at + _DECIDED]
        line = self._whole_line(_LONGEST_ROW if _TABLE_ROW.match(begun) else _DECIDED)
        if line is None and not self._decided(begun):
            return None
        if line and not line.strip():
            self._at += len(line)
            self._piped, self._after_blank = False, True
            return [Blank()]
        if line and (match := _FENCE.fullmatch(line.rstrip("\n"))):
            return self._begin_code(match, line)
        if line and _TABLE_ROW.match(line):
            rule = self._rule_below(len(line))
            if rule is None:
                return None
            if rule:
                self._at += len(line) + len(rule)
                self._quotes = _quotes(line)
                self._note_line(line[:1])
                self._table = [_unquoted(line, self._quotes), _unquoted(rule, self._quotes)]
                return []
        if self._after_blank and not self._in_list and _INDENTED.match(begun):
            self._indented = True
            return [CodeBegins("```", "")]
        return self._begin_prose(begun, line or "")

    def _note_line(self, lead: str) -> None:
        """Keep in mind what the next lines may belong to: within a list, indented lines are no code."""
        if _LIST.search(lead):
            self._in_list = True
        elif self._after_blank and not lead[:1].isspace():
            self._in_list = False
        self._after_blank = False

    def _rule_below(self, size: int) -> str | None:
        """The table's rule below a line of this size; empty if there is none, none if more must come first."""
        self._at += size
        line = self._whole_line(_LONGEST_ROW)
        self._at -= size
        if line is None:
            return "" if _NO_RULE.search(self._text, self._at + size) else None
        quotes = _quotes(self._text[self._at : self._at + size])
        return line if TABLE_RULE.fullmatch(_unquoted(line, quotes).rstrip("\n")) else ""

    def _decided(self, begun: str) -> bool:
        """Whether the line that has begun is prose for certain."""
        if _TABLE_ROW.match(begun) or _FENCE.match(begun):
            return False
        return bool(_SIGN.search(begun))

    def _begin_prose(self, begun: str, line: str) -> list[Block]:
        match = _LEAD.match(begun)
        lead, plain = match[0] if match else "", line.rstrip("\n")
        self._note_line(lead)
        rest = plain[len(lead) :]
        if rest and TABLE_RULE.fullmatch(rest) and ("|" in rest or self._piped):
            # Its table has no border at the left, and so was not held back.
            self._at += len(line)
            return [Prose(rest, lead=lead, starts_line=True, is_verbatim=True)]
        if plain and _RULE.fullmatch(plain):
            self._at += len(line)
            return [Prose("\n" if line.endswith("\n") else "", lead=plain.strip(), starts_line=True)]
        self._lead = lead
        self._at += len(lead)
        self._stretch = Stretch(self._at)
        self._piped = False
        return []

    def _prose(self, stretch: Stretch) -> list[Block] | None:
        found = stretch.end(self._text, last=self._last)
        if found is None:
            return None
        end, is_cut = found
        source, lead, joins = self._text[self._at : end], self._lead, self._joins
        self._piped |= "|" in source
        self._at, self._lead = end, None
        at_end = source.endswith("\n") or (self._last and end == len(self._text))
        self._stretch = None if at_end else Stretch(end)
        self._joins = not (at_end or is_cut or source[-1:].isspace())
        return [Prose(source, lead or "", starts_line=lead is not None, joins=joins, is_cut=is_cut)]

    # code

    def _begin_code(self, match: re.Match[str], line: str) -> list[Block]:
        lead, marks = match["lead"], match["marks"]
        self._note_line(lead)
        self._fence = _Fence(marks, len(lead.replace(">", " ").expandtabs(4)), lead.count(">"))
        self._at += len(line)
        # Slack knows back-ticks only; one more, since between tildes there may be fences of back-ticks.
        shown = marks if marks[0] == "`" else "`" * (len(marks) + 1)
        before: list[Block] = [Prose("\n", lead.rstrip() + " ", starts_line=True)] if lead.strip(" \t>") else []
        language = _LANGUAGE.match(match["info"])
        return [*before, CodeBegins(shown, language[1] if language else "")]

    def _code(self, fence: _Fence) -> list[Block] | None:
        line = self._whole_line(_LONGEST_CODE)
        if line == "" and self._at < len(self._text):
            return [CodeLine(self._piece(), ends_line=False)]
        if not line:
            return None
        if _quotes(line) < min(fence.quotes, 1):
            self._fence = None
            return [CodeEnds()]
        self._at += len(line)
        code = _unquoted(line, fence.quotes)
        if fence.closed_by(code):
            self._fence = None
            return [CodeEnds()]
        code = self._dedented(code.rstrip("\n"), 0 if fence.quotes else fence.indent)
        return [CodeLine(f"\u200b{code}" if fence.would_be_closed_by(code) else code)]

    def _indented_code(self) -> list[Block] | None:
        """The next line of code that is indented by four columns, or its end."""
        line = self._whole_line(_LONGEST_CODE)
        begun = self._text[self._at : self._at + _DECIDED] if line is None else line
        if line is None and (_INDENTED.match(begun) or not begun.strip()):
            return None
        if line and not line.strip():
            self._at += len(line)
            self._blanks += 1
            return []
        # Empty lines belong to the code if there is more of it.
        blanks, self._blanks = self._blanks, 0
        if not line or not _INDENTED.match(line):
            self._indented, self._after_blank = False, blanks > 0
            return [CodeEnds(), Blank()] if blanks else [CodeEnds()]
        self._at += len(line)
        code = _INDENT.sub("", line.rstrip("\n"), count=1)
        return [*[CodeLine("")] * blanks, CodeLine(f"\u200b{code}" if _TICKS.fullmatch(code) else code)]

    def _piece(self) -> str:
        """The next piece of a very long line of code, which no `<…` is cut by."""
        piece = self._text[self._at : self._at + _LONGEST_CODE]
        begun = piece.rfind("<", _LONGEST_CODE - 100)
        piece = piece[:begun] if begun > 0 else piece
        self._at += len(piece)
        return piece

    @staticmethod
    def _dedented(line: str, indent: int) -> str:
        return line[min(indent, len(line) - len(line.lstrip(" \t"))) :]

    # tables

    def _row(self) -> list[Block] | None:
        line = self._whole_line(_LONGEST_ROW)
        if line and "|" in line and _quotes(line) >= self._quotes:
            self._table.append(_unquoted(line, self._quotes))
            self._at += len(line)
            return []
        if line is None and not self._last:
            return None
        lines, self._table = self._table, []
        return [TableLines(tuple(lines))]
