"""The bot in an embedded workspace: `threadloop run` without Slack, and `threadloop ask`.

Only the base URL and the tokens differ from a bot in Slack. The database is a fresh one each time, since the
workspace and all its threads are forgotten when it ends.
"""

from __future__ import annotations

import asyncio
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from pathlib import Path

from pydantic import SecretStr

from bot.app import build
from bot.commands import thread_file
from bot.commands.terminal import Terminal, typed_lines
from bot.errors import NoAnswer
from bot.playground import Change, Playground, Seed
from bot.settings import Settings
from bot.slack.marker import Marker, read_marker
from bot.slack.text import Names, from_mrkdwn, unescape

_GUIDES_QUESTION = "What's the weather like in both Boston AND London tonight?"
_CHANNEL = "general"
_ASKER = "ada"
_BOT = "threadloop"
_DATABASE = Path("var/playground.db")
_SHOWN = ("posted", "changed", "ephemeral")
_INVITATION = """
Type to go on in this thread as Ada Lovelace. /new … starts a new thread, /ask … is the slash command.
Ctrl-C ends it."""


async def run(settings: Settings) -> None:
    """Show the guide's question being answered, then take questions from the terminal until cancelled.

    Raises:
        PortTaken: `PORT` is in use.
    """
    terminal = Terminal(sys.stdout)
    playground = Playground(Seed.default())
    async with playground.serve(port=settings.port) as url:
        settings = _in_workspace(settings, playground, _fresh_database())
        async with build(settings, sample_data=True, observe=terminal.tool):
            terminal.say(f"An embedded Slack workspace is running at {url}, and Threadloop is in it.")
            answered = asyncio.Event()
            showing = asyncio.create_task(_show(playground, playground.changes(), terminal, answered))
            talk = _Talk(playground)
            await talk.say(_GUIDES_QUESTION)
            await answered.wait()
            terminal.say(_INVITATION if sys.stdin.isatty() else "\nThe workspace stays up until Ctrl-C.")
            async with typed_lines(talk.say):
                await showing


async def ask(settings: Settings, question: str, thread_path: str | None) -> None:
    """Answer one question: the answer goes to standard output, the tool calls to standard error.

    Raises:
        SeedError: the thread file can't be read.
        NoAnswer: no answer came; the message is what the asker read instead.
    """
    thread = thread_file.read(Path(thread_path)) if thread_path else []
    playground = Playground(thread_file.with_speakers(Seed.default(), thread, _CHANNEL))
    with tempfile.TemporaryDirectory(prefix="threadloop-") as folder:
        async with playground.serve():
            settings = _in_workspace(settings, playground, f"sqlite:///{folder}/ask.db")
            # Questions among the earlier messages are answered there, or not at all.
            settings = settings.model_copy(update={"catch_up_minutes": 0})
            async with build(settings, sample_data=True, observe=Terminal(sys.stderr).tool):
                talk = _Talk(playground)
                await talk.remember(thread)
                await talk.say(question)
                await playground.until(talk.answered, _patience_s(settings), what="the answer")
    parts = talk.answer()
    text = "\n\n".join(text for _, text in parts)
    if any(marker.state == "failed" for marker, _ in parts):
        raise NoAnswer(f"no answer came. {text}")
    Terminal(sys.stdout).say(text)


class _Talk:
    """A person's talk with the bot, in one thread at a time."""

    def __init__(self, playground: Playground) -> None:
        self._playground = playground
        self._person = playground.person(_ASKER)
        self._thread: str | None = None
        self._question = ""

    async def say(self, line: str) -> None:
        """Ask in the thread; the first question starts it."""
        command, _, rest = line.partition(" ")
        if command == "/ask":
            await self._person.command(command, rest, channel=f"#{_CHANNEL}")
            return
        if command == "/new":
            self._thread, line = None, rest
        self._question = await self._person.say(f"#{_CHANNEL}", f"@{_BOT} {line}", thread_ts=self._thread)
        self._thread = self._thread or self._question

    async def remember(self, thread: Sequence[thread_file.Line]) -> None:
        """Lay down what was said before; the bot hears nothing of it."""
        for line in thread:
            speaker = self._playground.bot(line.handle)
            ts = await speaker.say(f"#{_CHANNEL}", line.text, thread_ts=self._thread, deliver=False)
            self._thread = self._thread or ts

    def answered(self) -> bool:
        """Whether the last question has its answer, or the message that stands in its place."""
        return bool(self.answer())

    def answer(self) -> list[tuple[Marker, str]]:
        """The parts of the answer to the last question, as far as they are there."""
        thread = self._playground.thread(f"#{_CHANNEL}", self._thread or "")
        written = [message for message in thread if "streaming_state" not in message or "edited" in message]
        marked = [(read_marker(message), unescape(message["text"])) for message in written]
        return [
            (marker, text)
            for marker, text in marked
            if marker and marker.question_ts == self._question and marker.state != "pending"
        ]


async def _show(
    playground: Playground, changes: AsyncIterator[Change], terminal: Terminal, answered: asyncio.Event
) -> None:
    """Write every message of the workspace, but not what the bot shows while it works."""
    names = Names(
        me="", people={user.id: user.real_name for user in playground.workspace.users.values()}, places={}
    )
    async for change in changes:
        message = change.message
        if message is None or change.kind not in _SHOWN:
            continue
        marker = read_marker({"metadata": message.metadata})
        # A streamed message is written out in full when its stream has ended.
        is_growing = message.stream is not None and message.edited is None
        if is_growing or (marker is not None and marker.state == "pending"):
            continue
        place = f"in #{playground.workspace.channels[change.channel].name}"
        text = from_mrkdwn(message.text, names)
        terminal.message(names.people.get(message.user or "", _BOT), place, text)
        if marker is not None:
            answered.set()


def _patience_s(settings: Settings) -> float:
    # The bot itself gives a question up after its time; this is for a bot that never heard it.
    return settings.question_timeout_s + 30


def _in_workspace(settings: Settings, playground: Playground, database_url: str) -> Settings:
    return settings.model_copy(
        update={
            "slack_bot_token": SecretStr(playground.bot_token),
            "slack_app_token": SecretStr(playground.app_token),
            "slack_api_url": playground.api_url,
            "database_url": database_url,
        }
    )


def _fresh_database() -> str:
    for leftover in _DATABASE.parent.glob(_DATABASE.name + "*"):
        leftover.unlink()
    return f"sqlite:///{_DATABASE}"
