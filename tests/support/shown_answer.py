"""What a person would see of an answer, read from the operations that show it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from bot.playground.markup import from_markdown
from bot.slack.guard import Allowed
from bot.slack.markdown import Append, Attach, Composed, NextMessage, Operation, Writer
from bot.slack.prose.literal import TICK

NOTE = re.compile(r"_The (?:rest|table) is in the attached file `[^`]*`\._")
_TABLE_HEAD = re.compile(r"^\|.*\|\n\|(?: :?-+:? \|)+\n", re.MULTILINE)
FENCE_LINE = re.compile(r"^([ \t>]*(?:(?:[-*+]|\d{1,9}[.)])[ \t]+)?)(?:`{3,}[^`\n]*|~{3,}.*)$", re.MULTILINE)
_CODE = re.compile(r"(?<!`)(`+)(?!`).+?(?<!`)\1(?!`)")
_LABELLED = re.compile(
    r"<(?:!\s*(?:here|channel|everyone|group|subteam|date)|@\s*[UWS][A-Z0-9])[^<>|\n]*"
    r"\|(?=\s*[^\s<>])([^<>\n]*)>",
    re.IGNORECASE,
)
TITLE = re.compile(r"""(\]\(\s*(?:<[^<>\n]*>|[^\s()<>]*))\s+(?:"[^"]*"|'[^']*'|\([^()]*\))\s*\)""")


def streamed(
    text: str, borders: Iterable[int], allowed: Allowed, *, most_chars: int, most_messages: int
) -> Iterator[list[Operation]]:
    """What each piece of the text does; it is divided at these places."""
    writer, at = Writer(allowed, most_chars=most_chars, most_messages=most_messages), 0
    for border in sorted({*borders, len(text)}):
        yield writer.write(text[at : min(border, len(text))])
        at = min(border, len(text))
    yield writer.close()


def composed(operations: Iterable[Operation]) -> Composed:
    """The messages and files that the operations make."""
    whole = Composed([""])
    for operation in operations:
        match operation:
            case Append(markdown):
                whole.messages[-1] += markdown
            case NextMessage():
                whole.messages.append("")
            case Attach():
                whole.files.append(operation)
    return whole


def in_order(operations: Iterable[Operation]) -> str:
    """All text, files at their place."""
    parts = (
        op.markdown if isinstance(op, Append) else f"\n{op.content}" if isinstance(op, Attach) else "\n"
        for op in operations
    )
    return "".join(parts)


def reads(operations: Iterable[Operation], expected: str) -> bool:
    """Whether a reader sees these letters and digits, in order. A table that goes on repeats its head."""
    parts, head = [""], ""
    for operation in operations:
        match operation:
            case Append(markdown):
                parts[-1] += markdown
            case Attach(_, content, _):
                parts[-1] += f"\n{content}"
            case NextMessage():
                parts.append("")
    pattern = ""
    for part in parts:
        begun = _TABLE_HEAD.match(part)
        repeats = begun is not None and begun[0] == head
        pattern += f"(?:{visible(head)})?" if repeats else ""
        pattern += re.escape(visible(part.removeprefix(head) if repeats else part))
        # Of the last table, if the message ends with one.
        heads = _TABLE_HEAD.findall(part)
        head = heads[-1] if heads else ""
    return re.fullmatch(pattern, expected) is not None


def visible(markdown: str) -> str:
    """The letters and digits that a reader sees, in order: no fences' info, no links' titles."""
    text = NOTE.sub("", FENCE_LINE.sub(r"\1", markdown))
    while (plain := html.unescape(text)) != text:
        text = plain
    text = TITLE.sub(r"\1)", text)
    text = _LABELLED.sub(r"\1", text)
    text = re.sub(r"(?i)<\s*!\s*subteam\s*\^(?=[^<>\n]*>)", "<!", text)
    return re.sub(rf"[\W_{TICK}]+", "", re.sub(r"<br\s*/?>", "", text, flags=re.IGNORECASE))


def leaves(markdown: str) -> list[dict[str, Any]]:
    """The leaves of Slack's blocks for this Markdown."""

    def walk(node: Any) -> Iterator[dict[str, Any]]:
        if isinstance(node, dict):
            if "elements" not in node and "rows" not in node:
                yield node
            for child in (*node.get("elements", ()), *node.get("rows", ())):
                yield from walk(child)
        elif isinstance(node, list):
            for child in node:
                yield from walk(child)

    # Code binds more tightly than anything else (https://spec.commonmark.org/0.31.2/#code-spans).
    return list(walk(from_markdown(_CODE.sub("code", markdown))))


def pinged(markdown: str) -> list[str]:
    """Whom it would notify."""
    names = {"user": "user_id", "usergroup": "usergroup_id", "broadcast": "range"}
    return [leaf[names[leaf["type"]]] for leaf in leaves(markdown) if leaf["type"] in names]


def clickable(markdown: str) -> list[str]:
    """The links in it."""
    return [leaf["url"] for leaf in leaves(markdown) if leaf["type"] == "link"]


def tables(markdown: str) -> int:
    """How many tables Slack would make of it."""
    return sum(block["type"] == "table" for block in from_markdown(markdown))


def broken(markdown: str) -> list[str]:
    """The signs of constructs that are begun and not ended; an open fence is none."""
    outside = re.sub(r"^(`{3,})[^`\n]*\n(?:.*\n)*?(?:\1\n|\Z)", "", markdown, flags=re.MULTILINE)
    outside = re.sub(r"\\[^\w\s]", "x", _CODE.sub("x", outside))
    found: list[str] = []
    for line in outside.splitlines():
        marks = re.findall(
            r"(?<=[^\s*])\*+|\*+(?=[^\s*])|(?<=[^\s~])~~+|~~+(?=[^\s~])|`+",
            re.sub(r"^\s*[*_ \t-]+(?=\s|$)", "", line),
        )
        found += [mark for mark in {*marks} if marks.count(mark) % 2]
        found += re.findall(r"\]\((?![^\s()]*\))", line)
    return found


def prefixes(steps: Iterable[Sequence[Operation]]) -> Iterator[str]:
    """What the present message says after each step."""
    message = ""
    for step in steps:
        for operation in step:
            if isinstance(operation, NextMessage):
                message = ""
            elif isinstance(operation, Append):
                message += operation.markdown
                yield message
