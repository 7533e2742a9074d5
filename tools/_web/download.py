"""Get what is behind a URL, within limits on time, size and redirects."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass

import httpx2

from tools._framework.errors import ToolFailed, ToolRetry
from tools._web.guard import Blocked, UnknownHost

MAX_BYTES = 2_000_000
"""Of the body as it is after decompression. The rest is left unread."""
MAX_REDIRECTS = 5
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
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            break
    return Download(
        url=str(response.url),
        media_type=response.headers.get("Content-Type", "").partition(";")[0].strip().lower(),
        charset=response.charset_encoding,
        body=bytes(body[:MAX_BYTES]),
        is_cut=len(body) > MAX_BYTES,
    )


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
    return f"its server's answer broke off or makes no sense ({type(error).__name__})"
