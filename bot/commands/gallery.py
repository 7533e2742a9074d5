"""`threadloop gallery`: one of each kind of answer, in an embedded workspace, for eyes.

The answers go the way of real ones: through `slack.reply` to the workspace's Web API.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass, replace
from typing import TypeVar

from bot.commands.gallery_cards import Cards, open_cards
from bot.commands.terminal import Terminal
from bot.conversation import (
    Answer,
    History,
    Link,
    PausedRun,
    Person,
    Question,
    TextDelta,
    ToolCall,
    ToolFinished,
    ToolResult,
    ToolStarted,
)
from bot.errors import ModelUnreachable
from bot.playground import Playground, Seed
from bot.settings import Settings
from bot.slack.client import open_client
from bot.slack.delivery import Delivery
from bot.slack.pacing import Pacer
from bot.slack.reply import Replies, ThreadReply, Timing, show_stopped
from bot.slack.tiers import unlimited

Value = TypeVar("Value")
Live = TypeVar("Live")

_CHANNEL = "#general"
_ROWS = "\n".join(
    f"| Town {number} | {number * 7 % 31} °C | {'sun' if number % 2 else 'rain'} |" for number in range(1, 9)
)
_TABLE = f"| Place | High | Sky |\n|---|---|---|\n{_ROWS}"
_WIDE = "| " + " | ".join(f"Column {n}" for n in range(24)) + " |\n" + "|---" * 24 + "|\n" + "| 1 " * 24 + "|"
_CODE = "```python\n" + "\n".join(f"def answer_{n}() -> int:\n    return {n}\n" for n in range(160)) + "```"

EXHIBITS: dict[str, str] = {
    "plain words": "It will be **dry** in Boston and *rainy* in London, ~~snowy~~ nowhere. `14 °C` at most.",
    "headings": "# Weather\n\nToday.\n\n## Boston\n\nDry.\n\n### Tonight\n\nCold.",
    "lists": "1. First\n2. Second\n   - inner\n     - innermost\n3. Third\n\n- [x] done\n- [ ] to do",
    "quotes": "> What's the weather?\n> In Boston.\n\nFine, as far as I can see.",
    "code longer than a message": f"Here it is:\n\n{_CODE}\n\nThat was it.",
    "links": "A link that nobody brought in: https://evil.example/?q=1 and [another](https://evil.example/)",
    "images": "![A map of Boston](https://example.com/map.png)",
    "a table": f"The week:\n\n{_TABLE}\n\nSo take a coat.",
    "two tables": f"{_TABLE}\n\nand\n\n{_TABLE}",
    "a table too wide": f"All of it:\n\n{_WIDE}\n\nThat is a lot.",
    "math and HTML": "The area is $\\pi r^2$, and $$e = mc^2$$. <b>Bold?</b> <script>alert(1)</script> a < b",
    "pings that don't": "Hello <!channel>, <!here>, <@U0000000000> and <!subteam^S1|devs>.",
    "secrets that stay": "The token is xoxb-1234567890-abcdefghijkl, a key sk-abcdefghijklmnopqrstuvwxyz12.",
    "a very long answer": "\n\n".join(f"Paragraph {n}. " + "Words and more words. " * 30 for n in range(40)),
}


@dataclass(frozen=True, slots=True)
class _NoSteps:
    """The steps of an answer that nothing depends on."""

    run_id: str
    revision: str = ""
    may_have_posted: bool = False
    resumes: PausedRun | None = None

    async def turn(self) -> None:
        """At once."""

    def resting(self) -> AbstractAsyncContextManager[None]:
        """Nothing is held."""
        return nullcontext()

    async def run(self, name: str, kind: type[Value], work: Callable[[], Awaitable[Value]]) -> Value:
        """Just do it."""
        return await work()

    async def stream(
        self, name: str, kind: type[Value], work: Callable[[], AsyncGenerator[Live | Value, None]]
    ) -> AsyncGenerator[Live | Value, None]:
        """Just do it."""
        async for value in work():
            yield value


async def run(settings: Settings) -> None:
    """Show everything, and stay until cancelled.

    Raises:
        PortTaken: `PORT` is in use.
    """
    terminal = Terminal(sys.stdout)
    playground = Playground(Seed.default())
    async with playground.serve(port=settings.port) as url, shown(playground, terminal.say):
        terminal.say(f"The gallery is in {_CHANNEL} of the workspace at {url}, until Ctrl-C.")
        await asyncio.Event().wait()


@asynccontextmanager
async def shown(playground: Playground, say: Callable[[str], None]) -> AsyncIterator[None]:
    """Post one answer of each kind into the workspace; what is under way stays so while the block lasts."""
    # The workspace takes any load.
    pacer = Pacer(limits=unlimited)
    me, team = playground.bot_user_id, playground.team_id
    async with (
        open_client(playground.bot_token, playground.api_url, lambda *_: None, pacer) as client,
        open_cards(client, team, me) as cards,
    ):
        replies = Replies(client, me, title=lambda call: f"Checking {call.name}")
        hall = _Hall(playground, replies, cards)
        for title, text in EXHIBITS.items():
            await hall.answer(title, text)
            say(f"  {title}")
        further = {
            "steps": hall.steps,
            "a failure": hall.failure,
            "a stream": hall.stream,
            "a stop": hall.stop,
            "an approval": hall.approval,
        }
        for title, exhibit in further.items():
            await exhibit(title)
            say(f"  {title}")
        async with hall.asking("a tool's questions"):
            say("  a tool's questions")
            async with hall.thinking("a status line"):
                say("  a status line")
                yield
        await replies.afterwards.aclose()


@dataclass(frozen=True, slots=True)
class _Hall:
    """Where the exhibits stand."""

    playground: Playground
    replies: Replies
    cards: Cards

    async def answer(self, title: str, text: str) -> None:
        """An answer that comes in pieces, as a model's does."""
        reply = await self._opened(await self._asked(title))
        for start in range(0, len(text), 40):
            reply.show(TextDelta(text[start : start + 40]))
            await asyncio.sleep(0)
        await reply.finish(Answer(text, model="gallery", tools=(), seconds=0.1, cost=0.0001))

    async def steps(self, title: str) -> None:
        """An answer with tool calls, one of which fails."""
        reply = await self._opened(await self._asked(title))
        calls = [ToolCall(f"call_{number}", f"station {number}", "{}") for number in range(5)]
        for call in calls:
            reply.show(ToolStarted(call))
        for call in calls:
            ok = call is not calls[-1]
            summary = "14 °C and dry" if ok else "It did not answer in time"
            sources = (Link("Open-Meteo", "https://open-meteo.com/"),) if ok else ()
            reply.show(ToolFinished(call, ToolResult(call.id, call.name, "{}", ok, 0.2, summary, sources)))
        await reply.finish(
            Answer("Four of five stations say: **dry**.", "gallery", tuple(c.name for c in calls))
        )

    async def failure(self, title: str) -> None:
        """A sentence with a run id and a button."""
        reply = await self._opened(await self._asked(title))
        reply.show(TextDelta("I was about to say "))
        await reply.fail(ModelUnreachable())

    async def stream(self, title: str) -> None:
        """An answer that is seen to grow."""
        reply, _ = await self._streamed(title)
        await reply.finish(Answer("These words came first, and these came later.", "gallery", ()))

    async def stop(self, title: str) -> None:
        """What is left of an answer that somebody has stopped."""
        reply, question = await self._streamed(title)
        await reply.abandon()
        await show_stopped(Delivery(self.replies.client, question, self.replies.me))

    async def approval(self, title: str) -> None:
        """What tools would do, on cards to decide about it."""
        question = await self._asked(title)
        await self.cards.approval(question, _NoSteps(question.run_id))

    @asynccontextmanager
    async def asking(self, title: str) -> AsyncIterator[None]:
        """What tools ask a person."""
        question = await self._asked(title)
        async with self.cards.elicitation(question) as asked:
            await self.playground.until(
                lambda: len(self.playground.thread(_CHANNEL, question.ts)) > len(asked), what="the cards"
            )
            yield

    @asynccontextmanager
    async def thinking(self, title: str) -> AsyncIterator[None]:
        """A question that is being thought about."""
        reply = await self._opened(await self._asked(title))
        try:
            yield
        finally:
            await reply.abandon()

    async def _streamed(self, title: str) -> tuple[ThreadReply, Question]:
        question = await self._asked(title)
        reply = await self._opened(question, Timing(text_after_s=0))
        reply.show(TextDelta("These words came first, "))
        await self.playground.until(lambda: self.playground.thread(_CHANNEL, question.ts)[1:], what="a stream")
        return reply, question

    async def _asked(self, title: str) -> Question:
        ada = self.playground.person("ada")
        ts = await ada.say(_CHANNEL, f"Show me: {title}", deliver=False)
        channel = self.playground.workspace.channel(_CHANNEL).id
        return Question(self.playground.team_id, channel, ts, ts, ada.id, title, "message")

    async def _opened(self, question: Question, timing: Timing | None = None) -> ThreadReply:
        replies = replace(self.replies, timing=timing or self.replies.timing)
        reply = ThreadReply(replies, question, _NoSteps(question.run_id))
        await reply.begin()
        ada = Person(question.user, "Ada")
        reply.know(History((), ada, _CHANNEL, (ada,)))
        return reply
