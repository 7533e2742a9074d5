"""Get what is behind a URL, within limits on time, size and redirects."""

from __future__ import annotations

import asyncio
import zlib
from dataclasses import dataclass

import httpx2

from tools._framework.errors import ToolFailed, ToolRetry
from tools._web.guard import Blocked, UnknownHost

MAX_BYTES = 2_000_000
"""Of the body, as it comes and as it is after decompression. The rest is left unread."""
MAX_REDIRECTS = 5
_CODINGS = ("gzip", "deflate")
_ANY_HEADER = 47
"""For zlib: the format of gzip or its own, whichever the first bytes say."""
_NO_HEADER = -15
_BROKEN = "its server's answer broke off or makes no sense"
_TIMEOUT = httpx2.Timeout(10.0, connect=5.0)


@dataclass(frozen=True, slots=True)
class Download:
    """The body of an answer."""

    url: str
    """Where it was found in the end, after redirects."""
    media_type: str
    """Such as `text/html`, in lower case; empty if the server did not tell."""
    charset: str | None
    body: bytes
    is_cut: bool
    """Whether the body went on."""


async def download(url: str, transport: httpx2.AsyncBaseTransport, agent: str, timeout_s: float) -> Download:
    """Ask for `url` through `transport`, which is closed afterwards.

    Raises:
        ToolRetry: another URL may do better.
        ToolFailed: it is forbidden, or its server gives no usable answer.
    """
    headers = {
        "User-Agent": agent,
        "Accept": "text/html, text/markdown, text/plain, application/json, */*;q=0.1",
        "Accept-Encoding": ", ".join(_CODINGS),
    }
    try:
        async with (
            asyncio.timeout(timeout_s),
            httpx2.AsyncClient(
                transport=transport, headers=headers, timeout=_TIMEOUT, trust_env=False
            ) as client,
        ):
            return await _followed(client, client.build_request("GET", url))
    except Blocked as error:
        raise ToolFailed(f"{url} is not read: {error}.") from error
    except UnknownHost as error:
        raise ToolRetry(f"{url} cannot be read: {error}. Check how it is spelled.") from error
    except httpx2.InvalidURL as error:
        raise ToolRetry(f"{url} is not a web address: {error}") from error
    except (TimeoutError, httpx2.TimeoutException) as error:
        raise ToolFailed(f"{url} was not read: its server did not answer in time.") from error
    except httpx2.HTTPError as error:
        raise ToolFailed(f"{url} was not read: {_in_words(error)}.") from error


async def _followed(client: httpx2.AsyncClient, request: httpx2.Request) -> Download:
    # The client could follow redirects itself, but it would read the body of each to its end, however long.
    for _ in range(MAX_REDIRECTS + 1):
        response = await client.send(request, stream=True)
        try:
            if response.next_request is None:
                return await _taken(response)
            request = response.next_request
        finally:
            await response.aclose()
    raise ToolFailed(f"{request.url} was not read: it is redirected more than {MAX_REDIRECTS} times.")


async def _taken(response: httpx2.Response) -> Download:
    _check_status(response)
    # Not by the client's decoders: they bound what comes out of them and not what goes in, and layers of packed
    # nothing would keep them, and with them the event loop, busy for as long as a page's author likes.
    packing = _Packing(response)
    body, taken = bytearray(), 0
    async for chunk in response.aiter_raw():
        taken += len(chunk)
        body += packing.unpacked(chunk, MAX_BYTES + 1 - len(body))
        if max(len(body), taken) > MAX_BYTES:
            break
    return Download(
        url=str(response.url),
        media_type=response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        charset=response.charset_encoding,
        body=bytes(body[:MAX_BYTES]),
        is_cut=max(len(body), taken) > MAX_BYTES,
    )


class _Packing:
    """How a body is packed: in no way, or in one.

    Raises:
        ToolFailed: it is packed otherwise, or more than once.
    """

    def __init__(self, response: httpx2.Response) -> None:
        self._url = response.url
        named = response.headers.get("Content-Encoding", "").lower().replace("x-gzip", "gzip").split(",")
        codings = [coding for name in named if (coding := name.strip()) not in ("", "identity")]
        if len(codings) > 1 or not set(codings) <= {*_CODINGS}:
            raise ToolFailed(f"{self._url} was not read: its server packs it in a way that nobody asked for.")
        self._may_lack_header = codings == ["deflate"]
        self._inflate = zlib.decompressobj(_ANY_HEADER) if codings else None

    def unpacked(self, chunk: bytes, most: int) -> bytes:
        """What comes out of the next chunk, of at most `most` bytes."""
        if self._inflate is None:
            return chunk[:most]
        may_lack_header, self._may_lack_header = self._may_lack_header, False
        try:
            return self._inflate.decompress(chunk, most)
        except zlib.error as error:
            if not may_lack_header:
                raise ToolFailed(f"{self._url} was not read: {_BROKEN} ({error}).") from error
            # Some servers leave out the header that RFC 9110 wants (8.4.1.2).
            self._inflate = zlib.decompressobj(_NO_HEADER)
            return self.unpacked(chunk, most)


def _check_status(response: httpx2.Response) -> None:
    status, url = response.status_code, response.url
    if response.is_success:
        return
    if status in (404, 410):
        raise ToolRetry(f"There is no page at {url} (status {status}). Check the address.")
    if status in (401, 402, 403, 407, 451):
        raise ToolFailed(f"{url} is not open to everyone, or not to programs (status {status}).")
    if status == 429:
        raise ToolFailed(f"{url} was not read: its server is getting too many requests (status 429).")
    raise ToolFailed(f"{url} was not read: its server answered with status {status}.")


def _in_words(error: httpx2.HTTPError) -> str:
    if "certificate" in str(error).lower():
        return "its server's certificate is not valid"
    if isinstance(error, httpx2.ConnectError):
        return "its server cannot be reached"
    return f"{_BROKEN} ({type(error).__name__})"
