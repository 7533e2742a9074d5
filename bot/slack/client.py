"""The Slack Web API client, and Slack's errors as ours."""

from __future__ import annotations

import logging
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
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
# The SDK counts the attempts of all handlers together. A 429 says when to come back; a question has minutes.
_RETRIES = 5
_RATE_LIMIT_RETRIES = 10


@asynccontextmanager
async def open_client(token: str, base_url: str, observe: CallObserver) -> AsyncIterator[AsyncWebClient]:
    """A client that waits out rate limits and tries again after a server error or a lost connection.

    `observe` sees each of its requests.

    Its connections are kept: without a session of its own it would open a new one for each call.
    """
    async with aiohttp.ClientSession(trace_configs=[watched_calls(observe)]) as session:
        client = AsyncWebClient(token=token, base_url=base_url, session=session, logger=_quiet_log())
        client.retry_handlers = [
            AsyncRateLimitErrorRetryHandler(max_retry_count=_RATE_LIMIT_RETRIES),
            AsyncServerErrorRetryHandler(max_retry_count=_RETRIES),
            AsyncConnectionErrorRetryHandler(max_retry_count=_RETRIES),
        ]
        yield client


def _quiet_log() -> logging.Logger:
    # Where the level is not set on the logger itself, the SDK words every request and answer for a debug line.
    log = logging.getLogger("slack_sdk.web")
    log.setLevel(logging.WARNING)
    return log


def without_blind_retries(client: AsyncWebClient) -> AsyncWebClient:
    """The same client for posts: after a lost response it does not post again, since the post may be there."""
    return AsyncWebClient(
        token=client.token,
        base_url=client.base_url,
        session=client.session,
        logger=_quiet_log(),
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=_RATE_LIMIT_RETRIES)],
    )


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
