"""What can be read of a download: its title, and its text."""

from __future__ import annotations

import json
import logging
import re
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from tools._framework.errors import ToolFailed
from tools._framework.thread import run_in_thread
from tools._web.charset import decode
from tools._web.download import Download

_log = logging.getLogger(__name__)

_READER = Path(__file__).with_name("article.py")
_HTML = frozenset({"text/html", "application/xhtml+xml"})
_AS_IT_IS = re.compile(
    r"text/.*|application/([\w.-]+\+)?(json|xml|yaml|toml|javascript)|application/x-(yaml|ndjson)"
)
_LOOKS_LIKE_HTML = re.compile(rb"\s*<(!doctype\s+html|html|head|body|!--)", re.IGNORECASE)
# Control characters, and those that show nothing or turn the direction: they hide words from people.
_HIDDEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\U000e0000-\U000e007f]"
)


@dataclass(frozen=True, slots=True)
class Page:
    """A page for reading."""

    url: str
    title: str
    """Empty if it has none."""
    text: str
    """Markdown where it was HTML; otherwise as it is."""
    is_cut: bool
    """Whether the page was too large to be read to its end."""


async def read_page(found: Download, timeout_s: float) -> Page:
    """Read a download within `timeout_s` seconds.

    Raises:
        ToolFailed: it is not text, it has no text, or it takes too long to read.
    """
    if _is_html(found):
        title, text = await run_in_thread(lambda: _read_html(found, timeout_s))
    else:
        title, text = "", _read_text(found)
    text = _visible(text).strip()
    if not text:
        raise ToolFailed(f"{found.url} holds no text; perhaps it only shows something in a browser.")
    return Page(found.url, _visible(title), text, found.is_cut)


def _is_html(found: Download) -> bool:
    return found.media_type in _HTML or (
        not found.media_type and _LOOKS_LIKE_HTML.match(found.body) is not None
    )


def _read_text(found: Download) -> str:
    if _AS_IT_IS.fullmatch(found.media_type or "text/plain"):
        text = decode(found.body, found.charset)
        if "\x00" not in text:
            return text
    kind = _KINDS.get(found.media_type) or found.media_type or "an unknown kind of file"
    raise ToolFailed(f"{found.url} is {kind}, which cannot be read here.")


def _read_html(found: Download, timeout_s: float) -> tuple[str, str]:
    command = [sys.executable, "-I", str(_READER), found.url]
    html = decode(found.body, found.charset).encode("utf-8", "replace")
    try:
        # The environment stays here: it holds keys, and a page needs none.
        done = subprocess.run(  # noqa: S603 - our own program; the URL is an argument, and no shell sees it
            command, input=html, capture_output=True, timeout=timeout_s, env={}, check=True
        )
    except subprocess.TimeoutExpired as error:
        raise ToolFailed(f"{found.url} cannot be read: it takes too long to make sense of its HTML.") from error
    except subprocess.CalledProcessError as error:
        _log.warning("The reader of %s ended with %s: %s", found.url, error.returncode, error.stderr[-500:])
        raise ToolFailed(f"{found.url} cannot be read: its HTML makes no sense.") from error
    article = json.loads(done.stdout)
    return article["title"], article["text"]


def _visible(text: str) -> str:
    return _HIDDEN.sub("", text)


_KINDS = {
    "application/pdf": "a PDF",
    "application/zip": "a ZIP archive",
    "application/octet-stream": "a binary file",
}
