"""Slack's two ways to write text, read into rich text: what people type, and Markdown.

Rich text is Slack's tree of blocks (https://docs.slack.dev/reference/block-kit/blocks/rich-text-block).
The translation covers what chat answers use; it is close to Slack's, not equal to it in every corner.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.playground.inline import MRKDWN, Inline, escape, markdown, styled, unescape
from bot.playground.objects import JSON
from bot.playground.wording import to_mrkdwn

__all__ = ["escape", "from_markdown", "from_mrkdwn", "to_mrkdwn", "typed", "unescape"]

_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")
_BULLET = re.compile(r"(\s*)(?:[-*+•]|(\d+)[.)])\s+(.*)")
_MORE_QUOTE = re.compile(r"^(?:\s*(?:>|&gt;))+ ?")
_FENCE = re.compile(r"\s*(?P<marks>`{3,}|~{3,})(?P<info>[^`]*)")
_LANGUAGE = re.compile(r"[\w+#-]+")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*")
_DEFINITION = re.compile(r" {0,3}\[([^\[\]]+)\]:\s*<?([^\s<>]+)>?(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^)]*\)))?\s*")
_SPECIAL_WORD = re.compile(r"(?<![\w@])@(here|channel|everyone)\b")
_URL = re.compile(r"https?://[^\s<>|]+[^\s<>|.,;:!?)\]}'\"]")


def typed(text: str, users: dict[str, str], channels: dict[str, str]) -> str:
    """What a person typed, as Slack sends it: escaped, with `@name`, `#name` and links made into tokens.

    `users` and `channels` map names to ids; words that name nobody stay words.
    """

    def user(match: re.Match[str]) -> str:
        return f"<@{users[match[1]]}>" if match[1] in users else match[0]

    def channel(match: re.Match[str]) -> str:
        return f"<#{channels[match[1]]}|{match[1]}>" if match[1] in channels else match[0]

    text = _URL.sub(lambda match: f"<{match[0]}>", escape(text))
    text = _SPECIAL_WORD.sub(lambda match: f"<!{match[1]}>", text)
    text = re.sub(r"(?<![\w@/])@([a-z0-9][a-z0-9._-]*[a-z0-9]|[a-z0-9])", user, text)
    return re.sub(r"(?<![\w#/&])#([a-z0-9][a-z0-9_-]*)", channel, text)


def from_mrkdwn(text: str) -> list[JSON]:
    """A person's message as one `rich_text` block; none for an empty text."""
    if not text.strip():
        return []
    return [_rich_text(_Mrkdwn(_Lines(text.split("\n")), MRKDWN).elements())]


def from_markdown(text: str) -> list[JSON]:
    """Markdown as Slack's blocks: `rich_text`, and `table` for each table."""
    if not text.strip():
        return []
    lines, references = _without_definitions(text.split("\n"))
    blocks = list[JSON]()
    for element in _Markdown(_Lines(lines), markdown(references)).elements():
        if element["type"] == "table":
            blocks.append(element)
        elif blocks and blocks[-1]["type"] == "rich_text":
            blocks[-1]["elements"].append(element)
        else:
            blocks.append(_rich_text([element]))
    return blocks


def _rich_text(elements: list[JSON]) -> JSON:
    return {"type": "rich_text", "elements": elements}


def _preformatted(code: str) -> JSON:
    return {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": unescape(code) or " "}]}


@dataclass(slots=True)
class _Lines:
    """The lines of a text, read one by one."""

    lines: list[str]
    at: int = 0

    def __bool__(self) -> bool:
        return self.at < len(self.lines)

    @property
    def next(self) -> str:
        return self.lines[self.at]

    @property
    def after_next(self) -> str:
        return self.lines[self.at + 1] if self.at + 1 < len(self.lines) else ""

    def take(self) -> str:
        self.at += 1
        return self.lines[self.at - 1]

    def take_while(self, wanted: Callable[[str], bool]) -> Iterator[str]:
        while self and wanted(self.next):
            yield self.take()


@dataclass(slots=True)
class _Mrkdwn:
    """What people write: paragraphs, lists, quotes and code."""

    lines: _Lines
    inline: Inline

    def elements(self) -> list[JSON]:
        elements = list[JSON]()
        while self.lines:
            elements += self.special() or [self._section()]
        return elements

    def special(self) -> list[JSON]:
        """What begins here, if it is more than words."""
        if self.opens_code(self.lines.next):
            return [self.code()]
        if _is_quote(self.lines.next):
            return self.quote([_unquoted(line) for line in self.lines.take_while(_is_quote)])
        if match := _BULLET.fullmatch(self.lines.next):
            return [self._list(bool(match[2]), len(match[1]))]
        return []

    def opens_special(self) -> bool:
        """Whether a paragraph ends before the next line."""
        line = self.lines.next
        return self.opens_code(line) or _is_quote(line) or bool(_BULLET.fullmatch(line))

    def opens_code(self, line: str) -> bool:
        return line.lstrip().startswith("```")

    def code(self) -> JSON:
        first = self.lines.take().lstrip().removeprefix("```")
        if first.endswith("```"):
            return _preformatted(first[:-3])
        body = list(self.lines.take_while(lambda line: not line.rstrip().endswith("```")))
        if self.lines:
            last = self.lines.take().rstrip().removesuffix("```")
            body += [last] if last.strip() else []
        # A lone word behind the fence names the language; Slack does not show it.
        if first and not _LANGUAGE.fullmatch(first):
            body.insert(0, first)
        return _preformatted("\n".join(body))

    def quote(self, lines: list[str]) -> list[JSON]:
        return [{"type": "rich_text_quote", "elements": self.inline.leaves("\n".join(lines))}]

    def _section(self) -> JSON:
        text = [self.lines.take()]
        while self.lines and not self.opens_special():
            text.append(self.lines.take())
        ending = "\n" if self.lines else ""
        return {"type": "rich_text_section", "elements": self.inline.leaves("\n".join(text) + ending)}

    def _list(self, ordered: bool, indent: int) -> JSON:
        def belongs(line: str) -> bool:
            match = _BULLET.fullmatch(line)
            return bool(match and bool(match[2]) == ordered and len(match[1]) == indent)

        items = [_BULLET.fullmatch(line) for line in self.lines.take_while(belongs)]
        return {
            "type": "rich_text_list",
            "style": "ordered" if ordered else "bullet",
            "indent": min(indent // 2, 8),
            "elements": [
                {"type": "rich_text_section", "elements": self.inline.leaves(item[3])} for item in items if item
            ],
        }


class _Markdown(_Mrkdwn):
    """What models write: headings, tables, and fences of any length, too."""

    __slots__ = ()

    def special(self) -> list[JSON]:
        if match := _HEADING.fullmatch(self.lines.next):
            self.lines.take()
            leaves = self.inline.leaves(match[1] + "\n")
            bold = [styled(leaf, "bold") if leaf["type"] == "text" else leaf for leaf in leaves]
            return [{"type": "rich_text_section", "elements": bold}]
        return [self._table()] if self._opens_table() else super().special()

    def opens_special(self) -> bool:
        return bool(_HEADING.fullmatch(self.lines.next)) or self._opens_table() or super().opens_special()

    def opens_code(self, line: str) -> bool:
        return bool(_FENCE.fullmatch(line))

    def code(self) -> JSON:
        fence = _FENCE.fullmatch(self.lines.take())
        assert fence is not None  # noqa: S101 - opens_code has made sure
        body = list(self.lines.take_while(lambda line: not _closes(fence["marks"], line)))
        if self.lines:
            self.lines.take()
        return _preformatted("\n".join(body))

    def quote(self, lines: list[str]) -> list[JSON]:
        """Code and lists stay what they are, paragraphs are the quote; a quote in it is the same quote."""
        inside = _Markdown(_Lines([_MORE_QUOTE.sub("", line) for line in lines]), self.inline).elements()
        return [
            {**element, "type": "rich_text_quote"} if element["type"] == "rich_text_section" else element
            for element in inside
        ]

    def _opens_table(self) -> bool:
        head, rule = self.lines.next, self.lines.after_next
        return (
            "|" in head
            and "-" in rule
            and bool(_TABLE_RULE.fullmatch(rule))
            and len(_cells(head)) == len(_cells(rule))
        )

    def _table(self) -> JSON:
        head, _ = self.lines.take(), self.lines.take()
        rows = [head, *self.lines.take_while(lambda line: "|" in line)]
        return {"type": "table", "rows": [[self._cell(cell) for cell in _cells(row)] for row in rows]}

    def _cell(self, text: str) -> JSON:
        return _rich_text([{"type": "rich_text_section", "elements": self.inline.leaves(text)}])


def _without_definitions(lines: list[str]) -> tuple[list[str], dict[str, str]]:
    """The lines that are shown, and the links that the others define; what looks so within code is code."""
    shown, references, marks = list[str](), dict[str, str](), ""
    for line in lines:
        fence = _FENCE.fullmatch(line)
        if marks:
            marks = "" if _closes(marks, line) else marks
        elif fence:
            marks = fence["marks"]
        elif definition := _DEFINITION.fullmatch(line):
            references.setdefault(definition[1].lower(), definition[2])
            continue
        shown.append(line)
    return shown, references


def _closes(marks: str, line: str) -> bool:
    stripped = line.strip()
    return len(stripped) >= len(marks) and set(stripped) == {marks[0]}


def _cells(row: str) -> list[str]:
    inner = re.sub(r"(?<!\\)\|$", "", row.strip().removeprefix("|"))
    return [cell.strip().replace(r"\|", "|") for cell in re.split(r"(?<!\\)\|", inner)]


def _is_quote(line: str) -> bool:
    return line.startswith((">", "&gt;"))


def _unquoted(line: str) -> str:
    return re.sub(r"^(>|&gt;) ?", "", line)
