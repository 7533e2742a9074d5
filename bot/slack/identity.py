"""Who the bot is in its workspace."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import aiohttp
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.errors import SettingsError


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the bot is in this workspace."""

    team_id: str
    user_id: str
    bot_id: str

    def wrote(self, message: Mapping[str, Any]) -> bool:
        """Whether this message is ours. Another bot's is not."""
        return message.get("bot_id") == self.bot_id or message.get("user") == self.user_id


async def identify(client: AsyncWebClient) -> Identity:
    """Ask Slack whose token it is.

    Raises:
        SettingsError: Slack refuses the token, or can't be reached.
    """
    try:
        who = await client.auth_test()
    except SlackApiError as error:
        raise SettingsError(
            f"Slack refuses SLACK_BOT_TOKEN ({error.response.get('error')}): copy it again from "
            "api.slack.com/apps → your app → OAuth & Permissions, after installing the app."
        ) from error
    except (aiohttp.ClientError, OSError, TimeoutError) as error:
        raise SettingsError(
            f"Slack can't be reached at {client.base_url}: {error}. Check the network and SLACK_API_URL."
        ) from error
    return Identity(team_id=who["team_id"], user_id=who["user_id"], bot_id=who["bot_id"])
