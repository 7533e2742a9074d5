"""A local server that speaks Frankfurter's second API, as far as one rate goes.

async with RatesServer() as rates:
    context = Context(..., config=rates.config)
    rates.fail(status=500)
"""

from __future__ import annotations

import asyncio
import contextlib
from dataclasses import dataclass, field
from typing import Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.http_server import serve

# What one euro costs.
_PER_EURO = {"EUR": 1.0, "USD": 1.1416, "GBP": 0.8731, "JPY": 179.42, "IDR": 18950.0, "CHF": 0.9355}
_LATEST = "2026-11-20"


@dataclass
class RatesServer:
    """Serves as long as its `async with` block lasts."""

    requests: list[tuple[str, dict[str, str]]] = field(default_factory=list)
    """Every request: the path, and its query."""
    url: str = ""

    _failure: tuple[int, bytes, bool] | None = None
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def __aenter__(self) -> Self:
        app = Starlette(routes=[Route("/v2/rate/{base}/{quote}", self._rate)])
        self.url = await self._stack.enter_async_context(serve(app))
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._stopping.set()
        await self._stack.aclose()

    @property
    def config(self) -> dict[str, str]:
        """What `Context.config` needs to ask this server."""
        return {"FRANKFURTER_URL": self.url}

    def fail(self, *, status: int = 500, body: bytes = b"{}", hangs: bool = False) -> None:
        """Answer with this from now on. `hangs` never answers."""
        self._failure = (status, body, hangs)

    async def _rate(self, request: Request) -> Response:
        self.requests.append((request.url.path, dict(request.query_params)))
        if self._failure:
            status, body, hangs = self._failure
            if hangs:
                await self._stopping.wait()
            return Response(body, status, media_type="application/json")
        base, quote = request.path_params["base"], request.path_params["quote"]
        for currency in (base, quote):
            if currency not in _PER_EURO:
                return JSONResponse({"status": 422, "message": f"invalid currency: {currency}"}, 422)
        return JSONResponse(
            {
                "date": request.query_params.get("date", _LATEST),
                "base": base,
                "quote": quote,
                "rate": round(_PER_EURO[quote] / _PER_EURO[base], 5),
            }
        )
