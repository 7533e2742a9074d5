"""What a Markdown source says once its entities and needless escapes are undone: nothing hides in them."""

from __future__ import annotations

import html
import re

CODE = r"(?<!`)(?P<ticks>`+)(?!`)(?P<code>.+?)(?<!`)(?P=ticks)(?!`)"
TICK = "\u02cb"
"""A back-tick that opens nothing must not pair with a later one. Its look-alike opens no code in any of Slack's
ways to read a text, where a backslash is known only to Markdown."""

_ENTITY = re.compile(
    rf"{CODE}|&(?P<entity>(?:amp;)*(?:#[0-9]{{1,7}}|#[xX][0-9a-fA-F]{{1,6}}|[A-Za-z][A-Za-z0-9]{{1,31}}));",
    re.DOTALL,
)
_NEEDLESS = re.compile(rf"{CODE}|\\\\|\\(?P<plain>[<>&@!:/?=%;,\"'^{{}}-]|(?<!\d\\)\.)", re.DOTALL)
WIDE = r"\u3000-\u9fff\uac00-\ud7af\uff00-\uffef"
"""The signs of Chinese, Japanese and Korean, as a class of characters."""
SPELLED = re.compile(r"[&\\*`~\u00ad\u200b-\u200f\u2060\ufeff]")
"""What makes a word of Markdown's source another one than a reader sees."""
_UNSEEN = re.compile(r"[\\*`~\u00ad\u200b-\u200f\u2060\ufeff]+")
_MARKUP = frozenset("*_~`[]\\#$|")
_MOST_LAYERS = 4


def literal(source: str) -> str:
    """`source` without entities, and with backslashes only before what would be markup without them.

    >>> literal("&lt;!here&gt; &amp;lt; 1\\<2 \\*")
    '<!here> < 1<2 \\\\*'
    """
    for _ in range(_MOST_LAYERS):
        if "&" not in source or (decoded := _ENTITY.sub(_character, source)) == source:
            break
        source = decoded
    return _NEEDLESS.sub(lambda match: match["plain"] or match[0], source) if "\\" in source else source


def spelled_out(word: str) -> str:
    """`word` as a reader sees it: without entities, escapes, marks, and signs that have no width.

    >>> spelled_out("a\\\\_**b**&#99;")
    'a_bc'
    """
    for _ in range(_MOST_LAYERS):
        if "&" not in word or (decoded := html.unescape(word)) == word:
            break
        word = decoded
    return _UNSEEN.sub("", word)


def _character(match: re.Match[str]) -> str:
    name = match["entity"]
    if name is None:
        return match[0]
    while name.startswith("amp;"):
        name = name[4:]
    text = html.unescape(f"&{name};")
    if text in _MARKUP:
        return "\\" + text
    return text if text.isprintable() else " "
