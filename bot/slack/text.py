"""Slack's text and blocks as readable Markdown for the model.

Message `text` escapes only `&`, `<` and `>`, and writes mentions, channels, dates and links as `<…>` tokens
(https://docs.slack.dev/messaging/formatting-message-text). `rich_text` blocks hold the same without escapes,
and are the better source of code and lists.
"""

from __future__ import annotations

import html
import re
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]

_TOKEN = re.compile(r"<([^<>\n]+)>")
_FENCE = "```"


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
    yield from re.findall(r"<@([UW][A-Z0-9]+)", message.get("text") or "")


def places_in(message: Json) -> Iterator[str]:
    """The ids of the channels that the message mentions."""
    yield from re.findall(r"<#([CGD][A-Z0-9]+)", message.get("text") or "")


def readable(message: Json, names: Names) -> str:
    """The words of a message: from its rich text if there is any, else its text, else its other blocks."""
    rich = [block for block in message.get("blocks") or () if block.get("type") == "rich_text"]
    if rich:
        text = "\n".join(_rich_text(block, names) for block in rich)
    else:
        text = from_mrkdwn(message.get("text") or "", names)
        text = text or "\n".join(filter(None, (_plain_block(b, names) for b in message.get("blocks") or ())))
    attached = (_attachment(a, names) for a in message.get("attachments") or ())
    return "\n".join(filter(None, [text.strip(), *attached]))


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


def _rich_text(block: Json, names: Names) -> str:
    return "\n".join(_rich_element(element, names) for element in block.get("elements") or ())


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
    indent = "  " * int(element.get("indent") or 0)
    first = int(element.get("offset") or 0) + 1
    ordered = element.get("style") == "ordered"
    return "\n".join(
        f"{indent}{f'{number}.' if ordered else '-'} {_inline(item, names)}"
        for number, item in enumerate(element.get("elements") or (), first)
    )


def _inline(section: Json, names: Names) -> str:
    return "".join(
        _styled(_word(element, names), element.get("style") or {}) for element in section.get("elements") or ()
    ).rstrip("\n")


def _plain_inline(section: Json, names: Names) -> str:
    words = (
        element.get("text") or element.get("url") or _word(element, names)
        for element in section.get("elements") or ()
    )
    return "".join(words).rstrip("\n")


def _word(element: Json, names: Names) -> str:
    words: dict[str, Callable[[], str]] = {
        "text": lambda: element["text"],
        "link": lambda: _link(element),
        "user": lambda: names.mention(element["user_id"]),
        "channel": lambda: names.place(element["channel_id"]),
        "usergroup": lambda: "@" + element["usergroup_id"],
        "broadcast": lambda: "@" + element["range"],
        "emoji": lambda: f":{element['name']}:",
        "date": lambda: element.get("fallback") or _date(str(element["timestamp"])),
        "color": lambda: element["value"],
    }
    return words.get(element.get("type") or "", lambda: element.get("text") or "")()


def _link(element: Json) -> str:
    url, label = element["url"], element.get("text")
    return url if not label or label == url else f"{label} ({url})"


def _styled(text: str, style: Json) -> str:
    if not text.strip():
        return text
    for name, mark in (("code", "`"), ("strike", "~~"), ("italic", "_"), ("bold", "**")):
        if style.get(name):
            # Marks count only next to a word, so white space stays outside them.
            lead, tail = text[: len(text) - len(text.lstrip())], text[len(text.rstrip()) :]
            text = f"{lead}{mark}{text.strip()}{mark}{tail}"
    return text


def _plain_block(block: Json, names: Names) -> str:
    parts: Iterable[Any] = [block.get("text"), *(block.get("fields") or ()), *(block.get("elements") or ())]
    return "\n".join(filter(None, (_text_object(part, names) for part in parts)))


def _text_object(part: Any, names: Names) -> str:
    if isinstance(part, str):
        return part
    if not isinstance(part, Mapping) or part.get("type") not in ("mrkdwn", "plain_text"):
        return ""
    return from_mrkdwn(part.get("text") or "", names)


def _attachment(attachment: Json, names: Names) -> str:
    parts = (attachment.get(key) for key in ("pretext", "title", "text"))
    fields = (f"{field.get('title')}: {field.get('value')}" for field in attachment.get("fields") or ())
    text = "\n".join(filter(None, [*parts, *fields])) or attachment.get("fallback") or ""
    return from_mrkdwn(text, names)
