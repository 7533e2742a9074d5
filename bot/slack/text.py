"""Slack's text and blocks as readable Markdown for the model.

Message `text` escapes only `&`, `<` and `>`, and writes mentions, channels, dates and links as `<…>` tokens
(https://docs.slack.dev/messaging/formatting-message-text). `rich_text` blocks hold the same without escapes,
and are the better source of code and lists.
"""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

from bot.surrogates import well_formed

Json: TypeAlias = Mapping[str, Any]

_TOKEN = re.compile(r"<([^<>|\n][^<>\n]*)>")
_FENCE = "```"
# Slack's lists go nine levels deep.
_MOST_INDENT = 8


@dataclass(frozen=True, slots=True)
class Names:
    """What ids in a text stand for."""

    me: str
    """The bot's own user id: its mention is left out."""
    people: Mapping[str, str]
    places: Mapping[str, str]

    def place(self, channel_id: str, label: str = "") -> str:
        """`#name` of a channel."""
        return "#" + label if label else self.places.get(channel_id) or "#" + channel_id

    def mention(self, user_id: str, label: str = "") -> str:
        """`@Name` of a user, or nothing for the bot itself."""
        if user_id == self.me:
            return ""
        return "@" + (self.people.get(user_id) or label or user_id)


def people_in(message: Json) -> Iterator[str]:
    """The ids of the people whose names are needed to read the message: its writer and whom it mentions."""
    if user := message.get("user"):
        yield user
    for text in _texts(message):
        yield from re.findall(r"<@([UW][A-Z0-9]+)", text)


def places_in(message: Json) -> Iterator[str]:
    """The ids of the channels that the message mentions."""
    for text in _texts(message):
        yield from re.findall(r"<#([CGD][A-Z0-9]+)", text)


def _texts(message: Json) -> Iterator[str]:
    """Every string that may hold a token. Rich text holds none."""
    blocks = [block for block in _objects(message.get("blocks")) if block.get("type") != "rich_text"]
    left: list[Any] = [message.get("text"), blocks, message.get("attachments")]
    while left:
        match left.pop():
            case str(text):
                yield text
            case dict(parts):
                left += parts.values()
            case list(parts):
                left += parts


def readable(message: Json, names: Names) -> str:
    """The words of a message: of its blocks, of its text where they don't say it already, of its attachments.

    Whatever a bot has posted can be read: what is not as Slack describes it is left out.
    """
    blocks = _objects(message.get("blocks"))
    shown = "\n".join(filter(None, (_block(block, names) for block in blocks))).strip()
    text = from_mrkdwn(_string(message.get("text")), names).strip()
    if shown and (any(block.get("type") == "rich_text" for block in blocks) or _bare(text) in _bare(shown)):
        # Beside rich text, Slack makes the text from it.
        text = ""
    attached = (_attachment(each, names) for each in _objects(message.get("attachments")))
    return well_formed("\n".join(filter(None, [text, shown, *attached])))


def _bare(text: str) -> str:
    """The letters and digits."""
    return re.sub(r"[\W_]+", "", text)


def from_mrkdwn(text: str, names: Names) -> str:
    """Slack's `text` with its tokens in words and its escapes undone."""
    spoken = _TOKEN.sub(lambda match: _token(match[1], names), text)
    # Only after the tokens: an escaped `&lt;@U1&gt;` is something a person typed, not a mention.
    return unescape(spoken)


def unescape(text: str) -> str:
    """Undo Slack's three escapes."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def escape(text: str) -> str:
    """Slack's three escapes, for the `text` field."""
    return html.escape(text, quote=False)


def _token(token: str, names: Names) -> str:
    body, _, label = token.partition("|")
    match body[0]:
        case "@":
            return names.mention(body[1:], label)
        case "#":
            return names.place(body[1:], label)
        case "!":
            return _special(body[1:], label)
    address = body.removeprefix("mailto:").removeprefix("tel:")
    return address if not label or label == address else f"{label} ({address})"


def _special(command: str, label: str) -> str:
    kind, _, rest = command.partition("^")
    match kind:
        case "date":
            return label or _date(rest.partition("^")[0])
        case "subteam":
            return "@" + (label or rest).lstrip("@")
    return label or "@" + kind


def _date(timestamp: str) -> str:
    try:
        return f"{datetime.fromtimestamp(int(timestamp), UTC):%Y-%m-%d %H:%M UTC}"
    except (ValueError, OverflowError, OSError):
        return timestamp


def _block(block: Json, names: Names) -> str:
    match block.get("type"):
        case "rich_text":
            return _rich_text(block, names)
        case "table":
            return _table(block, names)
    parts: Iterable[Any] = [block.get("text"), *_parts(block, "fields"), *_parts(block, "elements")]
    return "\n".join(filter(None, (_text_object(part, names) for part in parts)))


def _rich_text(block: Json, names: Names) -> str:
    return "\n".join(_rich_element(element, names) for element in _elements(block))


def _rich_element(element: Json, names: Names) -> str:
    match element.get("type"):
        case "rich_text_list":
            return _list(element, names)
        case "rich_text_preformatted":
            return f"{_FENCE}\n{_plain_inline(element, names)}\n{_FENCE}"
        case "rich_text_quote":
            return "\n".join("> " + line for line in _inline(element, names).splitlines())
    return _inline(element, names)


def _list(element: Json, names: Names) -> str:
    indent = "  " * min(_number(element.get("indent")), _MOST_INDENT)
    first = _number(element.get("offset")) + 1
    ordered = element.get("style") == "ordered"
    return "\n".join(
        f"{indent}{f'{number}.' if ordered else '-'} {_inline(item, names)}"
        for number, item in enumerate(_elements(element), first)
    )


def _table(block: Json, names: Names) -> str:
    """A table block as Markdown; its first row is the head."""
    rows = [cells for row in _parts(block, "rows") if (cells := [_cell(cell, names) for cell in _objects(row)])]
    lines = [f"| {' | '.join(cells)} |" for cells in rows]
    return "\n".join([lines[0], "|" + " --- |" * len(rows[0]), *lines[1:]]) if rows else ""


def _cell(cell: Json, names: Names) -> str:
    words = _rich_text(cell, names) if cell.get("type") == "rich_text" else _string(cell.get("text"))
    return " ".join(words.split()).replace("|", "\\|")


def _inline(section: Json, names: Names) -> str:
    words = (_styled(_word(element, names), element.get("style")) for element in _elements(section))
    return "".join(words).rstrip("\n")


def _plain_inline(section: Json, names: Names) -> str:
    words = (
        _string(element.get("text")) or _string(element.get("url")) or _word(element, names)
        for element in _elements(section)
    )
    return "".join(words).rstrip("\n")


def _word(element: Json, names: Names) -> str:
    def said(key: str) -> str:
        return _string(element.get(key))

    match element.get("type"):
        case "link":
            return _link(said("url"), said("text"))
        case "user":
            return names.mention(said("user_id"))
        case "channel":
            return names.place(said("channel_id"))
        case "usergroup":
            return "@" + said("usergroup_id")
        case "broadcast":
            return "@" + said("range")
        case "emoji":
            return f":{said('name')}:"
        case "date":
            return said("fallback") or _date(str(element.get("timestamp", "")))
        case "color":
            return said("value")
    return said("text")


def _link(url: str, label: str) -> str:
    return url if not label or label == url else f"{label} ({url})"


def _styled(text: str, style: Any) -> str:
    if not isinstance(style, Mapping) or not text.strip():
        return text
    for name, mark in (("code", "`"), ("strike", "~~"), ("italic", "_"), ("bold", "**")):
        if style.get(name):
            # Marks count only next to a word, so white space stays outside them.
            lead, tail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
            text = f"{lead}{mark}{text.strip()}{mark}{tail}"
    return text


def _text_object(part: Any, names: Names) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping) or part.get("type") not in ("mrkdwn", "plain_text"):
        return ""
    return from_mrkdwn(_string(part.get("text")), names)


def _attachment(attachment: Json, names: Names) -> str:
    parts = (_string(attachment.get(key)) for key in ("pretext", "title", "text"))
    fields = (f"{field.get('title')}: {field.get('value')}" for field in _objects(attachment.get("fields")))
    text = from_mrkdwn("\n".join(filter(None, [*parts, *fields])), names)
    blocks = (_block(block, names) for block in _objects(attachment.get("blocks")))
    shown = "\n".join(filter(None, [text, *blocks]))
    return shown or from_mrkdwn(_string(attachment.get("fallback")), names)


def _elements(block: Json) -> list[Json]:
    return _objects(block.get("elements"))


def _objects(value: Any) -> list[Json]:
    return [each for each in value if isinstance(each, Mapping)] if isinstance(value, list) else []


def _parts(block: Json, key: str) -> list[Any]:
    value = block.get(key)
    return value if isinstance(value, list) else []


def _string(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _number(value: Any) -> int:
    return value if isinstance(value, int) and value > 0 else 0
