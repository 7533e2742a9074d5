"""The Slack Web API client, and Slack's errors as ours."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import AsyncIterator, Coroutine, Iterator, Mapping
from contextlib import asynccontextmanager, contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.async_handler import AsyncRetryHandler
from slack_sdk.http_retry.request import HttpRequest
from slack_sdk.http_retry.response import HttpResponse
from slack_sdk.http_retry.state import RetryState
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import (
    MissingScope,
    NotInChannel,
    SlackError,
    SlackRateLimited,
    SlackRefused,
    SlackUnreachable,
)
from bot.slack.calls import CallObserver, watched_calls
from bot.slack.pacing import Pacer, Urgency

_BY_CODE: dict[str, type[SlackError]] = {
    "not_in_channel": NotInChannel,
    "channel_not_found": NotInChannel,  # what Slack says of a private channel without the bot
    "missing_scope": MissingScope,
    "not_allowed_token_type": MissingScope,
    "ratelimited": SlackRateLimited,
    "rate_limited": SlackRateLimited,
    # Slack's own trouble, said with status 200
    "internal_error": SlackUnreachable,
    "fatal_error": SlackUnreachable,
    "service_unavailable": SlackUnreachable,
    "request_timeout": SlackUnreachable,
}
# The SDK counts the attempts of all kinds together. A 429 says when to come back; a question has minutes.
_RETRIES = 5
_RATE_LIMIT_RETRIES = 10
_LOST = (aiohttp.ServerConnectionError, aiohttp.ServerDisconnectedError, aiohttp.ClientOSError)
# What puts something into a conversation.
_SHOWS = ("chat.", "files.complete")
# As the SDK has it for sessions of its own.
_TIMEOUT = aiohttp.ClientTimeout(total=30.0)
_TROUBLED = (HTTPStatus.INTERNAL_SERVER_ERROR, HTTPStatus.SERVICE_UNAVAILABLE)


@asynccontextmanager
async def open_client(
    token: str, base_url: str, observe: CallObserver, pacer: Pacer | None = None
) -> AsyncIterator[PacedClient]:
    """A client that keeps Slack's rate limits, and tries again after a server error or a lost connection.

    `observe` sees each of its requests. `pacer` is its own unless one is given.

    Its connections are kept: without a session of its own it would open a new one for each call.
    """
    async with aiohttp.ClientSession(timeout=_TIMEOUT, trace_configs=[watched_calls(observe)]) as session:
        yield PacedClient(pacer or Pacer(), token=token, base_url=base_url, session=session)


def without_blind_retries(client: PacedClient) -> PacedClient:
    """The same client for posts: after a lost response it does not post again, since the post may be there."""
    return PacedClient(
        client.pacer, blind_retries=False, token=client.token, base_url=client.base_url, session=client.session
    )


_urgency: ContextVar[Urgency] = ContextVar("urgency", default="answer")


@contextmanager
def urgency(of_calls: Urgency) -> Iterator[None]:
    """Let the calls made inside, also by tasks begun inside, take their turns sooner or later than others.

        with urgency("finish"):
            await client.chat_update(...)

    An "extra" call raises NoTurn where it would have to wait.
    """
    before = _urgency.set(of_calls)
    try:
        yield
    finally:
        _urgency.reset(before)


@dataclass(slots=True)
class _Call:
    """What the pacer has to know of a call, and how it stands."""

    method: str
    channel: str = ""
    rests: bool = False
    """Whether it waits for its next attempt."""
    is_given_up: bool = False
    """Whether there should be no further attempt."""

    @classmethod
    def of(cls, url: str, arguments: Mapping[str, Any]) -> _Call:
        """The call that a request of the SDK stands for."""
        places = (arguments.get(name) for name in ("json", "params", "data"))
        channels = (place.get("channel") for place in places if isinstance(place, Mapping))
        return cls(_method(url), next((str(channel) for channel in channels if channel), ""))


# The SDK does not tell a retry handler which JSON was sent.
_current: ContextVar[_Call | None] = ContextVar("current", default=None)


class PacedClient(AsyncWebClient):
    """The SDK's client, whose every request takes its turn: retries, and an answer's further pages, too."""

    def __init__(self, pacer: Pacer, *, blind_retries: bool = True, **arguments: Any) -> None:
        retries = _Retries(pacer, blind=blind_retries)
        super().__init__(**arguments, logger=_quiet_log(), retry_handlers=[retries])
        self.pacer = pacer

    async def _request(self, *, http_verb: str, api_url: str, req_args: dict[str, Any]) -> dict[str, Any]:
        # Not `api_call`, which further pages don't pass.
        call = _Call.of(api_url, req_args)
        turn = await self.pacer.turn(call.method, call.channel, _urgency.get())
        before = _current.set(call)
        try:
            request = super()._request(http_verb=http_verb, api_url=api_url, req_args=req_args)
            return await (_unbroken(request, call) if call.method.startswith(_SHOWS) else request)
        finally:
            _current.reset(before)
            turn.answered()


async def _unbroken(request: Coroutine[Any, Any, dict[str, Any]], call: _Call) -> dict[str, Any]:
    """Make a request that shows something. Once it has left, giving it up waits for its answer.

    Otherwise a message could appear after whoever gave it up has looked for what there is to be removed.
    """
    sending = asyncio.create_task(request)
    try:
        return await asyncio.shield(sending)
    except asyncio.CancelledError:
        call.is_given_up = True
        if call.rests:
            # Nothing is under way.
            sending.cancel()
        await asyncio.wait({sending})
        if not sending.cancelled():
            sending.exception()
        raise


class _Retries(AsyncRetryHandler):
    """Tries again when it is the call's turn again; Bolt's copies of a client inherit this.

    Without `blind`, only after a 429, which says that nothing was done.
    """

    def __init__(self, pacer: Pacer, *, blind: bool) -> None:
        super().__init__(max_retry_count=_RATE_LIMIT_RETRIES)
        self._pacer = pacer
        self._blind = blind

    async def _can_retry_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> bool:
        blindly = self._blind and state.current_attempt < _RETRIES
        if (call := _current.get()) and call.is_given_up:
            return False
        if error is not None:
            return blindly and isinstance(error, _LOST)
        if response is None:
            return False
        return _is_rate_limited(response) or (blindly and response.status_code in _TROUBLED)

    async def prepare_for_next_attempt_async(
        self,
        *,
        state: RetryState,
        request: HttpRequest,
        response: HttpResponse | None = None,
        error: Exception | None = None,
    ) -> None:
        call = _current.get() or _Call(_method(request.url))
        call.rests = True
        if response is not None and _is_rate_limited(response):
            self._pacer.limited(call.method, call.channel, _retry_after_s(response))
        else:
            await asyncio.sleep(self.interval_calculator.calculate_sleep_duration(state.current_attempt))
        await self._pacer.turn(call.method, call.channel, _urgency.get())
        call.rests = False
        state.next_attempt_requested = True
        state.increment_current_attempt()


def _method(url: str) -> str:
    return url.rpartition("/")[2]


def _is_rate_limited(response: HttpResponse) -> bool:
    return response.status_code == HTTPStatus.TOO_MANY_REQUESTS


def _retry_after_s(response: HttpResponse) -> float:
    """What https://docs.slack.dev/apis/web-api/rate-limits says of `Retry-After`: whole seconds."""
    given = (values[0] for name, values in response.headers.items() if name.lower() == "retry-after")
    return float(next(given, 1))


def _quiet_log() -> logging.Logger:
    # Where the level is not set on the logger itself, the SDK words every request and answer for a debug line.
    log = logging.getLogger("slack_sdk.web")
    log.setLevel(logging.WARNING)
    return log


@contextmanager
def slack_errors() -> Iterator[None]:
    """Raise whatever Slack refuses inside as a `SlackError` of its kind."""
    try:
        yield
    except SlackApiError as error:
        kind, code = _kind(error)
        raise kind(_explain(error, code)) from error
    except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
        raise SlackUnreachable(f"Slack could not be reached: {type(error).__name__}: {error}") from error


def _kind(error: SlackApiError) -> tuple[type[SlackError], str]:
    status, answer = _answer(error)
    if status == HTTPStatus.TOO_MANY_REQUESTS:
        return SlackRateLimited, "ratelimited"
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return SlackUnreachable, f"status {status}"
    code = str(answer.get("error"))
    return _BY_CODE.get(code, SlackRefused), code


def _explain(error: SlackApiError, code: str) -> str:
    needed = _answer(error)[1].get("needed")
    scope = f" (the scope {needed} is missing)" if needed else ""
    return f"Slack refused with {code}{scope}."


def _answer(error: SlackApiError) -> tuple[int, dict[str, Any]]:
    """The status and the JSON of Slack's answer, which the SDK gives in several types, or as a mere text."""
    response = error.response
    if isinstance(response, dict):
        return int(response.get("status") or HTTPStatus.OK), response
    body = response.data
    return response.status_code, body if isinstance(body, dict) else {}
