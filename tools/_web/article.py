"""The readable part of an HTML page, as Markdown.

Runs as a program of its own: HTML in UTF-8 on standard input, the page's URL as the argument, JSON on standard
output. HTML can be made to keep a parser busy for minutes, in which the whole interpreter stands still: only a
process can be stopped then. For a quick start it imports nothing of this package.
"""

from __future__ import annotations

import contextlib
import json
import re
import resource
import sys
from urllib.parse import urljoin

from bs4 import BeautifulSoup, Tag
from markdownify import MarkdownConverter

_MAX_SECONDS = 10
_MAX_MEMORY = 1_500_000_000
_MAX_CHARS = 2_000_000
_MAX_TITLE_CHARS = 200
_MAX_URL_CHARS = 500
_FURNITURE = (
    "title, script, style, noscript, template, nav, footer, aside, svg, canvas, iframe, object, embed, dialog, "
    "button, select, input, textarea, [hidden], [aria-hidden=true], [role=navigation], [role=banner], "
    "[role=contentinfo]"
)
_INVISIBLE = re.compile(r"display\s*:\s*none|visibility\s*:\s*hidden", re.IGNORECASE)
# They would end a link in Markdown.
_QUOTED = {ord(" "): "%20", ord("("): "%28", ord(")"): "%29"}
_MAIN = "main, [role=main], article"
# A main part with less text than this is an empty frame, and what matters is elsewhere.
_FEWEST_CHARS = 200


def article(html: str, url: str) -> dict[str, str]:
    """The title and the Markdown text of a page."""
    soup = BeautifulSoup(html, "html.parser")
    base = soup.find("base", href=True)
    title = _title(soup)
    for tag in [*soup.select(_FURNITURE), *soup.find_all(style=_INVISIBLE)]:
        tag.decompose()
    part = _main_part(soup)
    _mend_links(part, (_absolute(url, str(base["href"])) if isinstance(base, Tag) else "") or url)
    return {"title": title[:_MAX_TITLE_CHARS], "text": _tidy(_markdown(part))[:_MAX_CHARS]}


def _title(soup: BeautifulSoup) -> str:
    for tag in (soup.find("title"), soup.find("h1")):
        if tag and (text := " ".join(tag.get_text(" ").split())):
            return text
    return ""


def _main_part(soup: BeautifulSoup) -> Tag:
    candidates = [(len(tag.get_text(" ", strip=True)), tag) for tag in soup.select(_MAIN)]
    length, longest = max(candidates, key=lambda candidate: candidate[0], default=(0, soup))
    return longest if length >= _FEWEST_CHARS else soup.body or soup


def _mend_links(part: Tag, base: str) -> None:
    """Make links absolute. Those that lead nowhere, and pictures, become their text."""
    for image in part.find_all("img"):
        image.replace_with(str(image.get("alt") or ""))
    for link in part.find_all("a"):
        target = _absolute(base, str(link.get("href") or ""))
        if target.startswith(("http://", "https://")) and len(target) <= _MAX_URL_CHARS:
            link["href"] = target
        else:
            link.unwrap()


def _absolute(base: str, target: str) -> str:
    try:
        return "" if target.startswith("#") or not target else urljoin(base, target).translate(_QUOTED)
    except ValueError:
        return ""


def _markdown(part: Tag) -> str:
    converter = MarkdownConverter(
        heading_style="atx", bullets="-", escape_asterisks=False, escape_underscores=False, escape_misc=False
    )
    try:
        return str(converter.convert_soup(part))
    except RecursionError:
        # Nested as no page for people is: the words alone will do.
        return part.get_text("\n", strip=True)


def _tidy(text: str) -> str:
    lines = (line.rstrip() for line in text.replace("\N{NO-BREAK SPACE}", " ").splitlines())
    return re.sub(r"\n{3,}", "\n\n", "\n".join(lines)).strip()


def _limit_this_process() -> None:
    # Not every system knows every limit; whoever started this stops it after a while in any case.
    for limit, most in ((resource.RLIMIT_CPU, _MAX_SECONDS), (resource.RLIMIT_AS, _MAX_MEMORY)):
        with contextlib.suppress(ValueError, OSError):
            resource.setrlimit(limit, (most, most))


if __name__ == "__main__":
    _limit_this_process()
    found = article(sys.stdin.buffer.read().decode("utf-8", "replace"), sys.argv[1])
    sys.stdout.buffer.write(json.dumps(found).encode())
