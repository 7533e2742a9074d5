"""Ask a public web service for JSON, with limits on time and size and with errors in words."""

from __future__ import annotations

import asyncio
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import httpx2

from tools._context import Context

MAX_BYTES = 2_000_000
_AWAY_FOR = timedelta(seconds=60)
# A machine without a network often lets a connection time out instead of refusing it. Where sample data
# stands in, waiting long for that helps nobody.
_PATIENT = httpx2.Timeout(6.0, connect=3.0)
_BRISK = httpx2.Timeout(3.0, connect=1.2)
_LOST = (httpx2.TimeoutException, httpx2.NetworkError, httpx2.ProxyError)


class ServiceError(Exception):
    """A web service gave no usable answer. The text names the service and the reason."""


class Unreachable(ServiceError):
    """The service did not answer at all: the network, or the service, is away."""


@dataclass(frozen=True, slots=True)
class Reachability:
    """Which services were found to be away, shared by all calls through `Context.state`."""

    away_until: dict[str, datetime] = field(default_factory=dict)

    @classmethod
    def of(cls, context: Context) -> Reachability:
        """The process's own record."""
        found = context.state.setdefault("service.reachability", cls())
        return found if isinstance(found, cls) else cls()

    def is_away(self, service: str, now: datetime) -> bool:
        """Whether `service` was away less than a minute ago."""
        return service in self.away_until and now < self.away_until[service]

    def remember(self, service: str, now: datetime) -> None:
        """Note that `service` is away now."""
        self.away_until[service] = now + _AWAY_FOR


async def fetch_json(
    context: Context,
    service: str,
    url: str,
    params: Mapping[str, str | int | float],
    headers: Mapping[str, str] | None = None,
) -> Any:
    """The JSON at `url`. `service` is its name for people.

    Raises:
        Unreachable: no connection, or no answer in time.
        ServiceError: an answer that is of no use: an error status, not JSON, too large.
    """
    reachability = Reachability.of(context)
    # Only where sample data can stand in is a quick "no" worth more than another try.
    if context.sample_data and reachability.is_away(service, context.now):
        raise Unreachable(f"{service} cannot be reached")
    timeout = _BRISK if context.sample_data else _PATIENT
    try:
        async with asyncio.timeout(timeout.read):
            return await _get(context.http, service, url, params, headers, timeout)
    except (TimeoutError, *_LOST) as error:
        reachability.remember(service, context.now)
        raise Unreachable(f"{service} cannot be reached") from error
    except (httpx2.HTTPError, httpx2.InvalidURL) as error:
        raise ServiceError(f"{service} could not be asked: {type(error).__name__}") from error


async def _get(
    http: httpx2.AsyncClient,
    service: str,
    url: str,
    params: Mapping[str, str | int | float],
    headers: Mapping[str, str] | None,
    timeout: httpx2.Timeout,
) -> Any:
    async with http.stream("GET", url, params=params, headers=headers, timeout=timeout) as response:
        body = await _read(service, response)
    if response.status_code == 429:
        raise ServiceError(f"{service} is getting too many requests (429); try again in a minute")
    if response.status_code != 200:
        raise ServiceError(f"{service} answered {response.status_code}{_reason(body)}")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ServiceError(f"{service} answered with something that is not JSON") from error


async def _read(service: str, response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise ServiceError(f"{service} answered with more than {MAX_BYTES // 1_000_000} MB")
    return bytes(body)


def _reason(body: bytes) -> str:
    """Open-Meteo's own words for a refusal: `{"error": true, "reason": "…"}`."""
    try:
        return f": {str(json.loads(body)['reason'])[:200]}"
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""
