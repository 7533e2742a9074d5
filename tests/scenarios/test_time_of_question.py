"""Times are counted from the question, however late it is answered: what was approved stays what was asked."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime
from pathlib import Path

from support.bot import bot_in_workspace
from support.cards import approve, until_asked, until_closed, until_said
from support.clock import Time
from support.notebook import results
from support.openai_server import OpenAIServer, text, tool_calls

from bot.playground import Playground, Seed
from tools import Context, Registry, tool

HOUR = 3600.0
LOOK = tool_calls(("look", {}))


class Watches:
    """A tool that tells the time, once it is let to; it asks first if it is said to write."""

    def __init__(self, *, writes: bool = False) -> None:
        self.seen: list[datetime] = []
        self.goes_on = asyncio.Event()
        self.looked = asyncio.Event()
        self._writes = writes

    def registry(self) -> Registry:
        """The tool `look`."""

        @tool(read_only=not self._writes)
        async def look(context: Context) -> str:
            """Look at the watch."""
            self.seen.append(context.now)
            self.looked.set()
            await self.goes_on.wait()
            return "seen"

        return Registry([look])


async def test_an_approved_call_counts_from_the_last_edit_of_the_question(tmp_path: Path) -> None:
    watches = Watches(writes=True)
    watches.goes_on.set()
    model = OpenAIServer([LOOK, LOOK, LOOK, text("Done."), text("Done.")])
    async with bot_in_workspace(tmp_path, model=model, tools=watches.registry()) as scene:
        edited = await scene.ada.say("#general", "@threadloop Look")
        await until_asked(scene, edited)
        await scene.ada.edit("#general", edited, "@threadloop Look closely")
        await until_closed(scene, edited, "Withdrawn.")
        plain = await scene.ada.say("#general", "@threadloop Look")
        for ts in (edited, plain):
            (card,) = await until_asked(scene, ts)
            await approve(scene.ada, card)
            await until_said(scene, ts, "Done.")
        edit = scene.playground.workspace.channel("#general").messages[edited].edited
        assert edit is not None
        assert watches.seen == [datetime.fromtimestamp(float(ts), UTC) for ts in (edit.ts, plain)]


async def test_a_command_counts_from_when_it_came_also_after_a_restart(tmp_path: Path) -> None:
    watches = Watches()
    model = OpenAIServer([LOOK, text("Done.")])
    async with bot_in_workspace(tmp_path, model=model, tools=watches.registry(), shutdown_grace_s=0) as scene:
        await scene.ada.command("/ask", "Look", channel="#general")
        await watches.looked.wait()
        await scene.stop()
        watches.goes_on.set()
        await scene.start()
        await scene.playground.until(
            lambda: any("Done." in shown["text"] for shown in scene.ada.ephemerals("#general"))
        )
    assert len(watches.seen) == 2
    assert watches.seen[0] == watches.seen[1]


async def test_a_reminder_that_is_approved_too_late_is_not_moved_to_another_time(tmp_path: Path) -> None:
    clock = Time()
    model = OpenAIServer(
        [tool_calls(("remind_me", {"when": "in 20 minutes", "text": "tea"})), text("Too late.")]
    )
    async with bot_in_workspace(
        tmp_path, model=model, playground=Playground(Seed.default(), clock=clock)
    ) as scene:
        ts = await scene.ada.say("#general", "@threadloop Remind me in 20 minutes")
        (card,) = await until_asked(scene, ts)
        clock.now += 5 * HOUR
        await approve(scene.ada, card)
        await until_said(scene, ts, "Too late.")
    assert "That time has passed" in results(model)[0]
    # The workspace's clock is years behind.
    context = model.requests[1]["messages"][-3]["content"]
    assert "It is Tuesday, 14 November 2023" not in context
    assert "in #general on Tuesday, 14 November 2023, 22:13; tools count from then." in context
