"""Questions that were asked while the bot was away.

Socket Mode delivers nothing again after an outage. So at each connection the conversations that the bot is in
are read back to when it was last known to be there, and every question in them that was not heard is submitted.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import suppress
from typing import Any, TypeAlias

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.conversation import Question
from bot.errors import SlackError
from bot.runs import Runs
from bot.slack.client import slack_errors
from bot.slack.connection import Connection
from bot.slack.identity import Identity
from bot.slack.questions import from_history, is_a_persons, is_stop
from bot.storage.watermarks import Watermarks

_log = logging.getLogger(__name__)

Json: TypeAlias = Mapping[str, Any]

_KINDS = "public_channel,private_channel,mpim,im"
_PAGE = 200
_MARK_EVERY_S = 30.0
_SETTLED_WITHIN_S = 30.0
# Clocks differ, and a connection is found dead only after a while.
_MARGIN_S = 60.0
_CONNECTED = "*"
"""The mark of the times when the bot was connected, and so heard every conversation."""


class CatchUp:
    """Looks for missed questions, and remembers up to when none can have been missed.

    Args:
        me: the bot; in channels a question is recognised by its mention.
        window_s: how far back to look at the most, in seconds.
    """

    def __init__(
        self, client: AsyncWebClient, runs: Runs, marks: Watermarks, me: Identity, *, window_s: float
    ) -> None:
        self._client = client
        self._runs = runs
        self._marks = marks
        self._team = me.team_id
        self._mention = f"<@{me.user_id}>"
        self._window_s = window_s
        self._at_rest = asyncio.Event()
        self._at_rest.set()

    async def stay_caught_up(self, connection: Connection) -> None:
        """Look at each new connection; in between, note that nothing is missed.

        Runs until cancelled.
        """
        while True:
            try:
                await self._look_or_mark(connection)
            except Exception:
                _log.exception("Looking for missed questions failed; the next connection tries again.")
                await asyncio.sleep(_MARK_EVERY_S)

    async def _look_or_mark(self, connection: Connection) -> None:
        try:
            async with asyncio.timeout(_MARK_EVERY_S):
                await connection.connected.wait()
        except TimeoutError:
            if await connection.fault() is None:
                await self._marks.raise_to(time.time(), _CONNECTED)
            return
        connection.connected.clear()
        self._at_rest.clear()
        try:
            await self.look()
        finally:
            self._at_rest.set()

    async def settled(self, connection: Connection) -> None:
        """Wait until what was missed before the present connection is known, but not for long.

        A question that comes in right after an outage may follow one that did not.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(_SETTLED_WITHIN_S):
                while connection.connected.is_set() or not self._at_rest.is_set():
                    await asyncio.sleep(0)
                    await self._at_rest.wait()

    async def begin(self) -> None:
        """Note, before the first connection ever, that nothing has been missed until now."""
        if _CONNECTED not in await self._marks.all():
            await self._marks.raise_to(time.time(), _CONNECTED)

    async def look(self) -> int:
        """Submit what was missed, oldest first; return how many questions there were."""
        started, marks = time.time(), await self._marks.all()
        missed: list[Question] = []
        searched: list[str] = []
        try:
            async for channel in self._conversations():
                mark = max(marks.get(channel["id"], 0.0), marks[_CONNECTED])
                since = max(mark - _MARGIN_S, started - self._window_s)
                missed += [question async for question in self._missed(channel, since)]
                searched.append(channel["id"])
            searched.append(_CONNECTED)
        except SlackError as error:
            _log.warning("Not every conversation was searched for missed questions: %s", error)
        missed = await self._runs.unknown(missed)
        for question in sorted(missed, key=lambda question: question.ts):
            await self._runs.submit(question)
        await self._marks.raise_to(started, *searched)
        return len(missed)

    async def _conversations(self) -> AsyncIterator[Json]:
        pages = self._pages(self._client.users_conversations, types=_KINDS, exclude_archived=True)
        async for page in pages:
            for channel in page["channels"]:
                yield channel

    async def _missed(self, channel: Json, since: float) -> AsyncIterator[Question]:
        """The questions in a conversation since then, in its threads too."""
        threads = set(await self._runs.threads(self._team, channel["id"]))
        history = self._pages(self._client.conversations_history, channel=channel["id"], oldest=f"{since:.6f}")
        async for page in history:
            for message in page["messages"]:
                if float(message.get("latest_reply") or 0) >= since:
                    threads.add(message["ts"])
                if self._is_question(channel, message):
                    yield from_history(self._team, channel["id"], message)
        for thread_ts in sorted(threads):
            async for question in self._missed_in_thread(channel, thread_ts, since):
                yield question

    async def _missed_in_thread(self, channel: Json, thread_ts: str, since: float) -> AsyncIterator[Question]:
        replies = self._pages(
            self._client.conversations_replies, channel=channel["id"], ts=thread_ts, oldest=f"{since:.6f}"
        )
        async for page in replies:
            for message in page["messages"]:
                # Slack gives the root whatever `oldest` says.
                if float(message["ts"]) >= since and self._is_question(channel, message):
                    yield from_history(self._team, channel["id"], message)

    def _is_question(self, channel: Json, message: Json) -> bool:
        words = message.get("text") or ""
        # Whoever wanted an answer to be stopped does not want another one.
        if not is_a_persons(message) or (message.get("thread_ts") and is_stop(words)):
            return False
        return bool(channel.get("is_im")) or self._mention in words

    async def _pages(
        self, method: Callable[..., Awaitable[AsyncSlackResponse]], **arguments: Any
    ) -> AsyncIterator[AsyncSlackResponse]:
        """Every page of a paged method.

        Raises:
            SlackError: Slack refused.
        """
        cursor: str | None = None
        while True:
            with slack_errors():
                page = await method(limit=_PAGE, cursor=cursor, **arguments)
            yield page
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return
