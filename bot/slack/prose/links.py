"""URLs in a text: finding them, comparing them, and whose a person may click."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass
from urllib.parse import urlsplit

# What follows a dot in the names of files, and is no top-level domain: `Node.js/React` is no address.
_FILE = r"(?:jsx?|tsx?|txt|json|ya?ml|html?|css|xml|csv|toml|log)\b"
_END = r"[^\s<>`|\"*\\]*[^\s<>`|\"*\\.,;:!?'(\[{_~…]"
URL = re.compile(
    rf"(?:[a-z][a-z0-9+.-]{{0,30}}://|(?:mailto|tel|javascript|data|slack):(?=\S)|(?<!\w)www\.){_END}"
    rf"|(?<![\w@])(?:[\w-]{{1,63}}\.){{1,8}}(?!{_FILE})[^\W\d_]{{2,24}}(?::\d+|(?=[/?\#][^\s`*\\]))(?:{_END})?",
    re.IGNORECASE,
)
"""What Slack may take for a link: with a scheme, `www.`, or a domain with a port, path, query or fragment."""

_FENCE = re.compile("```|~~~")
_CODE = re.compile("`[^`]*`")

_STOPS = ".,;:!?'\""
_CLICKABLE = frozenset({"http", "https", "mailto", "tel"})
_PORTS = {"http": ":80", "https": ":443"}
_CLOSING = {")": "(", "]": "[", "}": "{"}


@dataclass(frozen=True, slots=True)
class Allowed:
    """What a person in the thread or a tool result has brought in, and so may be clickable or pinged."""

    people: frozenset[str] = frozenset()
    """The ids of the users who take part in the thread."""
    urls: frozenset[str] = frozenset()
    """As `urls_in` gives them."""
    secrets: tuple[str, ...] = ()
    """What must never be shown, wherever it comes from."""

    def __or__(self, more: Allowed) -> Allowed:
        secrets = tuple(dict.fromkeys((*self.secrets, *more.secrets)))
        return Allowed(self.people | more.people, self.urls | more.urls, secrets)

    def clickable(self, url: str) -> bool:
        """Whether `url` may be a link."""
        normal = normalised(url)
        return normal in self.urls and normal.partition(":")[0] in _CLICKABLE and not _has_credentials(normal)


def urls_in(text: str) -> Iterator[str]:
    """Every URL in a message or a tool's result (Slack's tokens, JSON, Markdown, bare), normalised.

    >>> list(urls_in("<https://Example.com|here>"))
    ['https://example.com/']
    """
    plain = html.unescape(text.replace("\\/", "/").replace("\\u0026", "&"))
    for match in URL.finditer(plain):
        yield normalised(match[0][: length(match[0])])


def urls_shown_in(markdown: str) -> Iterator[str]:
    """The URLs that stand outside of code in a message of an answer, and so have passed the guard; normalised.

    Wherever it could be code, it counts as code: there anything may stand. So all behind the first fence does.

    >>> list(urls_shown_in("See https://a.example, not `https://b.example`."))
    ['https://a.example/']
    """
    for line in _FENCE.split(markdown, maxsplit=1)[0].splitlines():
        words = _CODE.sub(" ", line)
        if "`" not in words and "``" not in line:
            yield from urls_in(words)


def length(url: str) -> int:
    """How much of a match of `URL` belongs to it: a bracket that closes what was opened before it doesn't."""
    depth = dict.fromkeys(_CLOSING.values(), 0)
    for index, character in enumerate(url):
        if character in depth:
            depth[character] += 1
        elif opening := _CLOSING.get(character):
            if not depth[opening]:
                return len(url[:index].rstrip(_STOPS))
            depth[opening] -= 1
    return len(url)


def normalised(url: str) -> str:
    """`url` as it is compared.

    Scheme and host are in lower case, an empty path is `/`, and there is no default port and no fragment.
    """
    url = url.strip().rstrip(_STOPS)
    if re.match(r"[a-z][a-z0-9+.-]*:(?!\d)", url, re.IGNORECASE) is None:
        url = f"http://{url}"
    scheme, _, rest = url.partition(":")
    scheme, rest = scheme.lower(), rest.partition("#")[0]
    if not rest.startswith("//"):
        return f"{scheme}:{rest}"
    host = re.split(r"[/?]", rest[2:], maxsplit=1)[0]
    path = rest[2 + len(host) :]
    who, at, host = host.rpartition("@")
    host = host.lower().removesuffix(_PORTS.get(scheme, "\0"))
    return f"{scheme}://{who}{at}{host}{path if path.startswith('/') else '/' + path}"


def _has_credentials(url: str) -> bool:
    try:
        return "@" in urlsplit(url).netloc
    except ValueError:
        return True
