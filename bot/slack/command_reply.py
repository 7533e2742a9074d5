"""The answer to a slash command: ephemeral messages through its `response_url`."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from http import HTTPStatus
from typing import Any

from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.answer import Steps
from bot.conversation import Question
from bot.errors import RunError, SlackError, SlackRefused
from bot.slack.client import slack_errors
from bot.slack.content import MOST_CHARS, failure, new_message, parts, retry_button, share_button

_log = logging.getLogger(__name__)

# Slack takes five answers at a response_url; one is left for a failure after the others.
_MOST_PARTS = 4
_REST = "\n\n_The rest did not fit. Ask in a thread to get it all._"


class CommandReply:
    """An answer to a slash command, for the asker's eyes, with a button that shares it to the channel."""

    def __init__(self, question: Question, steps: Steps, response_url: str) -> None:
        self._question = question
        self._steps = steps
        self._webhook = AsyncWebhookClient(response_url)

    async def begin(self) -> None:
        """Nothing: the command was acknowledged with words."""

    async def finish(self, text: str) -> None:
        """Send the answer.

        Raises:
            SlackError: Slack refused.
        """
        everything = parts(text)
        shown = everything[:_MOST_PARTS]
        if len(everything) > len(shown):
            shown[-1] = shown[-1][: MOST_CHARS - len(_REST)] + _REST
        for number, part in enumerate(shown):
            buttons = [share_button(self._steps.run_id)] if number == len(shown) - 1 else ()
            content = new_message(part, buttons)
            await self._steps.run(f"show part {number}", str, self._sends(content))

    async def fail(self, error: RunError) -> None:
        """Send the sentence of `error`."""
        try:
            text = failure(error, self._steps.run_id)
            content = new_message(text, [retry_button(self._steps.run_id)])
            await self._steps.run("show failure", str, self._sends(content))
        except SlackError as refused:
            _log.error("The failure can't be shown to the asker: %s", refused)

    def _sends(self, content: dict[str, Any]) -> Callable[[], Awaitable[str]]:
        async def send() -> str:
            with slack_errors():
                response = await self._webhook.send(response_type="ephemeral", **content)
            if response.status_code != HTTPStatus.OK:
                raise SlackRefused(f"Slack refused the answer at the response_url: {response.body}")
            return "sent"

        return send
