"""What stands within a line of an answer, as Slack may show it: emphasis, links, code, tokens."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import Any

from bot.slack.prose import pings
from bot.slack.prose.emphasis import Delimiters
from bot.slack.prose.links import URL, Allowed, length
from bot.slack.prose.literal import CODE, TICK, literal

_CONSTRUCT = re.compile(
    rf"{CODE}"
    r"|(?P<math>\$\$.{1,300}?\$\$|\\\(.{1,300}?\\\)|\\\[.{1,300}?\\\]"
    r"|(?<![\w$])\$(?=[^\s$\d])[^$\n]{0,300}?(?<=\S)\$(?![\w$]))"
    r"|(?P<escaped>\\[!-/:-@\[-`{-~])"
    r"|!?\[(?P<label>(?:[^\[\]\\]|\\.|\[[^\[\]]*\])*)\]"
    r"\(\s*(?P<target><[^<>\n]*>|[^\s()<>]*(?:\([^\s()]*\)[^\s()]*)*)"
    r"(?:\s+(?:\"[^\"]*\"|'[^']*'|\([^()]*\)))?\s*\)"
    rf"|(?P<url>{URL.pattern})"
    r"|(?P<generic>\w[\w.]{0,60}<(?=[a-z?])(?![a-z]+:|br\s*/?>)(?:[^<>\n]|<[^<>\n]*>)*>)"
    r"|<(?P<angle>[^<>]*)>"
    r"|(?P<marks>\*+|_+|~~+)",
    re.DOTALL | re.IGNORECASE,
)
# What most stretches are, and needs no reading.
_WORD = re.compile(r"[^\W_]+[.,;!?]?\s?")
_FORMULA_NEEDS_CODE = re.compile(r"[\\*_~<`\[\n]")
_ENDS_A_LINK = re.compile(r"[.,;:!?'\")\]}]*(?:\s|\Z)")
_DEFINITION = re.compile(r"(\[(?:[^\[\]\\]|\\.)+\]):[^\S\n]*", re.DOTALL)
_AFTER_SPACE = re.compile(r"(?<=\s)(?=\S)")
_ANGLE = re.compile(r"<([^<>]*)>")
_LABELLED_URL = re.compile(r"<([a-z]+:[^<>|\s]+)\|([^<>]*)>", re.IGNORECASE)
_BREAK = re.compile(r"br\s*/?", re.IGNORECASE)
_LONE_BACKSLASH = re.compile(r"\\(?=\s|\Z)")
# Its end may be seen in code behind it.
_LONE_BRACKET = re.compile(r"\[(?![^\[\]]*\])")
_BARE_LESS = re.compile(r"<(?=[A-Za-z/?#])")


def pieces(source: str, allowed: Allowed, *, starts_line: bool = False, joins: bool = False) -> list[str]:
    """A stretch of prose without an open construct, as Markdown that is safe in Slack.

    It begins a line, or joins what is before without white space.

    The pieces in a row are the whole; none is to be divided. Each but the last ends in white space.
    """
    if _WORD.fullmatch(source):
        return [source]
    text = literal(source)
    if starts_line and text.startswith("["):
        # A link definition would vanish, and make links elsewhere.
        text = _DEFINITION.sub(r"\1 ", text, count=1) if _DEFINITION.match(text) else text
    found = _Reading(allowed, is_whole=not joins).pieces(text)
    whole = "".join(found)
    safe = pings.without_begun(whole, allowed.people)
    return found if safe == whole else [safe]


def shown(source: str, allowed: Allowed) -> str:
    """The same in one."""
    return "".join(pieces(source, allowed))


def one_line(text: str, allowed: Allowed) -> str:
    """Plain words in one line: nothing in them pings or is a link."""
    text = literal(" ".join(text.split())).replace("`", TICK).replace("](", "] (")
    text = _ANGLE.sub(lambda match: pings.token(match[1], allowed.people) or match[0], text)
    text = _LABELLED_URL.sub(r"\2 (\1)", text)
    parts, at = list[str](), 0
    while match := URL.search(text, at):
        url = match[0][: length(match[0])]
        parts += [text[at : match.start()], url if allowed.clickable(url) else in_code(url)]
        at = match.start() + len(url)
    return pings.without_begun("".join([*parts, text[at:]]), allowed.people)


def in_code(text: str) -> str:
    """`text` as inline code, whatever it is."""
    text = pings.without_pings(" ".join(text.split("\n"))).replace("`", TICK).strip()
    return f"`{text}`" if text else ""


@dataclass(slots=True)
class _Reading:
    """One reading of a text. A label within it is read on its own."""

    allowed: Allowed
    is_whole: bool = True
    keeps_emphasis: bool = True
    parts: list[str] = field(default_factory=list)
    plain: set[int] = field(default_factory=set)
    """The indices of the parts that are words, and may be divided between them."""
    delimiters: Delimiters = field(default_factory=Delimiters)

    def read(self, text: str) -> str:
        """What `text` is shown as."""
        return "".join(self.pieces(text))

    def pieces(self, text: str) -> list[str]:
        """The same in pieces that end in white space."""
        at = 0
        while match := _CONSTRUCT.search(text, at):
            before = text[at : match.start()]
            # A `<` could become a token with what stands for the construct.
            before = f"{before} " if before.endswith("<") and match["marks"] else before.rstrip("<")
            self._add(_plain(before), is_plain=True)
            at = self._construct(match)
        self._add(_plain(text[at:]), is_plain=True)
        inside = self.delimiters.settle(self.parts, is_whole=self.is_whole, keep=self.keeps_emphasis)
        found = [""]
        for index, part in enumerate(self.parts):
            first, *others = _AFTER_SPACE.split(part) if index in self.plain and index not in inside else [part]
            found[-1] += first
            found += others
        return [piece for piece in found if piece]

    def _add(self, part: str, *, is_plain: bool = False) -> None:
        if self.parts and self.parts[-1].endswith("`") and part.startswith("`"):
            # Code next to code is one: their back-ticks would count as a longer run.
            self.parts[-1] = self.parts[-1].removesuffix("`")
            part = part.removeprefix("`")
        if self.parts and self.parts[-1].endswith("]") and part.startswith("("):
            part = " " + part
        if part:
            if is_plain:
                self.plain.add(len(self.parts))
            self.parts.append(part)

    def _construct(self, match: re.Match[str]) -> int:
        """Add what stands for the match, and return where to go on."""
        groups = match.groupdict()
        if groups["url"]:
            return self._url(match)
        if groups["marks"]:
            self.delimiters.add(match, len(self.parts))
            self.parts.append(groups["marks"])
        else:
            self._add(self._replacement(groups))
        return match.end()

    def _replacement(self, groups: dict[str, Any]) -> str:
        if groups["code"] is not None:
            return _code(groups["code"], groups["ticks"])
        if groups["math"]:
            formula = groups["math"]
            needs_code = _FORMULA_NEEDS_CODE.search(formula) or URL.search(formula)
            return in_code(formula) if needs_code else formula
        if groups["escaped"]:
            return TICK if groups["escaped"] == "\\`" else groups["escaped"]
        if groups["target"] is not None:
            return self._link(groups["label"], groups["target"].strip("<>"))
        return in_code(groups["generic"]) if groups["generic"] else self._angle(groups["angle"])

    def _url(self, match: re.Match[str]) -> int:
        url = match[0][: length(match[0])]
        end = match.start() + len(url)
        if not self.allowed.clickable(url):
            self._add(in_code(url))
        elif _ENDS_A_LINK.match(match.string, end) and not url.endswith(")"):
            self._add(url)
        else:
            self._add(f"<{url}>" if "://" in url else in_code(url))
        return end

    def _link(self, label: str, url: str) -> str:
        is_link = self.allowed.clickable(url) and URL.fullmatch(url) is not None
        # Without its brackets a label's marks would run together with those around it.
        reading = _Reading(self.allowed, is_whole=False, keeps_emphasis=is_link)
        words = reading.read(label).replace("\n", " ").strip()
        if is_link:
            words = words.translate({ord("["): "(", ord("]"): ")"})
            return f"[{words}]({url.replace('(', '%28').replace(')', '%29')})" if words else f"<{url}>"
        return f"{words} ({in_code(url)})" if words and url else words or in_code(url)

    def _angle(self, body: str) -> str:
        if (words := pings.token(body, self.allowed.people)) is not None:
            return words if words.startswith("<") else _Reading(self.allowed, is_whole=False).read(words)
        url, _, label = body.partition("|")
        if URL.fullmatch(url):
            return self._link(label, url) if label or not self.allowed.clickable(url) else f"<{url}>"
        if _BREAK.fullmatch(body):
            return "\n"
        if body[:1].isalpha() or body[:1] in ("/", "!", "?"):
            return in_code(f"<{body}>")
        return f"< {_Reading(self.allowed, is_whole=False).read(body)}>"


def _code(code: str, ticks: str) -> str:
    """Inline code in one line, without pings."""
    code = pings.without_pings(code.replace("\n", " "))
    if "`" not in code:
        return f"`{code}`"
    # Not every reader knows long runs of back-ticks; what may be a link must not depend on it.
    return in_code(code) if URL.search(code) or "<" in code else f"{ticks}{code}{ticks}"


def _plain(text: str) -> str:
    """Words between constructs: a sign of a construct that is none can't become part of one."""
    text = text.replace("`", TICK).replace("](", "] (")
    if "\\" in text:
        # At a line's end it stands for a line break, which is there anyway.
        text = _LONE_BACKSLASH.sub(r"\\\\", text.replace("\\\n", "\n"))
    text = _LONE_BRACKET.sub(r"\\[", text) if "[" in text else text
    return _BARE_LESS.sub("< ", pings.BEGUN.sub("", text)) if "<" in text else text
