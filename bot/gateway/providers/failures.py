"""Provider failures put into the gateway's words, the same for every provider."""

from __future__ import annotations

import re
import time
from collections.abc import Mapping
from email.utils import parsedate_to_datetime

import httpx2

from bot.gateway.errors import ErrorCode, Origin, ProviderError

_NAMES: dict[Origin, str] = {"openai": "OpenAI", "anthropic": "Anthropic", "mock": "mock", "gateway": "gateway"}

# OpenAI, Anthropic, llama.cpp, vLLM and Azure, in their own words.
_TOO_LONG = re.compile(
    r"context_length_exceeded|exceed_context_size|prompt is too long|maximum context length|context window"
    r"|exceed(?:s|ed)? (?:the )?(?:available )?context|request_too_large|string_above_max_length",
    re.IGNORECASE,
)
_NO_CREDIT = re.compile(r"insufficient_quota|billing_error|credit balance is too low", re.IGNORECASE)


def refused(
    origin: Origin, status: int, message: str, *, kind: str = "", headers: Mapping[str, str] | None = None
) -> ProviderError:
    """The error for an answer of 4xx or 5xx. `kind` is the provider's own code or type for it."""
    code = _code(status, f"{kind} {message}")
    return ProviderError(
        f"{_NAMES[origin]} answered {status}: {message}",
        status=status,
        code=code,
        origin=origin,
        retryable=code in ("rate_limited", "timed_out", "provider_failed") or status == 409,
        retry_after_s=_retry_after_s(headers or {}),
    )


def unanswered(origin: Origin, error: Exception) -> ProviderError:
    """The error for a request without an answer; `error` is an SDK's, caused by the network library's."""
    cause = error.__cause__
    if isinstance(cause, httpx2.ConnectTimeout | httpx2.PoolTimeout):
        return _unreachable(origin, "no connection in time.")
    if isinstance(cause, httpx2.TimeoutException):
        return silent(origin)
    return _unreachable(origin, str(cause or error))


def _unreachable(origin: Origin, cause: str) -> ProviderError:
    """The error for a connection that did not come about, or broke before an answer."""
    message = f"{_NAMES[origin]} can't be reached: {cause}"
    return ProviderError(message, status=502, code="connection_failed", origin=origin, retryable=True)


def silent(origin: Origin) -> ProviderError:
    """The error for a provider that took the request and fell silent. Not repeated: it has cost minutes."""
    message = f"{_NAMES[origin]} took the request but did not answer in time."
    return ProviderError(message, status=504, code="timed_out", origin=origin)


def cut(origin: Origin) -> ProviderError:
    """The error for a stream that ended before the answer did."""
    message = f"{_NAMES[origin]}'s answer broke off before its end."
    return ProviderError(message, status=502, code="stream_cut", origin=origin, retryable=True)


def key_missing(origin: Origin, variable: str) -> ProviderError:
    """The error for a provider that is chosen but has no key."""
    message = f"There is no key for {_NAMES[origin]}: set {variable} (see .env.example) and restart."
    return ProviderError(message, status=401, code="api_key_missing", origin=origin)


def _code(status: int, text: str) -> ErrorCode:
    if _NO_CREDIT.search(text) or status == 402:
        return "quota_exceeded"
    if status in (401, 403):
        return "api_key_refused"
    if status == 429:
        return "rate_limited"
    if status == 413 or _TOO_LONG.search(text):  # before 500, which some local servers answer to it
        return "context_too_long"
    if status == 408:
        return "timed_out"
    if status >= 500:
        return "provider_failed"
    return "model_not_found" if status == 404 else "request_refused"


def _retry_after_s(headers: Mapping[str, str]) -> float | None:
    """Seconds from `retry-after-ms` or `Retry-After`, which holds seconds or a date (RFC 9110, 10.2.3)."""
    try:
        if "retry-after-ms" in headers:
            return max(0.0, float(headers["retry-after-ms"]) / 1000)
        return max(0.0, float(headers["retry-after"]))
    except KeyError:
        return None
    except ValueError:
        return _seconds_until(headers["retry-after"])


def _seconds_until(date: str) -> float | None:
    try:
        return max(0.0, parsedate_to_datetime(date).timestamp() - time.time())
    except ValueError:
        return None
