"""One message of an answer: streamed while the text comes, posted otherwise, and the same in the end."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Sequence
from typing import Any

from bot.errors import SlackError, SlackRefused, SlackUnreachable
from bot.slack.client import slack_errors, urgency, without_blind_retries
from bot.slack.content import Block, Body, stop_button
from bot.slack.delivery import Delivery
from bot.slack.marker import State
from bot.slack.pacing import NoTurn
from bot.slack.status import Abilities, SessionStatus
from bot.slack.tasks import Card, blocks, is_plan, plan_title

_log = logging.getLogger(__name__)

# A stream lives for about five minutes, whatever is appended
# (https://docs.slack.dev/reference/methods/chat.startStream).
STREAM_S = 240.0
# Without a stream the message is changed now and then.
_CHANGE_EVERY_S = 3.0
_STREAM_STILL_OPEN = "streaming_state_conflict"


class Part:
    """A message that grows, and is then closed.

    In a stream it grows by what is new. When a stream can't be had, or breaks, the whole is posted or changed:
    so nothing depends on whether each piece of a stream arrived.

    Args:
        number: which message of the answer this is, from 0.
        ts: of the message, where an earlier attempt has left it.
        stream_s: for how long it is streamed, in seconds.
    """

    def __init__(
        self,
        delivery: Delivery,
        abilities: Abilities,
        number: int,
        *,
        run_id: str,
        ts: str | None = None,
        stream_s: float = STREAM_S,
    ) -> None:
        self.number = number
        self.ts = ts
        self.text = ""
        self.streams = False
        self.is_new = False
        """Whether it came into the thread here, and not by an earlier attempt."""
        self._delivery = delivery
        self._streaming = without_blind_retries(delivery.client)
        self._pacer = delivery.client.pacer
        self._abilities = abilities
        self._run_id = run_id
        self._stream_s = stream_s
        self._cards: dict[str, Card] = {}
        self._unsent = _Unsent()
        self._stream_began: float | None = None
        self._changed_at: float | None = None
        self._is_draft = False
        # A stream was started or a message posted, and what Slack answered was lost.
        self._may_be_there = False

    @property
    def is_old(self) -> bool:
        """Whether its stream has ended or is about to, so that another message should go on."""
        return self._stream_began is not None and self.stream_left_s <= 0

    @property
    def stream_left_s(self) -> float:
        """For how long its stream may go on."""
        return (self._stream_began or 0.0) + self._stream_s - time.monotonic()

    @property
    def is_behind(self) -> bool:
        """Whether it does not show all that it could, for want of a turn."""
        return bool(self._unsent) and (self.streams or bool(self.text))

    def interval_s(self) -> float:
        """How long to wait before it grows again."""
        return self._pacer.append_interval_s() if self.streams else _CHANGE_EVERY_S

    # growing

    async def grow(self, text: str, cards: Sequence[Card]) -> None:
        """Show more. What can't be shown now is shown when the part is closed."""
        self._take(text, cards)
        if self.streams:
            await self._append()
        elif self.ts is not None or self._may_be_there or not await self._open_stream():
            await self._show_so_far()

    async def rest(self) -> None:
        """End its stream, so that it takes from nobody else. It is not closed yet."""
        self._close_draft()
        if self.streams:
            await self._end_stream("pending")

    def _take(self, text: str, cards: Sequence[Card]) -> None:
        self.text += text
        self._cards |= {card.id: card for card in cards}
        self._unsent.add(text, cards)

    async def _open_stream(self) -> bool:
        """Begin a stream with everything so far; whether there is one now."""
        question = self._delivery.question
        if not self._abilities.can("chat.startStream", question.channel) or not self._pacer.open_stream():
            return False
        try:
            # Waiting for a turn is not worth it: the answer can be posted.
            with urgency("extra"), slack_errors():
                response = await self._streaming.chat_startStream(
                    channel=question.channel,
                    thread_ts=question.thread_ts,
                    recipient_team_id=question.team,
                    recipient_user_id=question.user,
                    task_display_mode="plan" if is_plan(self._cards) else "timeline",
                    chunks=self._first_chunks(),
                )
        except (SlackError, NoTurn) as error:
            self._pacer.close_stream()
            self._no_stream(error)
            return False
        except asyncio.CancelledError:
            # A stream that came of it is found in the thread by whoever goes on, or says that it was stopped.
            self._pacer.close_stream()
            raise
        self.ts, self.streams, self._stream_began = str(response["ts"]), True, time.monotonic()
        self.is_new = True
        self._unsent.clear()
        return True

    def _first_chunks(self) -> list[Any]:
        button = {"type": "blocks", "blocks": [stop_button(self._run_id)]}
        title = [{"type": "plan_update", "title": plan_title(self._cards)}] if is_plan(self._cards) else []
        return [button, *title, *self._unsent.chunks()]

    def _no_stream(self, error: Exception) -> None:
        _log.info("An answer in %s is not streamed: %s", self._delivery.question.channel, error)
        if isinstance(error, SlackUnreachable):
            # It may be there all the same. Then it is found before something is posted.
            self._may_be_there = True
        elif isinstance(error, SlackError):
            self._abilities.learn("chat.startStream", self._delivery.question.channel, error)

    async def _append(self) -> None:
        if not self._unsent:
            return
        try:
            with urgency("extra"), slack_errors():
                await self._streaming.chat_appendStream(
                    channel=self._delivery.question.channel, ts=str(self.ts), chunks=self._unsent.chunks()
                )
        except NoTurn:
            return  # it goes out with what comes next
        except SlackError as error:
            _log.info("A stream ended early: %s", error)
            # Nobody knows what of it has arrived: it is not sent again, but shown with the next change.
            behind, self._unsent = self._unsent, _Unsent()
            await self._end_stream("pending")
            self._unsent = behind
            return
        self._unsent.clear()

    async def _show_so_far(self) -> None:
        """Post or change the message, as far as there is text and Slack has time."""
        now = time.monotonic()
        if self._changed_at is None:
            # Most answers are complete before the first change is due.
            self._changed_at = now
        if not self.text or now - self._changed_at < _CHANGE_EVERY_S:
            return
        self._changed_at = now
        if self.ts is None and not self._open_draft():
            return
        try:
            with urgency("extra"):
                await self._show("pending", (stop_button(self._run_id),))
        except (NoTurn, SlackError) as error:
            _log.info("Not shown before its end: %s", error)
        finally:
            if self.ts is None:
                self._close_draft()

    def _open_draft(self) -> bool:
        self._is_draft = self._pacer.open_draft()
        return self._is_draft

    def _close_draft(self) -> None:
        if self._is_draft:
            self._is_draft = False
            self._pacer.close_draft()

    # closing

    async def close(
        self,
        text: str,
        cards: Sequence[Card],
        state: State,
        foot: Sequence[Block] = (),
        session: SessionStatus | None = None,
    ) -> bool:
        """Show the rest, and that this is all. Without text nor cards there is no message: one is removed.

        What an earlier attempt has left stays while the state is `pending`, as long as there is nothing better.

        `session` is what becomes of the agent's session, if that can be told with the end of a stream; returns
        whether it was.

        Raises:
            SlackError: Slack refused.
        """
        self._take(text, cards)
        has_told = False
        try:
            with urgency("finish"):
                if self.streams:
                    has_told = await self._end_stream(state, session) and session is not None
                # Also after a stream: the Stop button goes, and the text becomes the Markdown of the model.
                if self.text or self._cards or foot:
                    await self._show(state, foot)
                elif self.ts and state != "pending":
                    # What an earlier attempt has said there is no part of the answer.
                    await self._delivery.remove(self.ts)
                    self.ts = None
        finally:
            self._close_draft()
        return has_told

    async def _show(self, state: State, foot: Sequence[Block]) -> None:
        if self.ts is None and self._may_be_there:
            found = await self._delivery.take_over(self.number)
            self.ts = str(found[self.number]["ts"]) if self.number in found else None
        if self.ts is None:
            await self._post(state, foot)
        else:
            await self._change(self.ts, state, foot)
        self._unsent.clear()

    async def _change(self, ts: str, state: State, foot: Sequence[Block]) -> None:
        try:
            await self._delivery.change(ts, self.number, self._body(foot), state)
        except SlackRefused as error:
            if error.code != _STREAM_STILL_OPEN:
                raise
            await self._stop(ts, state)
            await self._delivery.change(ts, self.number, self._body(foot), state)

    async def _post(self, state: State, foot: Sequence[Block]) -> None:
        try:
            self.ts = await self._delivery.post(self.number, self._body(foot), state)
            self.is_new = True
        except SlackUnreachable:
            self._may_be_there = True
            raise

    def _body(self, foot: Sequence[Block]) -> Body:
        cards = tuple(self._cards.values())
        fallback = ", ".join(card.title for card in cards) or "…"
        return Body(self.text.rstrip(), blocks(cards), tuple(foot), fallback)

    async def _end_stream(self, state: State, session: SessionStatus | None = None) -> bool:
        """End the stream with what it has not shown yet; whether Slack did so."""
        self.streams = False
        chunks, self._unsent = self._unsent.chunks() or None, _Unsent()
        try:
            return await self._stop(str(self.ts), state, chunks=chunks, session_status=session)
        finally:
            self._pacer.close_stream()

    async def _stop(self, ts: str, state: State, **last: Any) -> bool:
        return await self._delivery.stop_stream(ts, metadata=self._delivery.mark(self.number, state), **last)


class _Unsent:
    """What the message does not show yet."""

    def __init__(self) -> None:
        self._text = ""
        self._cards: dict[str, Card] = {}
        self._with_output: set[str] = set()

    def __bool__(self) -> bool:
        return bool(self._text or self._cards)

    def add(self, text: str, cards: Sequence[Card]) -> None:
        """Add what is to be sent."""
        self._text += text
        self._cards |= {card.id: card for card in cards}

    def chunks(self) -> list[Any]:
        """All of it."""
        cards = [card.chunk(output=card.id not in self._with_output) for card in self._cards.values()]
        return [*cards, {"type": "markdown_text", "text": self._text}] if self._text else cards

    def clear(self) -> None:
        """It has been sent."""
        self._with_output |= {card.id for card in self._cards.values() if card.output}
        self._text, self._cards = "", {}
