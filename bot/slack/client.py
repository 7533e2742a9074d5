"""The Slack Web API client, and Slack's errors as ours."""

from __future__ import annotations

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_async_handlers import (
    AsyncConnectionErrorRetryHandler,
    AsyncRateLimitErrorRetryHandler,
    AsyncServerErrorRetryHandler,
)
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import MissingScope, NotInChannel, SlackError, SlackRateLimited, SlackRefused

_BY_CODE: dict[str, type[SlackError]] = {
    "not_in_channel": NotInChannel,
    "channel_not_found": NotInChannel,  # what Slack says of a private channel without the bot
    "missing_scope": MissingScope,
    "not_allowed_token_type": MissingScope,
    "ratelimited": SlackRateLimited,
    "rate_limited": SlackRateLimited,
}
_RETRIES = 2


@asynccontextmanager
async def open_client(token: str, base_url: str) -> AsyncIterator[AsyncWebClient]:
    """A client that waits out rate limits and tries again after a server error or a lost connection.

    Its connections are kept: without a session of its own it would open a new one for each call.
    """
    async with aiohttp.ClientSession() as session:
        yield _client(token, base_url, session)


def _client(token: str, base_url: str, session: aiohttp.ClientSession) -> AsyncWebClient:
    return AsyncWebClient(
        token=token,
        base_url=base_url,
        session=session,
        retry_handlers=[
            AsyncRateLimitErrorRetryHandler(max_retry_count=_RETRIES),
            AsyncServerErrorRetryHandler(max_retry_count=_RETRIES),
            AsyncConnectionErrorRetryHandler(max_retry_count=_RETRIES),
        ],
    )


@contextmanager
def slack_errors() -> Iterator[None]:
    """Raise whatever Slack refuses inside as a `SlackError` of its kind."""
    try:
        yield
    except SlackApiError as error:
        code = _code(error)
        raise _BY_CODE.get(code, SlackRefused)(_explain(error, code)) from error
    except (SlackClientError, aiohttp.ClientError, TimeoutError) as error:
        raise SlackRefused(f"Slack could not be reached: {type(error).__name__}: {error}") from error


def _code(error: SlackApiError) -> str:
    if getattr(error.response, "status_code", 200) == 429:
        return "ratelimited"
    return str(error.response.get("error")) if hasattr(error.response, "get") else "unknown"


def _explain(error: SlackApiError, code: str) -> str:
    needed = error.response.get("needed") if hasattr(error.response, "get") else None
    scope = f" (the scope {needed} is missing)" if needed else ""
    return f"Slack refused with {code}{scope}."
