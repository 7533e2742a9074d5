"""The messages of one answer: one of them grows, and where it is full the next one goes on."""

from __future__ import annotations

import logging
from collections import deque
from collections.abc import Sequence

from bot.errors import SlackError
from bot.slack.content import Block
from bot.slack.delivery import Delivery
from bot.slack.guard import Allowed
from bot.slack.markdown import Append, Attach, NextMessage, Operation, Writer
from bot.slack.marker import State
from bot.slack.part import Part
from bot.slack.status import Abilities, SessionStatus
from bot.slack.tasks import Tasks
from bot.slack.text import escape

_log = logging.getLogger(__name__)

# Of a message's text, as escaped: what chat.update takes (https://docs.slack.dev/reference/methods/chat.update).
_MOST_CHARS = 4_000
_PARAGRAPH = "\n\n"


class Parts:
    """Shows text and cards in one message after the other.

    Args:
        tasks: the answer's cards, which it shows as they change.
        first: the number of the first message; those before it belong to an earlier run.
        stream_s: for how long a message is streamed, in seconds.
    """

    def __init__(
        self,
        delivery: Delivery,
        abilities: Abilities,
        tasks: Tasks,
        allowed: Allowed,
        *,
        run_id: str,
        first: int,
        stream_s: float,
    ) -> None:
        self._delivery = delivery
        self._abilities = abilities
        self._tasks = tasks
        self._run_id = run_id
        self._first = first
        self._stream_s = stream_s
        self._writer = Writer(allowed)
        self._is_whole = False
        self._operations: deque[Operation] = deque()
        self._files: list[Attach] = []
        self._found: dict[int, str] = {}
        self._must_look = False
        self._has_posted = False
        self._part = self._new_part(first)

    def _new_part(self, number: int) -> Part:
        return Part(
            self._delivery,
            self._abilities,
            number,
            run_id=self._run_id,
            ts=self._found.get(number),
            stream_s=self._stream_s,
        )

    async def take_over(self) -> None:
        """Take up the messages that an earlier attempt has left.

        Raises:
            SlackError: the thread can't be read. Nothing is shown before it could be.
        """
        self._must_look = True
        found = await self._delivery.take_over(self._first)
        self._found = {part: str(message["ts"]) for part, message in found.items() if part >= self._first}
        self._part = self._new_part(self._first)
        self._must_look = False

    def allow(self, more: Allowed) -> None:
        """Allow more in what is written from now on."""
        self._writer.allow(more)

    def write(self, text: str) -> None:
        """Add Markdown to what is to be shown."""
        self._operations += self._writer.write(text)

    @property
    def has_text(self) -> bool:
        """Whether there is text that is not shown."""
        return bool(self._operations)

    @property
    def has_news(self) -> bool:
        """Whether there is anything that is not shown."""
        return self.has_text or self._tasks.has_news or self._part.is_behind

    @property
    def is_there(self) -> bool:
        """Whether the present message is in Slack."""
        return self._part.ts is not None

    @property
    def has_posted(self) -> bool:
        """Whether a message has come into the thread. Otherwise all stands in messages that were there."""
        return self._has_posted or self._part.is_new

    @property
    def count(self) -> int:
        """How many messages the answer has, those of earlier runs included."""
        return self._part.number + self.is_there

    @property
    def interval_s(self) -> float:
        """How long to wait before more is shown."""
        return self._part.interval_s()

    @property
    def stream_left_s(self) -> float | None:
        """For how long the present message may still be streamed; none if it isn't."""
        return self._part.stream_left_s if self._part.streams else None

    async def grow(self) -> None:
        """Show what is new.

        Raises:
            SlackError: a message could not be closed, or the thread not be read. This can be done again.
        """
        await self._look()
        if self._part.is_old:
            if not (self.has_news or self._tasks.running):
                # What comes will tell whether another message is needed.
                await self._part.rest()
                return
            self._operations += self._writer.turn_over()
        if not self.has_news:
            return
        text, is_full = self._next_text()
        if is_full:
            await self._turn_over(text)
        else:
            await self._part.grow(text, self._tasks.take())

    async def close(
        self,
        rest: str,
        state: State,
        foot: Sequence[Block] = (),
        *,
        words: str = "",
        session: SessionStatus | None = None,
    ) -> bool:
        """Show what is not shown, then `rest`, and `words` of our own below it.

        `session` is what becomes of the agent's session, if that can be told with it; returns whether it was.

        Raises:
            SlackError: Slack refused. This can be done again, with other words.
        """
        await self._look()
        if not self._is_whole:
            self._operations += [*self._writer.write(rest), *self._writer.close()]
            self._is_whole = True
        while (more := self._next_text())[1]:
            await self._turn_over(more[0])
        text = more[0]
        if words:
            said = self._part.text + text
            if len(escape(said + _PARAGRAPH + words)) > _MOST_CHARS:
                await self._turn_over(text)
                said = text = ""
            text += _border(said) + words
        return await self._part.close(text, self._tasks.take(), state, foot, session)

    async def upload(self) -> None:
        """Put the files of the answer below it.

        Raises:
            SlackError: Slack refused one.
        """
        while self._files:
            await self._delivery.upload(self._files[0])
            del self._files[0]

    async def remove_others(self) -> None:
        """Remove what an earlier, longer answer has left over, as far as Slack lets us."""
        for number, ts in self._found.items():
            if number > self._part.number:
                try:
                    await self._delivery.remove(ts)
                except SlackError as error:
                    _log.warning("What an earlier answer left over is still there: %s", error)

    async def _look(self) -> None:
        """What is there may not be posted again."""
        if self._must_look:
            await self.take_over()

    def _next_text(self) -> tuple[str, bool]:
        """What comes next in the present message, and whether it is full with that."""
        texts: list[str] = []
        while self._operations:
            match self._operations.popleft():
                case Append(markdown):
                    texts.append(markdown)
                case Attach() as file:
                    self._files.append(file)
                case NextMessage():
                    return "".join(texts), True
        return "".join(texts), False

    async def _turn_over(self, text: str) -> None:
        """Close the present message and go on in another one."""
        try:
            await self._part.close(text, [*self._tasks.take(), *self._tasks.carry_over()], "closed")
        except SlackError:
            # The border stays, so that this can be done again.
            self._operations.appendleft(NextMessage())
            raise
        self._has_posted = self.has_posted
        self._part = self._new_part(self._part.number + 1)


def _border(said: str) -> str:
    """What makes the words behind `said` a paragraph of their own."""
    line_ends = len(said) - len(said.rstrip("\n"))
    return _PARAGRAPH[line_ends:] if said else ""
