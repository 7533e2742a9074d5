"""Questions that were asked while the bot was away.

Socket Mode delivers nothing again after an outage. So at each connection the conversations that the bot is in
are read back to when it was last known to be there, and every question in them that was not heard is submitted.
This takes only what Slack's rate limits leave over. Until it is done, a question in a thread has its own thread
read first, so that it never overtakes an earlier one.
"""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Collection, Mapping
from contextlib import suppress
from contextvars import Context
from dataclasses import dataclass
from typing import Any, TypeAlias

from slack_sdk.web.async_client import AsyncWebClient
from slack_sdk.web.async_slack_response import AsyncSlackResponse

from bot.conversation import Question
from bot.errors import SlackError, SlackRefused
from bot.runs import Runs
from bot.slack.client import slack_errors, urgency
from bot.slack.connection import Connection
from bot.slack.identity import Identity
from bot.slack.pacing import Urgency
from bot.slack.questions import from_history, is_a_persons, is_stop
from bot.storage.watermarks import Watermarks

_log = logging.getLogger(__name__)

Json: TypeAlias = Mapping[str, Any]

_KINDS = "public_channel,private_channel,mpim,im"
_PAGE = 200
_MARK_EVERY_S = 30.0
_LONGEST_PAUSE_S = 600.0
# Clocks differ, and a connection is found dead only after a while.
_MARGIN_S = 60.0
# Old threads are looked at if they were talked in so shortly before the outage, and no more than so many.
_LATELY_S = 24 * 3600.0
_MOST_THREADS = 100
# The oldest question is answered first, as far as it is found within this time.
_SUBMIT_EVERY_S = 10.0
_CONNECTED = "*"
"""The mark of the times when the bot was connected, and so heard every conversation."""
# A slash command is no post, and what stands for its thread is none.
_IS_POST = re.compile(r"\d+\.\d+")


@dataclass(frozen=True, slots=True)
class _Gap:
    """The time in which questions may have been missed."""

    marks: Mapping[str, float]
    until: float
    window_s: float

    def since(self, channel: str = "") -> float:
        """When it began, for one conversation or for all that were never searched apart from others."""
        mark = max(self.marks.get(channel, 0.0), self.marks.get(_CONNECTED, self.until))
        return max(mark - _MARGIN_S, self.until - self.window_s)


class CatchUp:
    """Looks for missed questions, and remembers up to when none can have been missed.

    Args:
        me: the bot; in channels a question is recognised by its mention.
        window_s: how far back to look at the most, in seconds; with 0 nothing is looked for.
        mark_every_s: how often to note that nothing is missed.
    """

    def __init__(
        self,
        client: AsyncWebClient,
        runs: Runs,
        marks: Watermarks,
        me: Identity,
        connection: Connection,
        *,
        window_s: float,
        mark_every_s: float = _MARK_EVERY_S,
    ) -> None:
        self._client = client
        self._runs = runs
        self._marks = marks
        self._team = me.team_id
        self._mention = f"<@{me.user_id}>"
        self._connection = connection
        self._window_s = window_s
        self._mark_every_s = mark_every_s
        self._caught_up_with = 0
        self._connected_at = time.monotonic()
        # Of the threads that were read before all was: their missed questions, and who reads them.
        self._found: set[str] = set()
        self._reading: dict[tuple[int, str], asyncio.Task[None]] = {}
        # By thread and asker: when they last wanted answers to stop.
        self._stopped: dict[tuple[str, str], str] = {}

    @property
    def is_caught_up(self) -> bool:
        """Whether everything that was asked before the present connection is submitted."""
        return self._caught_up_with == self._connection.count or not self._window_s

    async def begin(self) -> None:
        """Note, before the first connection ever, that nothing has been missed until now."""
        if _CONNECTED not in await self._marks.all():
            await self._marks.raise_to(time.time(), _CONNECTED)

    async def stay_caught_up(self) -> None:
        """Look at each new connection, and again where that failed; in between, note that nothing is missed.

        Runs until cancelled.
        """
        pause_s = self._mark_every_s
        while True:
            with suppress(TimeoutError):
                async with asyncio.timeout(pause_s):
                    await self._connection.connected.wait()
            if self._connection.connected.is_set():
                self._connection.connected.clear()
                self._connected_at, pause_s = time.monotonic(), self._mark_every_s
            if not await self._look_or_mark():
                pause_s = min(2 * pause_s, _LONGEST_PAUSE_S)

    async def _look_or_mark(self) -> bool:
        """Whether there is nothing to be tried again."""
        try:
            if not self.is_caught_up:
                return await self.look()
            if await self._connection.fault() is None:
                await self._marks.raise_to(time.time(), _CONNECTED)
        except Exception:
            _log.exception("Looking for missed questions failed and is tried again.")
            return False
        return True

    async def ahead_of(self, question: Question) -> None:
        """Submit what was missed in the question's own thread, as long as not everything is. Never raises."""
        if self.is_caught_up or question.run_id in self._found:
            return
        key = self._connection.count, question.thread
        if key not in self._reading:
            # Outside of the run that waits for it.
            reading = self._look_in_thread(question, key)
            self._reading[key] = asyncio.create_task(reading, context=Context())
        await asyncio.wait({self._reading[key]})

    async def _look_in_thread(self, question: Question, key: tuple[int, str]) -> None:
        try:
            since = (await self._gap()).since(question.channel)
            await self._submit(
                await self._missed_in_thread(question.channel, question.thread_ts, since, "answer")
            )
        except Exception as error:
            # The question goes on; whoever asks next in the thread tries again.
            _log.warning("A thread was not searched for missed questions: %s: %s", type(error).__name__, error)
            self._reading.pop(key, None)

    def note_stop(self, words: Question) -> None:
        """Let alone what these words stop, should it be found only now."""
        if not self.is_caught_up:
            self._stopped[words.thread, words.user] = words.ts

    async def look(self) -> bool:
        """Submit what was missed, as far as it can be read; whether that is all.

        A conversation that could be searched is not searched again after a failure elsewhere.
        """
        count, gap = self._connection.count, await self._gap()
        searched = await self._look_everywhere(gap)
        await self._marks.raise_to(gap.until, *searched)
        # After that time, what could not be read is too old to be answered.
        is_over = time.monotonic() - self._connected_at > self._window_s
        if _CONNECTED not in searched and not is_over:
            return False
        self._caught_up_with = count
        self._found.clear()
        self._reading.clear()
        self._stopped.clear()
        return True

    async def _gap(self) -> _Gap:
        return _Gap(await self._marks.all(), time.time(), self._window_s)

    async def _look_everywhere(self, gap: _Gap) -> Collection[str]:
        """The conversations that are done with; _CONNECTED if all are."""
        searched, failed = {_CONNECTED}, set[str]()
        missed: list[Question] = []
        submit_at = time.monotonic() + _SUBMIT_EVERY_S
        threads = await self._runs.threads(self._team, gap.since() - _LATELY_S, _MOST_THREADS)
        try:
            async for channel in self._conversations():
                searched.add(channel["id"])
                try:
                    async for page in self._missed(channel["id"], gap.since(channel["id"]), threads):
                        missed += page
                        if time.monotonic() >= submit_at:
                            failed |= await self._submit(missed)
                            missed, submit_at = [], time.monotonic() + _SUBMIT_EVERY_S
                except SlackError as error:
                    _log.warning("%s was not searched for missed questions: %s", channel["id"], error)
                    failed.add(channel["id"])
        except SlackError as error:
            _log.warning("Not every conversation was searched for missed questions: %s", error)
            failed.add(_CONNECTED)
        failed |= await self._submit(missed)
        return searched - failed - ({_CONNECTED} if failed else set())

    async def _submit(self, questions: list[Question]) -> set[str]:
        """Submit those that nobody knows, the oldest first; the conversations of those that can't be stored."""
        failed: set[str] = set()
        unknown = await self._runs.unknown(questions)
        for question in sorted(unknown, key=lambda question: question.ts):
            if question.ts < self._stopped.get((question.thread, question.user), ""):
                continue
            try:
                await self._runs.submit(question)
            except Exception:
                _log.exception("A missed question was not stored.", extra={"run": question.run_id})
                failed.add(question.channel)
        return failed

    async def _conversations(self) -> AsyncIterator[Json]:
        pages = self._pages(self._client.users_conversations, "background", types=_KINDS, exclude_archived=True)
        async for page in pages:
            for channel in page["channels"]:
                yield channel

    async def _missed(
        self, channel: str, since: float, known: Mapping[str, Collection[str]]
    ) -> AsyncIterator[list[Question]]:
        """The questions in a conversation since then: page by page, and then those in each of its threads."""
        threads = dict[str, Json | None].fromkeys(filter(_IS_POST.fullmatch, known.get(channel, ())))
        history = self._pages(
            self._client.conversations_history, "background", channel=channel, oldest=f"{since:.6f}"
        )
        async for page in history:
            begun = {
                post["ts"]: post for post in page["messages"] if float(post.get("latest_reply") or 0) >= since
            }
            threads |= begun
            alone = [post for post in page["messages"] if post["ts"] not in begun]
            yield [self._question(channel, post) for post in alone if self._is_question(channel, post)]
        for thread_ts, root in sorted(threads.items()):
            yield await self._missed_in_thread(channel, thread_ts, since, "background", root)

    async def _missed_in_thread(
        self, channel: str, thread_ts: str, since: float, how: Urgency, root: Json | None = None
    ) -> list[Question]:
        # Which Slack gives again, if it gives the thread.
        posts = [] if root is None or float(root["ts"]) < since else [root]
        replies = self._pages(
            self._client.conversations_replies, how, channel=channel, ts=thread_ts, oldest=f"{since:.6f}"
        )
        try:
            async for page in replies:
                # Slack gives the root whatever `oldest` says.
                posts += [post for post in page["messages"] if float(post["ts"]) >= since]
        except SlackRefused as error:
            # As when the thread is gone.
            _log.info("A thread is not searched for missed questions: %s", error)
        stopped = {post["user"]: post["ts"] for post in posts if is_a_persons(post) and is_stop(_words(post))}
        missed = [
            self._question(channel, post)
            for post in posts
            # What its asker has stopped since is not wanted any more.
            if self._is_question(channel, post) and post["ts"] > stopped.get(post["user"], "")
        ]
        self._found.update(question.run_id for question in missed)
        return missed

    def _question(self, channel: str, post: Json) -> Question:
        return from_history(self._team, channel, post)

    def _is_question(self, channel: str, message: Json) -> bool:
        words = _words(message)
        # Whoever wanted an answer to be stopped does not want another one.
        if not is_a_persons(message) or (message.get("thread_ts") and is_stop(words)):
            return False
        return channel.startswith("D") or self._mention in words

    async def _pages(
        self, method: Callable[..., Awaitable[AsyncSlackResponse]], how: Urgency, **arguments: Any
    ) -> AsyncIterator[AsyncSlackResponse]:
        """Every page of a paged method.

        Raises:
            SlackError: Slack refused.
        """
        cursor: str | None = None
        while True:
            with urgency(how), slack_errors():
                page = await method(limit=_PAGE, cursor=cursor, **arguments)
            yield page
            cursor = (page.get("response_metadata") or {}).get("next_cursor")
            if not cursor:
                return


def _words(message: Json) -> str:
    return message.get("text") or ""
