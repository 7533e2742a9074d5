"""What is seen before there is an answer: a status line in the thread, or 👀 on the question.

The status line clears by itself when the bot writes in the thread, and after two minutes
(https://docs.slack.dev/reference/methods/assistant.threads.setStatus).
"""

from __future__ import annotations

import asyncio
import logging
import math
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, Literal

from bot.conversation import Question
from bot.errors import MissingScope, SlackError, SlackRefused, SlackUnreachable
from bot.slack.client import PacedClient, slack_errors, urgency
from bot.slack.content import CONTENT_ERRORS
from bot.slack.pacing import NoTurn

_log = logging.getLogger(__name__)

SessionStatus = Literal["processing", "active", "suspended", "closed"]

THINKING = "is thinking…"
_EYES = "eyes"
_QUICK_S = 1.0
# Before its first message, a session only tells that the bot can be stopped: nobody wonders about that sooner.
LONG_S = 5.0
# Slack clears a status after two minutes.
_SHOW_AGAIN_S = 90.0
_REMEMBER_REFUSAL_S = 3600.0
_MOST_REFUSALS = 1_000

_DONE_BEFORE = frozenset({"already_reacted", "no_reaction"})
# These say that the app does not get it, in no conversation of that kind.
_TO_THE_APP = frozenset(
    {
        "channel_type_not_supported",
        "deprecated_endpoint",
        "feature_not_enabled",
        "method_deprecated",
        "team_access_not_granted",
        "unknown_method",
    }
)
# These say something about one question or answer, and nothing about the method.
_ABOUT_THIS_ONE = CONTENT_ERRORS | {
    "cant_update_message",
    "invalid_thread_ts",
    "message_not_found",
    "message_not_in_streaming_state",
    "thread_not_found",
    "too_many_reactions",
}


class Abilities:
    """Which methods are refused, and where: they are not asked for again for an hour.

    What is refused to the app holds for conversations of the same kind, anything else for one of them.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._refused: dict[tuple[str, str], float] = {}

    def can(self, method: str, channel: str) -> bool:
        """Whether it is worth trying."""
        return not any(self._is_refused(method, where) for where in (channel[:1], channel))

    def learn(self, method: str, channel: str, error: SlackError) -> None:
        """Note that Slack does not offer it there, if that is what the error says."""
        if isinstance(error, MissingScope) or (isinstance(error, SlackRefused) and error.code in _TO_THE_APP):
            self._note(method, channel[:1])
        elif isinstance(error, SlackRefused) and error.code not in _ABOUT_THIS_ONE:
            self._note(method, channel)

    def _is_refused(self, method: str, where: str) -> bool:
        refused_at = self._refused.get((method, where))
        return refused_at is not None and self._clock() - refused_at <= _REMEMBER_REFUSAL_S

    def _note(self, method: str, where: str) -> None:
        self._refused.pop((method, where), None)
        self._refused[method, where] = self._clock()
        if len(self._refused) > _MOST_REFUSALS:
            del self._refused[next(iter(self._refused))]


class Status:
    """The status of one question while it is worked on. Nothing of it is worth a failure or a wait.

    Args:
        question: not that of a slash command, which has no thread.
        goes_on: whether an earlier attempt may have begun a session.
        session_after_s: how long the work may take before a session begins, if there is no message.
    """

    def __init__(
        self,
        client: PacedClient,
        question: Question,
        abilities: Abilities,
        *,
        goes_on: bool = False,
        session_after_s: float = LONG_S,
    ) -> None:
        self._client = client
        self._question = question
        self._abilities = abilities
        self._session_after_s = session_after_s
        self._words = THINKING
        self._shown = ""
        self._shown_at = math.inf
        self._has_eyes = False
        self._working_since: float | None = None
        self._in_session = False
        self._must_leave = goes_on
        self._message_is_there = False
        self._news = asyncio.Event()
        self._calls = asyncio.Lock()
        self._over = False
        self._keeping: asyncio.Task[None] | None = None

    def begin(self) -> None:
        """Show that the question was heard."""
        self._keeping = asyncio.create_task(self._keep(), name="status")

    def turn_has_come(self) -> None:
        """The work begins. If it had to wait, then the answer that it waited for took the status line away."""
        self._working_since = time.monotonic()
        if self._working_since - self._shown_at >= _QUICK_S:
            self._shown = ""
        self._news.set()

    def say(self, words: str) -> None:
        """Show what is being done."""
        self._words = words
        self._news.set()

    @asynccontextmanager
    async def silent(self) -> AsyncIterator[None]:
        """Make no call meanwhile: a status that came just after the answer's message would stay."""
        async with self._calls:
            yield

    def message_is_there(self, is_there: bool) -> None:
        """Whether there is a message of the answer, which shows more than a status line could."""
        self._message_is_there = is_there
        self._news.set()

    @property
    def in_session(self) -> bool:
        """Whether there may be a session whose end Slack has to be told."""
        return self._in_session or self._must_leave

    def session_has_ended(self) -> None:
        """Slack was told otherwise."""
        self._in_session = self._must_leave = False

    async def quiet(self) -> None:
        """End a call that is under way, and make no other before `end`."""
        self._over = True
        self._news.set()
        if self._keeping is not None:
            await asyncio.wait({self._keeping})

    async def end(self, *, answered: bool) -> None:
        """Take the status line away. If `answered`, a message in the thread has done so."""
        await self.quiet()
        if self._shown and not answered:
            await self._try("assistant.threads.setStatus", self._set_status, "")
            self._shown = ""

    async def leave(self, session: SessionStatus = "active") -> None:
        """Take away whatever else is left, which may have to wait for its turn. Once is enough."""
        has_eyes, self._has_eyes = self._has_eyes, False
        in_session = self.in_session
        self.session_has_ended()
        if has_eyes:
            await self._try("reactions.remove", self._reaction, self._client.reactions_remove)
        # Whoever looks at a session that waits for them should see it, however soon it came to that.
        if in_session or session == "suspended":
            await self._try("agents.sessions.setStatus", self._set_session, session)

    async def _keep(self) -> None:
        while not self._over:
            self._news.clear()
            async with self._calls:
                await self._show()
            await self._begin_session()
            with suppress(TimeoutError):
                async with asyncio.timeout(_QUICK_S):
                    await self._news.wait()
            if time.monotonic() - self._shown_at >= _SHOW_AGAIN_S:
                self._shown = ""

    async def _show(self) -> None:
        if self._over or self._message_is_there or self._words == self._shown or self._has_eyes:
            return
        words = self._words
        with urgency("extra"):
            if await self._try("assistant.threads.setStatus", self._set_status, words):
                self._shown, self._shown_at = words, time.monotonic()
            elif not self._shown:
                self._has_eyes = await self._try("reactions.add", self._reaction, self._client.reactions_add)

    async def _begin_session(self) -> None:
        since = self._working_since
        if self._over or self._in_session or since is None:
            return
        if not self._message_is_there and time.monotonic() - since < self._session_after_s:
            return
        with urgency("extra"):
            self._in_session = await self._try("agents.sessions.setStatus", self._set_session, "processing")

    async def _set_status(self, words: str) -> None:
        await self._client.assistant_threads_setStatus(
            channel_id=self._question.channel, thread_ts=self._question.thread_ts, status=words
        )

    async def _set_session(self, status: SessionStatus) -> None:
        await self._client.agents_sessions_setStatus(
            channel_id=self._question.channel, thread_ts=self._question.thread_ts, status=status
        )

    async def _reaction(self, method: Callable[..., Awaitable[Any]]) -> None:
        await method(channel=self._question.channel, timestamp=self._question.ts, name=_EYES)

    async def _try(self, method: str, call: Callable[[Any], Awaitable[None]], argument: Any) -> bool:
        """Make a call that may fail; whether it has, or may have, had its effect."""
        if not self._abilities.can(method, self._question.channel):
            return False
        try:
            with slack_errors():
                await call(argument)
        except NoTurn:
            return False
        except SlackError as error:
            _log.debug("No status: %s", error)
            if isinstance(error, SlackRefused) and error.code in _DONE_BEFORE:
                return True
            self._abilities.learn(method, self._question.channel, error)
            return isinstance(error, SlackUnreachable)
        return True
