"""Every request to Slack's Web API, seen as it ends."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from types import SimpleNamespace
from typing import Literal, TypeAlias

import aiohttp

CallOutcome = Literal["ok", "refused", "rate_limited", "server_error", "unreachable"]
CallObserver: TypeAlias = Callable[[str, CallOutcome], None]
"""Sees a Web API method, such as `chat.update`, and how one request of it ended."""

# Slack writes its JSON without spaces and begins with `ok`, as every example shows:
# https://docs.slack.dev/apis/web-api/#responses
_REFUSED = b'{"ok":false'


def watched_calls(observe: CallObserver) -> aiohttp.TraceConfig:
    """Lets `observe` see every request, retries too, of a session that is used for the Web API alone."""

    async def on_status(
        _session: aiohttp.ClientSession, context: SimpleNamespace, end: aiohttp.TraceRequestEndParams
    ) -> None:
        status = end.response.status
        context.failed = status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR
        if context.failed:
            observe(end.url.name, "rate_limited" if status == HTTPStatus.TOO_MANY_REQUESTS else "server_error")

    async def on_body(
        _session: aiohttp.ClientSession,
        context: SimpleNamespace,
        body: aiohttp.TraceResponseChunkReceivedParams,
    ) -> None:
        if not context.failed:
            observe(body.url.name, "refused" if body.chunk.startswith(_REFUSED) else "ok")

    async def on_failure(
        _session: aiohttp.ClientSession, _context: SimpleNamespace, end: aiohttp.TraceRequestExceptionParams
    ) -> None:
        observe(end.url.name, "unreachable")

    trace = aiohttp.TraceConfig()
    trace.on_request_end.append(on_status)
    trace.on_response_chunk_received.append(on_body)
    trace.on_request_exception.append(on_failure)
    return trace
