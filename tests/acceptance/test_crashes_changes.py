"""Bots that are killed just as people change their minds: what they want in the end is what they get."""

from __future__ import annotations

import asyncio
import itertools
import signal
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal, get_args

from support.bot_processes import nursery, slack_environment
from support.chaos import chance
from support.model_replies import Reply
from support.openai_server import OpenAIServer, text

from bot.playground import Playground, Seed
from bot.slack.marker import read_marker

Json = dict[str, Any]
Change = Literal["edit", "edit twice", "delete", "take the mention away", "put it back", "stop", "none"]

_ENDS: list[Change] = ["delete", "take the mention away", "stop"]
_KILLS = 8
# About as much as four changes make the bot do, after what it does at its start.
_MOST_CALLS = 30
# What a dead bot did not acknowledge comes again until the next one is there, however long that takes.
_RETRY_DELAYS_S = (0.0, *(2.0,) * 30)


@dataclass
class Asked:
    """A question in a thread of its own, and what its asker does about it."""

    change: Change
    words: str
    root: str
    ts: str


class Minds:
    """Asks questions, and changes each in its way while the model holds all of them up.

    The model stops before its first word or behind it, in turn.
    """

    def __init__(self) -> None:
        self.playground = Playground(Seed.default(), retry_delays_s=_RETRY_DELAYS_S)
        self.model = OpenAIServer(reply=self._reply)
        self.model_answers = asyncio.Event()
        self.asked: list[Asked] = []
        self._numbers = itertools.count()
        self._heard: list[str] = []

    async def ask(self) -> list[Asked]:
        """Ask a question for each change; return when the model is at all of them."""
        ada, asked = self.playground.person("ada"), list[Asked]()
        for change in get_args(Change):
            words = f"question {next(self._numbers)}"
            root = await ada.say("#general", "We could ask")
            ts = await ada.say("#general", f"@threadloop {words}", thread_ts=root)
            asked.append(Asked(change, words, root, ts))
        await self.playground.until(
            lambda: all(question.words in self._heard for question in asked), what="the model"
        )
        self.asked += asked
        return asked

    async def change(self, asked: list[Asked]) -> None:
        """Let each asker change their mind. Nothing waits for the bot."""
        ada = self.playground.person("ada")
        for question in asked:
            match question.change:
                case "edit":
                    await self._edit(question)
                case "edit twice":
                    await self._edit(question)
                    await self._edit(question)
                case "delete":
                    await ada.delete("#general", question.ts)
                case "take the mention away":
                    await ada.edit("#general", question.ts, question.words)
                case "put it back":
                    await ada.edit("#general", question.ts, question.words)
                    await self._edit(question)
                case "stop":
                    await ada.say("#general", "stop", thread_ts=question.root)
                case "none":
                    pass

    async def _edit(self, question: Asked) -> None:
        question.words += ", edited"
        ada = self.playground.person("ada")
        await ada.edit("#general", question.ts, f"@threadloop {question.words}")

    async def calls_made(self, count: int) -> None:
        """Wait until the bot has called Slack that often, or has heard all there is to hear."""
        enough = len(self.playground.calls) + count
        await self.playground.until(
            lambda: len(self.playground.calls) >= enough or not self.playground.in_flight,
            what="the moment to die",
        )

    async def heeded(self, asked: list[Asked]) -> None:
        """Wait until the threads show what the askers want. Raises TimeoutError."""
        await self.playground.until(lambda: all(map(self.is_heeded, asked)), what="what they want")

    def is_heeded(self, question: Asked) -> bool:
        """Whether the thread shows what the asker wants."""
        shown = [
            (message["text"], mark.state if (mark := read_marker(message)) else None)
            for message in self.playground.thread("#general", question.root)
            if message["user"] == self.playground.bot_user_id
        ]
        match question.change:
            case "edit" | "edit twice" | "put it back" | "none":
                return shown == [(f"re: {question.words}", "final")]
            case "stop":
                return [state for _, state in shown] == ["stopped"] and shown[0][0].endswith("_Stopped._")
            case "delete" | "take the mention away":
                return shown == []

    def _reply(self, request: Json) -> Reply:
        words = request["messages"][-2]["content"].partition(": ")[2]
        self._heard.append(words)
        if len(self._heard) % 2:
            return text(f"re: {words}", wait=self.model_answers)
        return text("re: ", words, hold=self.model_answers)


async def test_whoever_changes_their_mind_as_the_bot_dies_is_heeded_on_sqlite(tmp_path: Path) -> None:
    await _changes_and_kills(f"sqlite:///{tmp_path}/bot.db")


async def test_whoever_changes_their_mind_as_the_bot_dies_is_heeded_on_postgresql(postgres_url: str) -> None:
    await _changes_and_kills(postgres_url)


async def _changes_and_kills(database_url: str) -> None:
    random, minds = chance(), Minds()
    playground = minds.playground
    async with minds.model, playground.serve(), nursery() as bots:
        environment = _environment(playground, minds.model, database_url)
        bot = await bots.start(environment)
        for _ in range(_KILLS):
            minds.model_answers.clear()
            asked = await minds.ask()
            await minds.change(asked)
            await minds.calls_made(random.randint(0, _MOST_CALLS))
            bot.kill()
            assert await bot.ended() == -signal.SIGKILL
            bot = await bots.start(environment)
            # What it died over before it was stored comes again. Only then does the model go on.
            await playground.until(lambda: playground.in_flight == 0, what="what the bot did not hear")
            await minds.heeded([question for question in asked if question.change in _ENDS])
            minds.model_answers.set()
            await minds.heeded(asked)
        # Nothing of what came later has changed it.
        assert [question for question in minds.asked if not minds.is_heeded(question)] == []
        bot.kill()
        await bot.ended()


def _environment(playground: Playground, model: OpenAIServer, database_url: str) -> dict[str, str]:
    return {
        **slack_environment(playground),
        "OPENAI_BASE_URL": model.base_url,
        "OPENAI_API_KEY": "sk-test-key-000000",
        "DATABASE_URL": database_url,
        "SLACK_PACED": "false",
    }
