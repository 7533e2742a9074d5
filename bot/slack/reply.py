"""One answer's life in Slack.

In a thread: "…" at once, which becomes the answer, or the sentence that says what went wrong. For a slash
command: ephemeral messages through its `response_url`.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Coroutine, Sequence
from typing import Any

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.webhook.async_client import AsyncWebhookClient

from bot.answer import Reply, Steps
from bot.conversation import Question
from bot.errors import RunError, SlackError, SlackRefused
from bot.slack.client import slack_errors
from bot.slack.guard import neutralise
from bot.slack.markdown import split
from bot.slack.marker import Marker, State
from bot.slack.text import escape

_log = logging.getLogger(__name__)

SHARE_ACTION = "share_answer"

# chat.update refuses a longer `text` (https://docs.slack.dev/reference/methods/chat.update).
_MOST_CHARS = 3_900
# Slack takes five answers at a response_url; one is left for a failure after the others.
_MOST_COMMAND_PARTS = 4


def message(text: str) -> dict[str, Any]:
    """The content of a message that shows `text`, which is Markdown and already neutralised."""
    return {"text": escape(text), "blocks": [{"type": "markdown", "text": text}]}


def failure(error: RunError, run_id: str) -> str:
    """What the asker reads in place of an answer."""
    return f"{error.sentence}\n\n_Run `{run_id}`_"


class Replies:
    """Opens the reply that fits a question."""

    def __init__(self, client: AsyncWebClient) -> None:
        self._client = client

    def __call__(self, question: Question, steps: Steps) -> Reply:
        """A reply to `question`; nothing is shown yet."""
        if question.response_url is not None:
            return CommandReply(question, steps, question.response_url)
        return ThreadReply(self._client, question, steps)


class ThreadReply:
    """An answer in the question's thread."""

    def __init__(self, client: AsyncWebClient, question: Question, steps: Steps) -> None:
        self._client = client
        self._question = question
        self._steps = steps
        self._placeholder: asyncio.Future[str] | None = None

    async def begin(self) -> None:
        """Post "…" in the thread.

        Raises:
            SlackError: Slack refused; an answer could not be posted either.
        """
        posted = self._steps.run("post placeholder", str, lambda: self._post("…", 0, "pending"))
        self._placeholder = asyncio.ensure_future(posted)
        # Shielded: when the question is given up meanwhile, the message must still be known to be replaced.
        await asyncio.shield(self._placeholder)

    async def finish(self, text: str) -> None:
        """Turn "…" into the answer, with further messages for what is too long for one.

        Raises:
            SlackError: Slack refused.
        """
        for number, part in enumerate(split(neutralise(text), _MOST_CHARS)):
            await self._steps.run(f"show part {number}", str, self._shows(part, number, "final"))

    async def fail(self, error: RunError) -> None:
        """Turn "…" into the sentence of `error`; where the bot may not write, tell the asker directly."""
        text = failure(error, self._question.run_id)
        try:
            await self._steps.run("show failure", str, self._shows(text, 0, "failed"))
        except SlackError as refused:
            _log.warning("The failure can't be shown in the thread: %s", refused)
            await self._tell_directly(text)

    def _shows(self, text: str, number: int, state: State) -> Callable[[], Coroutine[Any, Any, str]]:
        async def show() -> str:
            placeholder = await self._placeholder_ts() if number == 0 else None
            if placeholder is None:
                return await self._post(text, number, state)
            return await self._update(placeholder, text, number, state)

        return show

    async def _placeholder_ts(self) -> str | None:
        if self._placeholder is None:
            return None
        try:
            return await self._placeholder
        except SlackError:
            return None

    async def _post(self, text: str, part: int, state: State) -> str:
        with slack_errors():
            response = await self._client.chat_postMessage(
                channel=self._question.channel,
                thread_ts=self._question.thread_ts,
                metadata=self._marker(part, state),
                # A link planted in the answer must not be fetched by Slack on its own.
                unfurl_links=False,
                unfurl_media=False,
                **message(text),
            )
        return str(response["ts"])

    async def _update(self, ts: str, text: str, part: int, state: State) -> str:
        with slack_errors():
            await self._client.chat_update(
                channel=self._question.channel,
                ts=ts,
                metadata=self._marker(part, state),
                **message(text),
            )
        return ts

    def _marker(self, part: int, state: State) -> dict[str, Any]:
        return Marker(self._question.run_id, self._question.ts, part, state).metadata()

    async def _tell_directly(self, text: str) -> None:
        try:
            opened = await self._client.conversations_open(users=self._question.user)
            await self._client.chat_postMessage(
                channel=opened["channel"]["id"], unfurl_links=False, unfurl_media=False, **message(text)
            )
        except (SlackApiError, KeyError) as refused:
            _log.error("The failure can't be shown to the asker: %s", refused)


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
        parts = split(neutralise(text), _MOST_CHARS)
        shown = parts[:_MOST_COMMAND_PARTS]
        if len(parts) > len(shown):
            shown[-1] = (
                shown[-1][: _MOST_CHARS - 100] + "\n\n_The rest did not fit. Ask in a thread to get it all._"
            )
        for number, part in enumerate(shown):
            last = number == len(shown) - 1
            content = message(part)
            content["blocks"] += [_share_button(self._question.run_id)] if last else []
            await self._steps.run(f"show part {number}", str, self._sends(content))

    async def fail(self, error: RunError) -> None:
        """Send the sentence of `error`."""
        try:
            content = message(failure(error, self._question.run_id))
            await self._steps.run("show failure", str, self._sends(content))
        except SlackError as refused:
            _log.error("The failure can't be shown to the asker: %s", refused)

    def _sends(self, content: dict[str, Any]) -> Callable[[], Awaitable[str]]:
        async def send() -> str:
            with slack_errors():
                response = await self._webhook.send(response_type="ephemeral", **content)
            if response.status_code != 200:
                raise SlackRefused(f"Slack refused the answer at the response_url: {response.body}")
            return "sent"

        return send


def _share_button(run_id: str) -> dict[str, Any]:
    button = {
        "type": "button",
        "action_id": SHARE_ACTION,
        "text": {"type": "plain_text", "text": "Share to channel"},
        "value": run_id,
    }
    return {"type": "actions", "elements": [button]}


def shared(question: Question, asker: str, answer: str) -> Sequence[dict[str, Any]]:
    """The messages that show a slash command's answer to its channel."""
    asked = f"**{asker} asked:** {question.text}"
    return [message(part) for part in split(neutralise(f"{asked}\n\n{answer}"), _MOST_CHARS)]
