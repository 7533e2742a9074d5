"""Slack's two ways to write text, read into rich text: what people type, and Markdown.

Rich text is Slack's tree of blocks (https://docs.slack.dev/reference/block-kit/blocks/rich-text-block).
The translation covers what chat answers use; it is close to Slack's, not equal to it in every corner.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from bot.playground.objects import JSON

_MARKDOWN = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|!?\[(?P<label>[^\]\n]*)\]\((?P<url>[^)\s]+)\)"
    r"|<(?P<token>(?:[@#!]|https?://|mailto:)[^<>\n]*)>"
    r"|\*\*(?P<bold>(?=\S).+?(?<=\S))\*\*"
    r"|~~(?P<strike>(?=\S).+?(?<=\S))~~"
    r"|(?<![\w*])\*(?P<italic>(?=[^\s*])[^*\n]+)\*(?![\w*])"
    r"|(?<!\w)_(?P<italic2>(?=[^\s_])[^_\n]+)_(?!\w)"
    r"|(?P<bare>https?://[^\s<>()]+)"
    r"|(?<![\w:]):(?P<emoji>[a-z+][a-z0-9_+-]*):(?!\w)"
)
_MRKDWN = re.compile(
    r"`(?P<code>[^`\n]+)`"
    r"|<(?P<token>[^<>\n]+)>"
    r"|(?<![\w*])\*(?P<bold>(?=[^\s*])[^*\n]+)\*(?![\w*])"
    r"|(?<![\w~])~(?P<strike>(?=[^\s~])[^~\n]+)~(?![\w~])"
    r"|(?<!\w)_(?P<italic>(?=[^\s_])[^_\n]+)_(?!\w)"
    r"|(?<![\w:]):(?P<emoji>[a-z+][a-z0-9_+-]*):(?!\w)"
)
_HEADING = re.compile(r"#{1,6}\s+(.*?)\s*#*$")
_BULLET = re.compile(r"(\s*)(?:[-*+•]|(\d+)[.)])\s+(.*)")
_TABLE_RULE = re.compile(r"\s*\|?\s*:?-+:?\s*(\|\s*:?-+:?\s*)*\|?\s*$")
_SPECIAL_WORD = re.compile(r"(?<![\w@])@(here|channel|everyone)\b")
_URL = re.compile(r"https?://[^\s<>|]+[^\s<>|.,;:!?)\]}'\"]")

Inline = Callable[[str], list[JSON]]


def escape(text: str) -> str:
    """Slack's escapes: `&`, `<` and `>` only."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The inverse of `escape`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


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
    return _blocks(text, lambda line: _inline(line, _MRKDWN, unescape))


def from_markdown(text: str) -> list[JSON]:
    """Markdown as Slack's blocks: `rich_text`, and `table` for each table."""
    return _blocks(text, lambda line: _inline(line, _MARKDOWN, unescape), markdown=True)


def to_mrkdwn(blocks: list[JSON]) -> str:
    """The `text` that Slack gives a message made of these blocks."""
    return "\n".join(_block_text(block) for block in blocks).strip()


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

    def take(self) -> str:
        self.at += 1
        return self.lines[self.at - 1]

    def take_while(self, wanted: Callable[[str], bool]) -> Iterator[str]:
        while self and wanted(self.next):
            yield self.take()


def _blocks(text: str, inline: Inline, *, markdown: bool = False) -> list[JSON]:
    lines, blocks, elements = _Lines(text.split("\n")), list[JSON](), list[JSON]()
    if not text.strip():
        return []
    while lines:
        if markdown and _starts_table(lines):
            if elements:
                blocks.append({"type": "rich_text", "elements": elements})
                elements = []
            blocks.append(_table(lines, inline))
        else:
            elements.append(_element(lines, inline, markdown=markdown))
    if elements:
        blocks.append({"type": "rich_text", "elements": elements})
    return blocks


def _element(lines: _Lines, inline: Inline, *, markdown: bool) -> JSON:
    line = lines.next
    if line.lstrip().startswith("```"):
        return _preformatted(lines)
    if _is_quote(line):
        quoted = "\n".join(re.sub(r"^(>|&gt;) ?", "", each) for each in lines.take_while(_is_quote))
        return {"type": "rich_text_quote", "elements": inline(quoted)}
    if match := _BULLET.fullmatch(line):
        return _list(lines, bool(match[2]), len(match[1]), inline)
    if markdown and (match := _HEADING.fullmatch(line)):
        lines.take()
        return {"type": "rich_text_section", "elements": [_bold(each) for each in inline(match[1] + "\n")]}
    return _section(lines, inline, markdown=markdown)


def _section(lines: _Lines, inline: Inline, *, markdown: bool) -> JSON:
    def goes_on(line: str) -> bool:
        special = line.lstrip().startswith("```") or _is_quote(line) or _BULLET.fullmatch(line)
        return not (special or (markdown and (_HEADING.fullmatch(line) or _starts_table(lines))))

    text = "\n".join([lines.take(), *lines.take_while(goes_on)])
    return {"type": "rich_text_section", "elements": inline(text + "\n" if lines else text)}


def _preformatted(lines: _Lines) -> JSON:
    first = lines.take().lstrip().removeprefix("```")
    if first.endswith("```"):
        return {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": unescape(first[:-3])}]}
    body = list(lines.take_while(lambda line: not line.rstrip().endswith("```")))
    if lines:
        last = lines.take().rstrip().removesuffix("```")
        body += [last] if last.strip() else []
    # A lone word behind the fence names the language; Slack does not show it.
    if first and not re.fullmatch(r"[\w+#-]+", first):
        body.insert(0, first)
    code = unescape("\n".join(body)) or " "
    return {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": code}]}


def _list(lines: _Lines, ordered: bool, indent: int, inline: Inline) -> JSON:
    def belongs(line: str) -> bool:
        match = _BULLET.fullmatch(line)
        return bool(match and bool(match[2]) == ordered and len(match[1]) == indent)

    items = [_BULLET.fullmatch(line) for line in lines.take_while(belongs)]
    return {
        "type": "rich_text_list",
        "style": "ordered" if ordered else "bullet",
        "indent": min(indent // 2, 8),
        "elements": [{"type": "rich_text_section", "elements": inline(item[3])} for item in items if item],
    }


def _starts_table(lines: _Lines) -> bool:
    following = lines.lines[lines.at + 1 : lines.at + 2]
    return (
        "|" in lines.next
        and bool(following)
        and "-" in following[0]
        and bool(_TABLE_RULE.fullmatch(following[0]))
    )


def _table(lines: _Lines, inline: Inline) -> JSON:
    rows = [line for line in lines.take_while(lambda line: "|" in line) if not _TABLE_RULE.fullmatch(line)]
    return {
        "type": "table",
        "rows": [[_cell(cell, inline) for cell in row.strip().strip("|").split("|")] for row in rows],
    }


def _cell(text: str, inline: Inline) -> JSON:
    section = {"type": "rich_text_section", "elements": inline(text.strip())}
    return {"type": "rich_text", "elements": [section]}


def _is_quote(line: str) -> bool:
    return line.startswith((">", "&gt;"))


def _inline(text: str, syntax: re.Pattern[str], plain: Callable[[str], str]) -> list[JSON]:
    elements, at = list[JSON](), 0
    for match in syntax.finditer(text):
        elements += _words(plain(text[at : match.start()]))
        elements += _marked(match, syntax, plain)
        at = match.end()
    return elements + _words(plain(text[at:]))


def _words(text: str) -> list[JSON]:
    return [{"type": "text", "text": text}] if text else []


def _marked(match: re.Match[str], syntax: re.Pattern[str], plain: Callable[[str], str]) -> list[JSON]:
    kind, groups = match.lastgroup, match.groupdict()
    if kind == "code":
        return [{"type": "text", "text": plain(match["code"]), "style": {"code": True}}]
    if kind == "url":
        return [{"type": "link", "url": match["url"], **({"text": match["label"]} if match["label"] else {})}]
    if kind == "bare":
        return [{"type": "link", "url": match["bare"]}]
    if kind == "emoji":
        return [{"type": "emoji", "name": match["emoji"]}]
    if kind == "token":
        return [_token(match["token"], plain)]
    style = "italic" if kind == "italic2" else str(kind)
    inner = _inline(groups[kind or ""] or "", syntax, plain)
    return [{**each, "style": {**each.get("style", {}), style: True}} for each in inner]


def _token(token: str, plain: Callable[[str], str]) -> JSON:
    target, _, label = token.partition("|")
    if target.startswith("@"):
        return {"type": "user", "user_id": target[1:]}
    if target.startswith("#"):
        return {"type": "channel", "channel_id": target[1:]}
    if target.startswith("!subteam^"):
        return {"type": "usergroup", "usergroup_id": target.removeprefix("!subteam^")}
    if target.startswith("!date^"):
        stamp, form = [*target.removeprefix("!date^").split("^"), ""][:2]
        return {"type": "date", "timestamp": int(stamp), "format": form, "fallback": plain(label)}
    if target.startswith("!"):
        return {"type": "broadcast", "range": target[1:]}
    return {"type": "link", "url": plain(target), **({"text": plain(label)} if label else {})}


def _bold(element: JSON) -> JSON:
    return (
        {**element, "style": {**element.get("style", {}), "bold": True}}
        if element["type"] == "text"
        else element
    )


def _block_text(block: JSON) -> str:
    if block["type"] == "table":
        return "\n".join(" | ".join(_block_text(cell).strip() for cell in row) for row in block["rows"])
    if block["type"] == "rich_text":
        return "".join(_element_text(element) for element in block["elements"])
    text = block.get("text", "")
    return str(text.get("text", "") if isinstance(text, dict) else text)


def _element_text(element: JSON) -> str:
    kind = element["type"]
    if kind == "rich_text_list":
        bullets = (f"{number}." if element["style"] == "ordered" else "•" for number in range(1, 10**6))
        lines = [
            f"{mark} {_element_text(item)}" for mark, item in zip(bullets, element["elements"], strict=False)
        ]
        return "".join("    " * element["indent"] + line + "\n" for line in lines)
    text = "".join(_leaf_text(leaf) for leaf in element["elements"])
    if kind == "rich_text_preformatted":
        return f"```\n{text}\n```\n"
    if kind == "rich_text_quote":
        return "".join(f"&gt; {line}\n" for line in text.split("\n"))
    return text


_MARKS = {"bold": "*", "italic": "_", "strike": "~", "code": "`"}


def _leaf_text(leaf: JSON) -> str:
    match leaf["type"]:
        case "text":
            text = escape(leaf["text"])
        case "link":
            text = f"<{leaf['url']}|{escape(leaf['text'])}>" if "text" in leaf else f"<{leaf['url']}>"
        case "emoji":
            text = f":{leaf['name']}:"
        case "user":
            text = f"<@{leaf['user_id']}>"
        case "channel":
            text = f"<#{leaf['channel_id']}>"
        case "usergroup":
            text = f"<!subteam^{leaf['usergroup_id']}>"
        case "date":
            text = f"<!date^{leaf['timestamp']}^{leaf['format']}|{escape(leaf['fallback'])}>"
        case _:
            text = f"<!{leaf['range']}>"
    core = text.rstrip()
    for style, mark in _MARKS.items():
        if leaf.get("style", {}).get(style) and core:
            core = f"{mark}{core}{mark}"
    return core + text[len(text.rstrip()) :]
