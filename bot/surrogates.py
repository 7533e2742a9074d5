"""Halves of characters, which JSON may hold by themselves: no text with one can be sent or stored."""

from __future__ import annotations

import re

_SURROGATE = re.compile("[\ud800-\udfff]")


def well_formed(text: str) -> str:
    """`text` with halves next to each other made one character, and `U+FFFD` for each that stays alone.

    >>> well_formed("\\ud83d\\ude00 \\ud83d") == "\\U0001f600 \\ufffd"
    True
    """
    if text.isascii() or not _SURROGATE.search(text):
        return text
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")


def is_begun(text: str) -> bool:
    """Whether `text` ends in the first half of a character."""
    return "\ud800" <= text[-1:] <= "\udbff"
