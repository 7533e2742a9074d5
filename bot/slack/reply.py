"""One answer's life in Slack: a status at once, steps and text as they come, and then the whole.

A quick answer is one post. A longer one is streamed where Slack allows it and has room for one more stream, and
otherwise posted and changed. Whatever happens on the way, every path ends in the same messages: at its end each
is written out in full.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field

from bot.agent.interfaces import Reply, Steps
from bot.conversation import (
    Answer,
    Content,
    Event,
    History,
    Question,
    TextDelta,
    TextPart,
    ToolCall,
    ToolFinished,
    ToolStarted,
)
from bot.errors import RunError, SlackError
from bot.slack.afterwards import Afterwards
from bot.slack.client import PacedClient, slack_errors
from bot.slack.command_reply import CommandReply
from bot.slack.content import Block, Body, Footer, failure, new_message, retry_button
from bot.slack.delivery import Delivery
from bot.slack.guard import Allowed, guarded, urls_in
from bot.slack.marker import State, last_state
from bot.slack.part import STREAM_S
from bot.slack.parts import Parts
from bot.slack.status import LONG_S, Abilities, SessionStatus, Status
from bot.slack.tasks import CARD_BLOCKS, Tasks
from bot.slack.text import unescape

_log = logging.getLogger(__name__)

_ABANDON_WITHIN_S = 3.0
_STOPPED = "_Stopped._"
_NOT_ATTACHED = "_The file could not be attached._"


@dataclass(frozen=True, slots=True)
class Timing:
    """When an answer is shown as it comes, in seconds."""

    text_after_s: float = 0.05
    """What is complete sooner is one post instead of a stream."""
    tasks_after_s: float = 0.4
    """Tool calls that are over sooner are a matter for the status line."""
    stream_s: float = STREAM_S
    """For how long one message is streamed."""
    session_after_s: float = LONG_S
    """When an agent's session begins, if there is no message before."""


@dataclass(frozen=True, slots=True)
class Replies:
    """Opens the reply that fits a question."""

    client: PacedClient
    me: str
    """The bot's own user id."""
    title: Callable[[ToolCall], str]
    """A tool call in words for people."""
    footer: Footer = field(default_factory=Footer)
    secrets: tuple[str, ...] = ()
    """Configured secrets, which must not leave with an answer."""
    abilities: Abilities = field(default_factory=Abilities)
    timing: Timing = field(default_factory=Timing)
    afterwards: Afterwards = field(default_factory=Afterwards)

    def __call__(self, question: Question, steps: Steps) -> Reply:
        """A reply to `question`; nothing is shown yet."""
        if question.response_url is not None:
            return CommandReply(self.client, question, steps, question.response_url, self.footer, self.secrets)
        return ThreadReply(self, question, steps)


class ThreadReply:
    """An answer in the question's thread."""

    def __init__(self, shared: Replies, question: Question, steps: Steps) -> None:
        self._shared = shared
        self._question = question
        self._steps = steps
        goes_on = steps.may_have_posted or steps.resumes is not None
        self._status = Status(
            shared.client,
            question,
            shared.abilities,
            goes_on=goes_on,
            session_after_s=shared.timing.session_after_s,
        )
        self._allowed = Allowed(secrets=shared.secrets)
        self._tasks = Tasks(shared.title, lambda text, most: guarded(text, self._allowed, most))
        self._parts = Parts(
            Delivery(shared.client, question, shared.me),
            shared.abilities,
            self._tasks,
            self._allowed,
            run_id=steps.run_id,
            # After a pause the answer goes on below what people have decided on.
            first=steps.resumes.messages if steps.resumes else 0,
            stream_s=shared.timing.stream_s,
        )
        self._written = 0
        self._news = asyncio.Event()
        self._over = False
        self._showing: asyncio.Task[None] | None = None
        self._ends = False

    async def begin(self) -> None:
        """Show that the question was heard. An earlier attempt's messages are taken up."""
        self._status.begin()
        if self._steps.may_have_posted:
            with suppress(SlackError):
                await self._parts.take_over()

    def know(self, history: History) -> None:
        """Take in who takes part in the thread, and which links people, tools and answers brought in."""
        self._status.turn_has_come()
        texts = [_text(message.content) for message in history.messages if message.role == "user"]
        if self._steps.resumes is not None:
            pause = self._steps.resumes.pause
            texts += [_text(message.content) for message in pause.messages if message.role == "tool"]
            texts += [result.content for result in pause.results]
        people = frozenset(person.id for person in history.people)
        urls = frozenset(url for text in texts for url in urls_in(text))
        self._allow(Allowed(people, urls | history.links))

    def _allow(self, more: Allowed) -> None:
        self._allowed |= more
        self._parts.allow(more)

    # while it comes

    def show(self, event: Event) -> None:
        """Show the answer as it comes. Does not wait."""
        match event:
            case TextDelta(text):
                self._written += len(text)
                self._parts.write(text)
            case ToolStarted(call):
                self._tasks.start(call)
                self._status.say(f"is {self._tasks.doing()}…")
            case ToolFinished(call, result):
                sources = (source.url for source in result.sources)
                self._allow(Allowed(urls=frozenset([*urls_in(result.content), *sources])))
                self._tasks.finish(call, result)
            case _:
                return
        self._news.set()
        if self._showing is None:
            self._showing = asyncio.create_task(self._live(), name="reply")

    def report(self, call: ToolCall, progress: str) -> None:
        """Show how far a tool call is. Does not wait."""
        self._tasks.report(call.id, progress)
        self._news.set()

    async def _live(self) -> None:
        timing = self._shared.timing
        await self._pause(timing.text_after_s)
        if not self._parts.has_text:
            await self._pause(timing.tasks_after_s, or_text=True)
        try:
            while not self._over:
                async with self._status.silent():
                    await self._parts.grow()
                    self._status.message_is_there(self._parts.is_there)
                await self._pause(self._parts.interval_s)
                await self._wait_for_news()
        except SlackError as error:
            _log.warning("What comes is shown at the end: %s", error)

    async def _pause(self, seconds: float, *, or_text: bool = False) -> None:
        """Let more come together; the end of the answer ends this."""
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self._over and not (or_text and self._parts.has_text):
                    self._news.clear()
                    await self._news.wait()

    async def _wait_for_news(self) -> None:
        """Wait until there is more to show, or the stream is too old to go on."""
        with suppress(TimeoutError):
            async with asyncio.timeout(self._parts.stream_left_s):
                while not (self._over or self._parts.has_news):
                    self._news.clear()
                    await self._news.wait()

    # its end

    async def pause(self) -> int:
        """Close what there is of the answer, if anything; return how many messages it has.

        Raises:
            SlackError: Slack refused.
        """
        await self._end("", "closed", session="suspended")
        return self._parts.count

    async def finish(self, answer: Answer) -> None:
        """Show the answer's rest, or all of it.

        Raises:
            SlackError: Slack refused.
        """
        foot = self._shared.footer.blocks(answer, self._steps.run_id)
        await self._end(answer.text[self._written :], "final", foot)

    async def fail(self, error: RunError) -> None:
        """Show the sentence of `error`; where the bot may not write, tell the asker directly."""
        text = failure(error, self._steps.run_id)
        try:
            await self._end("", "failed", [retry_button(self._steps.run_id)], words=text)
        except SlackError as refused:
            _log.warning("The failure can't be shown in the thread: %s", refused)
            await self._status.end(answered=False)
            self._shared.afterwards.do(self._status.leave())
            await self._tell_directly(text)

    async def _end(
        self,
        rest: str,
        state: State,
        foot: Sequence[Block] = (),
        *,
        words: str = "",
        session: SessionStatus = "active",
    ) -> None:
        self._ends = True
        await self._stop_showing()
        await self._status.quiet()
        leave = session if self._status.in_session else None
        if await self._parts.close(rest, state, foot, words=words, session=leave):
            self._status.session_has_ended()
        await self._parts.remove_others()
        await self._status.end(answered=self._parts.has_posted)
        self._shared.afterwards.do(self._status.leave(session))
        if state == "final":
            await self._attach(foot)

    async def _attach(self, foot: Sequence[Block]) -> None:
        try:
            await self._parts.upload()
        except SlackError as refused:
            # Another try of the whole question would end in the same way.
            _log.warning("A file of the answer is missing: %s", refused)
            await self._parts.close("", "final", foot, words=_NOT_ATTACHED)

    async def _stop_showing(self, patience_s: float | None = None) -> None:
        """Show no more as it comes; after `patience_s` seconds, only a call that is under way is waited for."""
        self._over = True
        self._news.set()
        if self._showing is None:
            return
        await asyncio.wait({self._showing}, timeout=patience_s)
        self._showing.cancel()
        await asyncio.wait({self._showing})
        showing, self._showing = self._showing, None
        if not showing.cancelled() and (fault := showing.exception()):
            _log.error("An answer could not be shown as it came.", exc_info=fault)

    async def abandon(self) -> None:
        """End a stream, and leave what is shown to be gone on with, or to be called stopped."""
        await self._stop_showing(_ABANDON_WITHIN_S)
        try:
            async with asyncio.timeout(_ABANDON_WITHIN_S):
                await self._leave()
        except (SlackError, TimeoutError) as error:
            _log.info("What is shown of an answer stays as it is: %s", error)
        with suppress(TimeoutError):
            async with asyncio.timeout(_ABANDON_WITHIN_S):
                await self._status.end(answered=self._parts.has_posted)
        self._shared.afterwards.do(self._status.leave())

    async def _leave(self) -> None:
        # What had begun to end is whole, or is found in the thread by whoever goes on.
        if self._parts.is_there and not self._ends:
            self._tasks.give_up()
            await self._parts.close("", "pending")

    async def _tell_directly(self, text: str) -> None:
        client = self._shared.client
        try:
            with slack_errors():
                opened = await client.conversations_open(users=self._question.user)
                await client.chat_postMessage(channel=opened["channel"]["id"], **new_message(text))
        except SlackError as refused:
            _log.error("The failure can't be shown to the asker: %s", refused)


def _text(content: Content) -> str:
    """The words of a chat message."""
    if isinstance(content, tuple):
        return "\n".join(part.text for part in content if isinstance(part, TextPart))
    return content or ""


async def show_stopped(delivery: Delivery) -> None:
    """Say under what there is of an answer that it was stopped, unless it came to its end before that.

    Raises:
        SlackError: Slack refused.
    """
    found = await delivery.take_over()
    if not found:
        await delivery.post(0, Body(_STOPPED), "stopped")
        return
    last = max(found)
    if last_state(found) in ("final", "stopped"):
        return
    shown = found[last].get("blocks") or ()
    cards = tuple(block for block in shown if block["type"] in CARD_BLOCKS)
    has_text = any(block["type"] not in (*CARD_BLOCKS, "actions") for block in shown)
    said = unescape(found[last]["text"]) if has_text else ""
    await delivery.change(found[last]["ts"], last, Body(f"{said}\n\n{_STOPPED}".strip(), cards), "stopped")
