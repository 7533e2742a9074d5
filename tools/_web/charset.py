"""From bytes to text, by what the server, the text itself and experience say about the encoding."""

from __future__ import annotations

import codecs
import re

# What browsers know (encoding.spec.whatwg.org), by Python's names. Python knows more, and some of it, such as
# punycode, takes for ever on text that was made for it.
_KNOWN = frozenset(
    {
        "utf-8", "utf-16", "utf-16-le", "utf-16-be", "big5", "big5hkscs", "gb2312", "gbk", "gb18030",
        "shift_jis", "cp932", "euc_jp", "iso2022_jp", "euc_kr", "cp949", "koi8-r", "koi8-u", "cp866", "cp874",
        "tis-620", "mac-roman", "mac-cyrillic",
        *(f"cp125{page}" for page in range(9)),
        *(f"iso8859-{part}" for part in (2, 3, 4, 5, 6, 7, 8, 10, 13, 14, 15, 16)),
    }
)  # fmt: skip
_BYTE_ORDER_MARKS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)
_META = re.compile(rb"<meta[^>]{0,200}?charset\s*=\s*[\"']?\s*([\w.:-]{1,40})", re.IGNORECASE)
_META_WITHIN = 4096


def decode(body: bytes, declared: str | None) -> str:
    """`body` as text. Bytes that mean nothing become the replacement character.

    Args:
        body: it may end in the middle of a character.
        declared: the charset of the `Content-Type` header.
    """
    for mark, encoding in _BYTE_ORDER_MARKS:
        if body.startswith(mark):
            return body[len(mark) :].decode(encoding, "replace")
    meta = _META.search(body[:_META_WITHIN])
    named = _known(declared) or _known(meta[1].decode("ascii", "replace") if meta else None)
    return body.decode(named, "replace") if named else _guessed(body)


def _known(name: str | None) -> str | None:
    try:
        found = codecs.lookup(name or "").name
    except (LookupError, ValueError):
        return None
    if found in ("ascii", "iso8859-1"):
        # On the web both mean the larger set of Windows.
        return "cp1252"
    return found if found in _KNOWN else None


def _guessed(body: bytes) -> str:
    try:
        # Not final: a character that is cut off at the end is no reason to doubt the rest.
        return codecs.getincrementaldecoder("utf-8")().decode(body)
    except UnicodeDecodeError:
        return body.decode("cp1252", "replace")
