"""What the listeners work with."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from bot.agent.flow import Flows
from bot.conversation import Question
from bot.errors import SlackError
from bot.runs import Runs
from bot.slack.action_tokens import ActionTokens
from bot.slack.client import PacedClient, slack_errors
from bot.slack.decisions import Decisions
from bot.slack.delivery import Delivery
from bot.slack.people import Directory
from bot.storage.elicitations import Elicitations

_log = logging.getLogger(__name__)

_NOT_OPENED = "Slack did not open the form. Please press again."


@dataclass(frozen=True, slots=True)
class Services:
    """Shared by all listeners.

    Bolt hands a client of its own to each listener; this one knows Slack's rate limits.
    """

    client: PacedClient
    runs: Runs
    directory: Directory
    flows: Flows
    decisions: Decisions
    elicitations: Elicitations
    tokens: ActionTokens
    note_stop: Callable[[Question], None]
    """Is told the words that stop answers, before anything is stopped."""
    me: str
    """The bot's own user id."""
    secrets: tuple[str, ...]
    """Configured secrets, which must not leave."""

    async def tell(self, body: Mapping[str, Any], words: str | None) -> None:
        """Tell somebody who pressed a button what only they need to know; `None` tells nothing."""
        if words:
            container = body["container"]
            await self.client.chat_postEphemeral(
                channel=container["channel_id"],
                thread_ts=container.get("thread_ts") or container["message_ts"],
                user=body["user"]["id"],
                text=words,
            )

    async def open_modal(self, body: Mapping[str, Any], view: Mapping[str, Any]) -> None:
        """Open a modal for somebody who pressed a button; tell them if Slack does not.

        A press is good for three seconds (https://docs.slack.dev/interactivity/handling-user-interaction).
        """
        try:
            with slack_errors():
                await self.client.views_open(trigger_id=body["trigger_id"], view=dict(view))
        except SlackError as error:
            _log.warning("A form was not opened: %s", error)
            await self.tell(body, _NOT_OPENED)

    def delivery(self, question: Question) -> Delivery:
        """For the messages that answer `question`."""
        return Delivery(self.client, question, self.me)
