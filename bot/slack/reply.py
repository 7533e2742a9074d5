"""One answer's life in Slack: "…" at once, then the answer, or a sentence that says what went wrong."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Sequence
from contextlib import suppress
from functools import partial
from itertools import count
from typing import Any

import aiohttp
from slack_sdk.errors import SlackClientError
from slack_sdk.web.async_client import AsyncWebClient

from bot.answer import Reply, Steps
from bot.conversation import Question
from bot.errors import RunError, SlackError, SlackUnreachable
from bot.slack.client import slack_errors, without_blind_retries
from bot.slack.command_reply import CommandReply
from bot.slack.content import Block, content, failure, new_message, parts, retry_button
from bot.slack.marker import Marker, State, find_answer

_log = logging.getLogger(__name__)

# For posts whose outcome is not known: seven attempts within about a quarter of a minute.
_MOST_ATTEMPTS = 7
_PAUSE_S = 0.1


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
    """An answer in the question's thread.

    Each message is posted once: where an earlier attempt may have posted, or a post's outcome is not known, the
    thread is searched for its mark first.
    """

    def __init__(self, client: AsyncWebClient, question: Question, steps: Steps) -> None:
        self._client = client
        self._posting = without_blind_retries(client)
        self._question = question
        self._steps = steps
        self._placeholder: asyncio.Future[str] | None = None

    async def begin(self) -> None:
        """Show "…" in the thread.

        Raises:
            SlackError: Slack refused; an answer could not be posted either.
        """
        shown = self._steps.run("show placeholder", str, lambda: self._show("…", 0, "pending"))
        self._placeholder = asyncio.ensure_future(shown)
        # Shielded: when the question is given up meanwhile, the message must still be known to be replaced.
        await asyncio.shield(self._placeholder)

    async def finish(self, text: str) -> None:
        """Turn "…" into the answer, with further messages for what is too long for one.

        Raises:
            SlackError: Slack refused.
        """
        shown = parts(text)
        # No step, which would have to be stored: to change "…" once more after a crash does no harm.
        await self._show(shown[0], 0, "final")
        for number, part in enumerate(shown[1:], 1):
            await self._steps.run(f"show part {number}", str, partial(self._show, part, number, "final"))
        if self._steps.may_have_posted:
            await self._steps.run("remove former parts", str, lambda: self._remove_from(len(shown)))

    async def fail(self, error: RunError) -> None:
        """Turn "…" into the sentence of `error`; where the bot may not write, tell the asker directly."""
        text = failure(error, self._steps.run_id)
        buttons = [retry_button(self._steps.run_id)]
        try:
            await self._steps.run("show failure", str, lambda: self._show(text, 0, "failed", buttons))
        except SlackError as refused:
            _log.warning("The failure can't be shown in the thread: %s", refused)
            await self._tell_directly(text)

    async def _show(self, text: str, part: int, state: State, buttons: Sequence[Block] = ()) -> str:
        """Post the part, or change it if it is there; return its timestamp."""
        marker = Marker(self._question.run_id, self._question.ts, part, state).metadata()
        ts = await self._posted(part)
        if ts is None:
            return await self._post(part, metadata=marker, **new_message(text, buttons))
        with slack_errors():
            await self._client.chat_update(
                channel=self._question.channel, ts=ts, metadata=marker, **content(text, buttons)
            )
        return ts

    async def _posted(self, part: int) -> str | None:
        """The part's timestamp, if it has been posted."""
        if part == 0 and self._placeholder is not None and self._placeholder.done():
            with suppress(SlackError):
                return await self._placeholder
        if self._steps.may_have_posted:
            return (await self._find()).get(part)
        return None

    async def _post(self, part: int, **arguments: Any) -> str:
        for attempt in count(1):
            try:
                with slack_errors():
                    response = await self._posting.chat_postMessage(
                        channel=self._question.channel, thread_ts=self._question.thread_ts, **arguments
                    )
                return str(response["ts"])
            except SlackUnreachable:
                if attempt == _MOST_ATTEMPTS:
                    raise
            await asyncio.sleep(_PAUSE_S * 2**attempt)
            if ts := (await self._find()).get(part):
                return ts
        raise AssertionError("count() has no end")

    async def _find(self) -> dict[int, str]:
        """The timestamps of the answer's parts that are in the thread."""
        with slack_errors():
            return await find_answer(self._client, self._question)

    async def _remove_from(self, part: int) -> str:
        """Remove what an earlier, longer answer left over."""
        for number, ts in (await self._find()).items():
            if number >= part:
                with slack_errors():
                    await self._client.chat_delete(channel=self._question.channel, ts=ts)
        return "removed"

    async def _tell_directly(self, text: str) -> None:
        try:
            opened = await self._client.conversations_open(users=self._question.user)
            await self._posting.chat_postMessage(channel=opened["channel"]["id"], **new_message(text))
        except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as refused:
            _log.error("The failure can't be shown to the asker: %s", refused)


async def withdraw(client: AsyncWebClient, question: Question) -> None:
    """Remove the answer to a question that was deleted."""
    for ts in (await find_answer(client, question)).values():
        await client.chat_delete(channel=question.channel, ts=ts)
