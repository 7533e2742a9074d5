"""Writes to Slack that happen once, also when an attempt is repeated or Slack's answer is lost."""

from __future__ import annotations

import copy
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import TYPE_CHECKING

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler

from tools._framework.context import Context
from tools._framework.errors import ToolFailed
from tools._slack.calls import client_of, status_of

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

_RATE_LIMIT_RETRIES = 10


def writing_client(context: Context) -> AsyncWebClient:
    """The bot's client without blind retries: where an answer was lost, the message may be there."""
    client = copy.copy(client_of(context))
    client.retry_handlers = [AsyncRateLimitErrorRetryHandler(max_retry_count=_RATE_LIMIT_RETRIES)]
    return client


async def once(look: Callable[[], Awaitable[str | None]], write: Callable[[], Awaitable[str]]) -> str:
    """The id of what an earlier attempt wrote, which `look` finds, or of what `write` writes now.

    Raises:
        SlackApiError: Slack refused.
        ToolFailed: Slack could not be reached, and nothing was written.
    """
    if found := await look():
        return found
    try:
        return await write()
    except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
        if isinstance(error, SlackApiError) and status_of(error) < HTTPStatus.INTERNAL_SERVER_ERROR:
            raise
        if found := await look():
            return found
        raise ToolFailed("Slack could not be reached. Nothing was sent or changed.") from error
