"""The answer to a slash command: ephemeral messages through its `response_url`, or else a direct message."""

from __future__ import annotations

import logging
from collections.abc import Awaitable, Callable
from typing import Any

from bot.agent.interfaces import Steps
from bot.conversation import Answer, Event, History, Question, ToolCall, ToolFinished
from bot.errors import RunError, SlackError
from bot.slack.client import PacedClient, slack_errors, without_blind_retries
from bot.slack.content import Footer, failure, new_message, retry_button, share_button
from bot.slack.guard import Allowed, urls_in
from bot.slack.markdown import compose
from bot.slack.response_url import MOST_USES, ResponseUrl

_log = logging.getLogger(__name__)

# These, and a failure after the others.
_MOST_MESSAGES = MOST_USES - 1


class CommandReply:
    """An answer to a slash command, for the asker's eyes, with a button that shares it to the channel."""

    def __init__(
        self,
        client: PacedClient,
        question: Question,
        steps: Steps,
        response_url: str,
        footer: Footer,
        secrets: tuple[str, ...],
    ) -> None:
        self._client = client
        self._question = question
        self._steps = steps
        self._url = ResponseUrl(response_url)
        self._footer = footer
        self._secrets = secrets
        self._urls = frozenset(urls_in(question.text))

    async def begin(self) -> None:
        """Nothing: the command was acknowledged with words."""

    def know(self, history: History) -> None:
        """Nothing: a command has no thread."""

    def show(self, event: Event) -> None:
        """Only the end is shown; but what tools have found may be linked in it."""
        if isinstance(event, ToolFinished):
            self._urls |= frozenset(urls_in(event.result.content))

    def report(self, call: ToolCall, progress: str) -> None:
        """Nothing: only the end is shown."""

    async def pause(self) -> int:
        """Never called: without a thread there is nothing to approve."""
        return 0

    async def finish(self, answer: Answer) -> None:
        """Send the answer.

        Raises:
            SlackError: Slack refused.
        """
        allowed = Allowed(frozenset({self._question.user}), self._urls, self._secrets)
        # Where only the asker sees it, and the bot may be no member, no file can be put.
        shown = compose(answer.text, allowed, most_messages=_MOST_MESSAGES, files=False).messages
        foot = (*self._footer.blocks(answer, self._steps.run_id), share_button(self._steps.run_id))
        for number, text in enumerate(shown):
            content = new_message(text, foot if number == len(shown) - 1 else ())
            await self._steps.run(f"show part {number}", str, self._sends(content))

    async def fail(self, error: RunError) -> None:
        """Send the sentence of `error`."""
        try:
            text = failure(error, self._steps.run_id)
            content = new_message(text, [retry_button(self._steps.run_id)])
            # No step: where a run is given up, those that it had before are not run through again.
            await self._sends(content)()
        except SlackError as refused:
            _log.error("The failure can't be shown to the asker: %s", refused)

    async def abandon(self) -> None:
        """Nothing: an answer is sent whole or not at all."""

    def _sends(self, content: dict[str, Any]) -> Callable[[], Awaitable[str]]:
        async def send() -> str:
            try:
                await self._url.send(response_type="ephemeral", **content)
            except SlackError as refused:
                _log.info("The asker is told directly: %s", refused)
                await self._send_directly(content)
            return "sent"

        return send

    async def _send_directly(self, content: dict[str, Any]) -> None:
        with slack_errors():
            opened = await self._client.conversations_open(users=self._question.user)
            client = without_blind_retries(self._client)
            await client.chat_postMessage(channel=opened["channel"]["id"], **content)
