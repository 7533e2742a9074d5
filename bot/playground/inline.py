"""What stands within a line: tokens, links, code and styles, read into the leaves of rich text.

Slack has two ways to write them: mrkdwn, which people's messages and `text` use, and Markdown. A reading that
can't be sure takes the side on which somebody is pinged or a link can be clicked, so that a test sees it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeAlias

from bot.playground.objects import JSON

Plain: TypeAlias = Callable[[str], str]

_CODE = r"(?P<ticks>(?<!`)`+(?!`))(?P<code>[^\n]+?)(?<!`)(?P=ticks)(?!`)"
# A link doesn't end in the punctuation of the sentence around it (https://github.github.com/gfm/#autolinks-extension-).
_PATH = r"[^\s<>\[\]`|]*[^\s<>\[\]`|?!.,:;*_~'\")}]"
_BARE = (
    rf"(?P<bare>(?i:https?://|(?<![\w.@])www\.){_PATH}"
    rf"|(?<![\w.@/:-])(?:[A-Za-z0-9-]+\.)+[A-Za-z]{{2,24}}(?::\d+)?/(?:{_PATH})?)"
)
_EMOJI = r"(?<![\w:]):(?P<emoji>[a-z+][a-z0-9_+-]*):(?!\w)"
_MARKDOWN = re.compile(
    # An escaped `<` stays as it is: nothing says that Slack honours escapes before it looks for tokens.
    r"\\(?P<escaped>[!-/:;=-@\[-`{-~])"
    rf"|{_CODE}"
    r"|!?\[(?P<label>[^\[\]\n]*)\]\(\s*<?(?P<url>[^\s<>()]+(?:\([^\s<>()]*\)[^\s<>()]*)*)>?"
    r"(?:\s+(?:\"[^\"\n]*\"|'[^'\n]*'))?\s*\)"
    r"|!?\[(?P<name>[^\[\]\n]+)\](?:\[(?P<reference>[^\[\]\n]*)\])?"
    r"|<(?P<token>(?:[@#!]|https?://|mailto:)[^<>\n]*)>"
    r"|\*\*(?P<bold>(?=\S).+?(?<=\S))\*\*"
    r"|~~(?P<strike>(?=\S).+?(?<=\S))~~"
    r"|(?<![\w*])\*(?P<italic>(?=[^\s*])[^*\n]+)\*(?![\w*])"
    r"|(?<!\w)_(?P<italic2>(?=[^\s_])[^_\n]+)_(?!\w)"
    rf"|{_BARE}|{_EMOJI}"
)
_MRKDWN = re.compile(
    rf"{_CODE}"
    r"|<(?P<token>[^<>\n]+)>"
    r"|(?<![\w*])\*(?P<bold>(?=[^\s*])[^*\n]+)\*(?![\w*])"
    r"|(?<![\w~])~(?P<strike>(?=[^\s~])[^~\n]+)~(?![\w~])"
    r"|(?<!\w)_(?P<italic>(?=[^\s_])[^_\n]+)_(?!\w)"
    rf"|{_BARE}|{_EMOJI}"
)


def escape(text: str) -> str:
    """Slack's escapes: `&`, `<` and `>` only."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")


def unescape(text: str) -> str:
    """The inverse of `escape`."""
    return text.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


@dataclass(frozen=True, slots=True)
class Inline:
    """A way to read lines. `references` are a Markdown text's link definitions, by their lower-case names."""

    syntax: re.Pattern[str]
    references: Mapping[str, str] = field(default_factory=dict)

    def leaves(self, text: str) -> list[JSON]:
        """The leaves that `text` is made of; neighbours that are plain text are one."""
        leaves, at = list[JSON](), 0
        for match in self.syntax.finditer(text):
            leaves += _words(unescape(text[at : match.start()]))
            leaves += self._marked(match)
            at = match.end()
        return _joined([*leaves, *_words(unescape(text[at:]))])

    def _marked(self, match: re.Match[str]) -> list[JSON]:
        kind = match.lastgroup
        match kind:
            case "escaped":
                return _words(match["escaped"])
            case "code":
                return [{"type": "text", "text": unescape(match["code"]), "style": {"code": True}}]
            case "url":
                return [_link(match["url"], match["label"])]
            case "name" | "reference":
                return self._reference(match)
            case "bare":
                return [_bare_link(unescape(match["bare"]))]
            case "emoji":
                return [{"type": "emoji", "name": match["emoji"]}]
            case "token":
                return [_token(match["token"])]
        style = "italic" if kind == "italic2" else str(kind)
        return [styled(leaf, style) for leaf in self.leaves(match[str(kind)])]

    def _reference(self, match: re.Match[str]) -> list[JSON]:
        name = match["reference"] or match["name"]
        if url := self.references.get(name.lower()):
            return [_link(url, match["name"])]
        # Not a link after all: the brackets are words, and what stands between them is read on its own.
        bracket = match[0].index("[") + 1
        return [*_words(match[0][:bracket]), *self.leaves(match[0][bracket:])]


MRKDWN = Inline(_MRKDWN)


def markdown(references: Mapping[str, str]) -> Inline:
    """The reading of Markdown, with a text's link definitions."""
    return Inline(_MARKDOWN, references)


def styled(leaf: JSON, style: str) -> JSON:
    """The leaf with one more style, such as `bold`."""
    return {**leaf, "style": {**leaf.get("style", {}), style: True}}


def _words(text: str) -> list[JSON]:
    return [{"type": "text", "text": text}] if text else []


def _joined(leaves: list[JSON]) -> list[JSON]:
    joined = list[JSON]()
    for leaf in leaves:
        last = joined[-1] if joined else {}
        if leaf["type"] == last.get("type") == "text" and leaf.get("style") == last.get("style") is None:
            joined[-1] = {**last, "text": last["text"] + leaf["text"]}
        else:
            joined.append(leaf)
    return joined


def _link(url: str, label: str) -> JSON:
    return {"type": "link", "url": url, **({"text": unescape(label)} if label else {})}


def _bare_link(text: str) -> JSON:
    return _link(text, "") if "://" in text else _link(f"http://{text}", text)


def _token(token: str) -> JSON:
    target, _, label = token.partition("|")
    if target.startswith("@"):
        return {"type": "user", "user_id": target[1:]}
    if target.startswith("#"):
        return {"type": "channel", "channel_id": target[1:]}
    if target.startswith("!subteam^"):
        return {"type": "usergroup", "usergroup_id": target.removeprefix("!subteam^")}
    if target.startswith("!date^"):
        return _date(target.removeprefix("!date^"), label)
    if target.startswith("!"):
        return {"type": "broadcast", "range": target[1:]}
    return _link(unescape(target), label)


def _date(target: str, label: str) -> JSON:
    stamp, form = [*target.split("^"), ""][:2]
    if not stamp.isdecimal():
        return {"type": "text", "text": unescape(label)}
    return {"type": "date", "timestamp": int(stamp), "format": form, "fallback": unescape(label)}
