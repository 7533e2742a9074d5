"""What watches the bot from outside: `/healthz`, `/readyz` and `/metrics`."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import version

from prometheus_client import CONTENT_TYPE_LATEST
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import BaseRoute, Route

from bot.telemetry.probes import Probe

_PROBE_WITHIN_S = 2.0


class Readiness:
    """Asks the probes, all at once, and gives each `within_s` seconds."""

    def __init__(self, probes: Mapping[str, Probe], within_s: float = _PROBE_WITHIN_S) -> None:
        self._probes = probes
        self._within_s = within_s
        self._asking: dict[str, asyncio.Future[str | None]] = {}

    async def faults(self) -> dict[str, str]:
        """What is wrong, by the probe's name; empty if the bot is ready."""
        faults = await asyncio.gather(*(self._ask(name) for name in self._probes))
        return {name: fault for name, fault in zip(self._probes, faults, strict=True) if fault is not None}

    async def _ask(self, name: str) -> str | None:
        # A probe that hangs is not asked again meanwhile: each would hold a thread or a connection more.
        if name not in self._asking or self._asking[name].done():
            self._asking[name] = asyncio.ensure_future(self._probes[name]())
        done, _ = await asyncio.wait([self._asking[name]], timeout=self._within_s)
        if not done:
            return f"no answer within {self._within_s:g} s"
        error = self._asking[name].exception()
        return self._asking[name].result() if error is None else f"it failed with {type(error).__name__}"


def create_app(
    readiness: Readiness, metrics: Callable[[], bytes], routes: Sequence[BaseRoute] = ()
) -> Starlette:
    """The health routes, and `routes` beside them.

    Args:
        readiness: decides on `/readyz`: 200, or 503 with the reasons.
        metrics: what `/metrics` says, in Prometheus' text format.
        routes: more routes for the same port.
    """
    started = time.monotonic()

    async def healthz(_request: Request) -> Response:
        uptime_s = round(time.monotonic() - started, 1)
        return JSONResponse({"status": "ok", "version": version("threadloop"), "uptime_s": uptime_s})

    async def readyz(_request: Request) -> Response:
        faults = await readiness.faults()
        if faults:
            return JSONResponse({"status": "not ready", "reasons": faults}, 503)
        return JSONResponse({"status": "ready"})

    async def prometheus(_request: Request) -> Response:
        return Response(metrics(), headers={"Content-Type": CONTENT_TYPE_LATEST})

    return Starlette(
        routes=[Route("/healthz", healthz), Route("/readyz", readyz), Route("/metrics", prometheus), *routes]
    )
