"""Files in a thread as parts of a chat message: text is read, images are shown, the rest is named.

File contents are asked of Slack's own hosts only, since the request carries the bot's token.
"""

from __future__ import annotations

import asyncio
import base64
import logging
from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, TypeAlias
from urllib.parse import urlsplit

import httpx2

from bot.conversation import ImagePart, TextPart

_log = logging.getLogger(__name__)

Json: TypeAlias = Mapping[str, Any]

_SLACK_HOSTS = ("slack.com", "slack-edge.com", "slack-files.com")
_IMAGE_TYPES = ("image/png", "image/jpeg", "image/gif", "image/webp")
_TEXT_TYPES = (
    "application/json",
    "application/xml",
    "application/yaml",
    "application/x-yaml",
    "application/toml",
    "application/javascript",
    "application/sql",
    "application/x-sh",
)
_REMEMBER_BYTES = 32_000_000
_TIMEOUT_S = 10.0
_MOST_DOWNLOADS = 8


@dataclass(frozen=True, slots=True)
class FileLimits:
    """How much of a file the model gets to see, in bytes."""

    text_bytes: int
    image_bytes: int
    images: bool
    """Whether the model takes images."""


class Files:
    """Reads the files of messages.

    Args:
        http: used for downloads.
        token: the bot token, sent to Slack's hosts and to the API's own host.
        api_url: the Web API's base URL.
    """

    def __init__(self, http: httpx2.AsyncClient, token: str, api_url: str, limits: FileLimits) -> None:
        self._http = http
        self._token = token
        self._api_origin = _origin(api_url)
        self._limits = limits
        # A thread's images are asked for again with each of its questions.
        self._contents: OrderedDict[str, bytes] = OrderedDict()
        self._downloads = asyncio.Semaphore(_MOST_DOWNLOADS)

    async def parts(self, files: Sequence[Json]) -> list[TextPart | ImagePart]:
        """Each file as a part, in order. A file that can't be read is named with the reason."""
        return await asyncio.gather(*map(self._part, files))

    async def _part(self, file: Json) -> TextPart | ImagePart:
        mimetype = str(file.get("mimetype") or "")
        size = int(file.get("size") or 0)
        if mimetype in _IMAGE_TYPES and self._limits.images:
            if size > self._limits.image_bytes:
                return _named(file, "too large to look at")
            content = await self._content(file, self._limits.image_bytes)
            return _named(file, "could not be read") if content is None else _image(mimetype, content)
        if _is_text(file, mimetype):
            content = await self._content(file, self._limits.text_bytes)
            return _named(file, "could not be read") if content is None else self._text(file, content, size)
        return _named(file, "not read")

    def _text(self, file: Json, content: bytes, size: int) -> TextPart:
        shown = content[: self._limits.text_bytes].decode("utf-8", errors="replace")
        note = f"\n[cut: {len(content)} of {size} bytes shown]" if size > len(content) else ""
        return TextPart(f"{_label(file)}\n```\n{shown}\n```{note}")

    async def _content(self, file: Json, most: int) -> bytes | None:
        key = f"{file.get('id')}:{most}"
        if key not in self._contents:
            url = str(file.get("url_private_download") or file.get("url_private"))
            async with self._downloads:
                content = await self._download(url, most)
            if content is None:
                return None
            self._remember(key, content)
            return content
        return self._contents[key]

    def _remember(self, key: str, content: bytes) -> None:
        self._contents[key] = content
        while sum(map(len, self._contents.values())) > _REMEMBER_BYTES and len(self._contents) > 1:
            self._contents.popitem(last=False)

    async def _download(self, url: str, most: int) -> bytes | None:
        """At most `most` bytes of the file; `None` if it is not Slack's or can't be had."""
        if not self._is_slacks(url):
            _log.warning("A file was not read: its address is not one of Slack's hosts.")
            return None
        content = bytearray()
        try:
            # Redirects are not followed: they could lead the token elsewhere.
            async with self._http.stream(
                "GET",
                url,
                headers={"Authorization": f"Bearer {self._token}"},
                follow_redirects=False,
                timeout=_TIMEOUT_S,
            ) as response:
                # Slack answers a token without files:read with its sign-in page and status 200.
                if response.status_code != httpx2.codes.OK or _is_sign_in_page(response, url):
                    return None
                async for chunk in response.aiter_bytes():
                    content += chunk
                    if len(content) >= most:
                        break
        except httpx2.HTTPError as error:
            _log.warning("A file could not be read: %s", type(error).__name__)
            return None
        return bytes(content[:most])

    def _is_slacks(self, url: str) -> bool:
        if _origin(url) == self._api_origin:
            return True
        address = urlsplit(url)
        host = address.hostname or ""
        return address.scheme == "https" and any(
            host == slacks or host.endswith("." + slacks) for slacks in _SLACK_HOSTS
        )


def estimated_chars(files: Sequence[Json], limits: FileLimits) -> int:
    """About how much of the model's context the files will take, known before they are read."""
    return sum(_estimate(file, limits) for file in files)


def _estimate(file: Json, limits: FileLimits) -> int:
    mimetype = str(file.get("mimetype") or "")
    if mimetype in _IMAGE_TYPES:
        return 4_000 if limits.images else 100
    return min(int(file.get("size") or 0), limits.text_bytes) if _is_text(file, mimetype) else 100


def _origin(url: str) -> tuple[str, str | None, int | None]:
    address = urlsplit(url)
    return address.scheme, address.hostname, address.port


def _is_text(file: Json, mimetype: str) -> bool:
    return mimetype.startswith("text/") or mimetype in _TEXT_TYPES or bool(file.get("editable"))


def _is_sign_in_page(response: httpx2.Response, url: str) -> bool:
    kind = response.headers.get("content-type", "")
    return kind.startswith("text/html") and not url.lower().endswith((".html", ".htm"))


def _label(file: Json) -> str:
    name = " ".join(str(file.get("name") or file.get("title") or "file").split())[:120]
    return f"[file: {name}]"


def _named(file: Json, note: str) -> TextPart:
    kind = file.get("mimetype") or file.get("filetype") or "unknown type"
    return TextPart(f"{_label(file)} ({kind}, {file.get('size', '?')} bytes, {note})")


def _image(mimetype: str, content: bytes) -> ImagePart:
    return ImagePart(f"data:{mimetype};base64,{base64.b64encode(content).decode()}")
