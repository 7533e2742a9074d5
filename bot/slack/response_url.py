"""Messages at a `response_url`, which takes five of them within half an hour.

See https://docs.slack.dev/interactivity/handling-user-interaction.
"""

from __future__ import annotations

import asyncio
import logging
from http import HTTPStatus
from typing import Any

import aiohttp
from slack_sdk.webhook.async_client import AsyncWebhookClient
from slack_sdk.webhook.webhook_response import WebhookResponse

from bot.errors import SlackRefused, SlackUnreachable

_log = logging.getLogger(__name__)

MOST_USES = 5
_MOST_ATTEMPTS = 5
_PAUSE_S = 0.2
_LONGEST_REST_S = 60.0


class ResponseUrl:
    """Posts at one such URL."""

    def __init__(self, url: str) -> None:
        # The SDK's own retries post again after a lost response, which doubles what was shown.
        self._webhook = AsyncWebhookClient(url, retry_handlers=[])

    async def send(self, **content: Any) -> None:
        """Post, and again where Slack has certainly not shown it.

        Where its answer is lost that is not known, and nothing tells: then it counts as shown.

        Raises:
            SlackError: Slack refused, for example since the URL is too old.
        """
        for attempt in range(_MOST_ATTEMPTS):
            try:
                response = await self._webhook.send(**content)
            except aiohttp.ClientConnectorError as error:
                fault, rest_s = f"{type(error).__name__}: {error}", 0.0
            except (aiohttp.ClientError, OSError, TimeoutError) as error:
                _log.warning("Whether Slack has shown a message is not known: %s", type(error).__name__)
                return
            else:
                if response.status_code == HTTPStatus.OK:
                    return
                if not _is_passing(response):
                    raise SlackRefused(f"Slack refused a message at the response_url: {response.body}")
                fault, rest_s = f"status {response.status_code}", _retry_after_s(response)
            await asyncio.sleep(max(rest_s, _PAUSE_S * 2**attempt))
        raise SlackUnreachable(f"Slack does not take messages at the response_url: {fault}")


def _is_passing(response: WebhookResponse) -> bool:
    status = response.status_code
    return status == HTTPStatus.TOO_MANY_REQUESTS or status >= HTTPStatus.INTERNAL_SERVER_ERROR


def _retry_after_s(response: WebhookResponse) -> float:
    given = (value for name, value in response.headers.items() if name.lower() == "retry-after")
    return min(float(next(given, 0)), _LONGEST_REST_S)
