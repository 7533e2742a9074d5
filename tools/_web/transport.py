"""An HTTP transport that connects to checked addresses only."""

from __future__ import annotations

import httpx2

from tools._web.addresses import Address
from tools._web.guard import Guard, Target

_MOST_ADDRESSES = 3


class GuardedTransport(httpx2.AsyncBaseTransport):
    """Asks the guard about every request, redirects included, and sends it to the address that was checked.

    Args:
        guard: says where a URL leads to.
        inner: does the connecting. It must not keep connections: they are told apart by their address, so one
            could serve another name than its certificate was checked for.
    """

    def __init__(self, guard: Guard, inner: httpx2.AsyncBaseTransport) -> None:
        self._guard = guard
        self._inner = inner

    async def handle_async_request(self, request: httpx2.Request) -> httpx2.Response:
        """Answer one request.

        Raises:
            Blocked: its URL is not to be fetched.
            UnknownHost: its host does not exist.
            httpx2.TransportError: the connection, or the answer, failed.
        """
        target = await self._guard.check(request.url)
        *others, last = target.addresses[:_MOST_ADDRESSES]
        for address in others:
            try:
                return await self._inner.handle_async_request(_addressed(request, target, address))
            except (httpx2.ConnectError, httpx2.ConnectTimeout):
                continue
        return await self._inner.handle_async_request(_addressed(request, target, last))

    async def aclose(self) -> None:
        """Close the inner transport."""
        await self._inner.aclose()


def _addressed(request: httpx2.Request, target: Target, address: Address) -> httpx2.Request:
    """The same request to an address. The `Host` header and the TLS name stay the name's."""
    return httpx2.Request(
        request.method,
        request.url.copy_with(host=str(address)),
        headers=request.headers,
        stream=request.stream,
        extensions={**request.extensions, "sni_hostname": target.host},
    )
