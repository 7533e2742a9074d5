"""Ask a public web service for JSON, with limits on time and size and with errors in words."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Iterator, Mapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import httpx2
from pydantic import BaseModel, ValidationError

from tools._framework.context import Context
from tools._services.circuit import Circuit

MAX_BYTES = 2_000_000
# A machine without a network often lets a connection time out instead of refusing it. Where sample data
# stands in, waiting long for that helps nobody.
_PATIENT = httpx2.Timeout(6.0, connect=3.0)
_BRISK = httpx2.Timeout(3.0, connect=1.2)
_LOST = (httpx2.TimeoutException, httpx2.NetworkError, httpx2.ProxyError)
_PATIENCE = 3
"""Failures in a row after which a service is left alone for a while."""

Shape = TypeVar("Shape", bound=BaseModel)


class ServiceError(Exception):
    """A web service gave no usable answer. The text names the service and the reason."""


class Unreachable(ServiceError):
    """The service did not answer at all: the network, or the service, is away."""


class Refused(ServiceError):
    """The service is well, and finds fault with the request: a `status` of 4xx."""

    def __init__(self, message: str, status: int) -> None:
        super().__init__(message)
        self.status = status


async def fetch(
    context: Context,
    service: str,
    url: str,
    params: Mapping[str, str | int | float],
    shape: type[Shape],
    headers: Mapping[str, str] | None = None,
    body: Mapping[str, object] | None = None,
) -> Shape:
    """The JSON at `url`, held to `shape`. `service` is its name for people. A `body` is posted as JSON.

    A service that keeps failing is not asked for a minute; its last error is raised at once instead.

    Raises:
        Unreachable: no connection, or no answer in time.
        Refused: the service found fault with the request.
        ServiceError: an answer that is of no use: another error status, not of this shape, too large.
    """
    timeout = _BRISK if context.sample_data else _PATIENT
    method = "GET" if body is None else "POST"
    asking = context.http.stream(method, url, params=params, headers=headers, json=body, timeout=timeout)
    with _watched(context, service, url):
        try:
            async with asyncio.timeout(timeout.read), asking as response:
                return shape.model_validate(_parsed(service, response, await _read(service, response)))
        except (TimeoutError, *_LOST) as error:
            raise Unreachable(f"{service} cannot be reached") from error
        except (httpx2.HTTPError, httpx2.InvalidURL) as error:
            raise ServiceError(f"{service} could not be asked: {type(error).__name__}") from error
        except ValidationError as error:
            raise ServiceError(f"{service} answered with something that cannot be read") from error


@contextlib.contextmanager
def _watched(context: Context, service: str, url: str) -> Iterator[None]:
    circuit = _circuit(context, service, url)
    if not circuit.admits(context.now):
        kind = Unreachable if isinstance(circuit.last_failure, Unreachable) else ServiceError
        raise kind(f"{circuit.last_failure}, and is not asked again for a minute")
    try:
        yield
        circuit.worked()
    except Refused:
        circuit.worked()
        raise
    except ServiceError as error:
        # Where sample data can stand in, a quick "no" is worth more than another try.
        hasty = context.sample_data and isinstance(error, Unreachable)
        circuit.failed(error, context.now, patience=1 if hasty else _PATIENCE)
        raise


def _circuit(context: Context, service: str, url: str) -> Circuit:
    # One host of a service may fail alone. With sample data one speaks for all, so that nobody waits long.
    host = "" if context.sample_data else urlsplit(url).netloc
    circuit = context.state.setdefault(f"service.circuit {service} {host}", Circuit())
    return circuit if isinstance(circuit, Circuit) else Circuit()


async def _read(service: str, response: httpx2.Response) -> bytes:
    body = bytearray()
    async for chunk in response.aiter_bytes():
        body += chunk
        if len(body) > MAX_BYTES:
            raise ServiceError(f"{service} answered with more than {MAX_BYTES // 1_000_000} MB")
    return bytes(body)


def _parsed(service: str, response: httpx2.Response, body: bytes) -> Any:
    if response.status_code == 429:
        raise ServiceError(f"{service} is getting too many requests (429); try again in a minute")
    if 400 <= response.status_code < 500:
        raise Refused(f"{service} answered {response.status_code}{_reason(body)}", response.status_code)
    if response.status_code != 200:
        raise ServiceError(f"{service} answered {response.status_code}{_reason(body)}")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        raise ServiceError(f"{service} answered with something that is not JSON") from error


def _reason(body: bytes) -> str:
    """The service's own words for a refusal: Open-Meteo's `{"reason": "…"}`, others' `{"message": "…"}`."""
    with contextlib.suppress(ValueError, AttributeError, RecursionError):
        answer = json.loads(body)
        if reason := answer.get("reason") or answer.get("message"):
            return f": {str(reason)[:200]}"
    return ""
