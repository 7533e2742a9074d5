"""Decisions about tool calls where the bot is a process that dies, or several that share a database."""

from __future__ import annotations

import asyncio
import signal
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from support.bot import Scene
from support.bot_processes import CommandProcess, running_bot, slack_environment
from support.cards import approve, cards, deny, until_asked, until_closed, until_said
from support.notebook import results, writes
from support.openai_server import OpenAIServer, text
from support.patience import patient_workspace
from support.writing_service import WritingService

from bot.settings import Settings

# For which nobody waits.
_FOR_EVER_S = 24 * 3600


@dataclass(frozen=True)
class Stage:
    """A workspace, a model and a service that tools write to; the bots are started by the test."""

    scene: Scene
    model: OpenAIServer
    service: WritingService
    start: Callable[[], AbstractAsyncContextManager[CommandProcess]]

    async def ask(self) -> str:
        """Ask for two things to be written down."""
        return await self.scene.ada.say("#general", "@threadloop Write down milk and eggs")

    async def until_connected(self, times: int) -> None:
        """Wait until so many connections are there."""
        playground = self.scene.playground
        await playground.until(lambda: playground._sockets.connections >= times, what="the bots")


async def test_two_replicas_that_hear_the_same_press_run_the_call_once(
    tmp_path: Path, postgres_url: str
) -> None:
    async with _stage(tmp_path, postgres_url) as stage, stage.start(), stage.start():
        await stage.until_connected(2)
        ts = await stage.ask()
        milk, eggs = await until_asked(stage.scene, ts, times=2)
        # One press goes to the one replica, the next to the other.
        await asyncio.gather(*(approve(stage.scene.ada, card) for card in (milk, milk, eggs, eggs)))
        await until_said(stage.scene, ts, "Done.")
        await until_closed(stage.scene, ts, "Approved", "Approved")
        assert sorted(stage.service.written) == ["eggs", "milk"]
        assert len(stage.model.requests) == 2


async def test_the_last_two_decisions_at_two_replicas_let_the_run_go_on_once(
    tmp_path: Path, postgres_url: str
) -> None:
    async with _stage(tmp_path, postgres_url) as stage, stage.start(), stage.start():
        await stage.until_connected(2)
        ts = await stage.ask()
        milk, eggs = await until_asked(stage.scene, ts, times=2)
        await asyncio.gather(approve(stage.scene.ada, milk), deny(stage.scene.ada, eggs, "None left"))
        await until_said(stage.scene, ts, "Done.")
        assert stage.service.written == ["milk"]
        assert len(stage.model.requests) == 2
        assert "None left" in results(stage.model)[1]


async def test_a_kill_in_the_middle_of_an_approved_call_repeats_it_with_the_same_key(tmp_path: Path) -> None:
    async with _stage(tmp_path, f"sqlite:///{tmp_path}/bot.db", "milk") as stage:
        async with stage.start() as bot:
            await stage.until_connected(1)
            ts = await stage.ask()
            (card,) = await until_asked(stage.scene, ts)
            stage.service.answers.clear()
            await approve(stage.scene.ada, card)
            await stage.service.until_asked()
            bot.kill()
            assert await bot.ended() == -signal.SIGKILL
        stage.service.answers.set()
        async with stage.start():
            await until_said(stage.scene, ts, "Done.")
            await until_closed(stage.scene, ts, "Approved by Ada Lovelace")
    assert len(stage.service.keys) == 2
    assert len({*stage.service.keys}) == 1


async def test_a_kill_between_two_cards_posts_neither_twice(tmp_path: Path) -> None:
    async with _stage(tmp_path, f"sqlite:///{tmp_path}/bot.db") as stage:
        async with stage.start() as bot:
            await stage.until_connected(1)
            workspace = stage.scene.playground.workspace
            stop = workspace.listen(lambda change: bot.kill() if change.user == workspace.app.user.id else None)
            ts = await stage.ask()
            assert await bot.ended() == -signal.SIGKILL
            stop()
        async with stage.start():
            for card in await until_asked(stage.scene, ts, times=2):
                await approve(stage.scene.ada, card)
            await until_said(stage.scene, ts, "Done.")
        assert len(cards(stage.scene, ts)) == 2
        assert sorted(stage.service.written) == ["eggs", "milk"]


async def test_a_replica_that_dies_with_an_approved_call_is_replaced_by_the_other(
    tmp_path: Path, postgres_url: str
) -> None:
    async with _stage(tmp_path, postgres_url, "milk") as stage, stage.start() as one:
        await stage.until_connected(1)
        ts = await stage.ask()
        (card,) = await until_asked(stage.scene, ts)
        stage.service.answers.clear()
        await approve(stage.scene.ada, card)
        await stage.service.until_asked()
        async with stage.start():
            await stage.until_connected(2)
            one.kill()
            await one.ended()
            stage.service.answers.set()
            await until_said(stage.scene, ts, "Done.")
    assert len({*stage.service.keys}) == 1


async def test_a_replica_that_dies_before_its_pause_is_stored_keeps_nobody_waiting(
    tmp_path: Path, postgres_url: str
) -> None:
    async with _stage(tmp_path, postgres_url, "milk") as stage, stage.start() as one:
        await stage.until_connected(1)
        faults = stage.scene.playground.faults
        # The card is there, and the bot does not come to know it.
        faults.next("chat.postMessage", lose_response=True)
        faults.next("conversations.replies", rate_limited_s=_FOR_EVER_S)
        ts = await stage.ask()
        (card,) = await until_asked(stage.scene, ts)
        async with stage.start():
            await stage.until_connected(2)
            await asyncio.gather(*(approve(stage.scene.ada, card) for _ in range(2)))
            one.kill()
            await one.ended()
            faults.clear()
            await until_said(stage.scene, ts, "Done.")
            await until_closed(stage.scene, ts, "Approved by Ada Lovelace")
    assert stage.service.written == ["milk"]


@asynccontextmanager
async def _stage(folder: Path, database_url: str, *notes: str) -> AsyncIterator[Stage]:
    def reply(request: dict[str, Any]) -> Any:
        is_answered = any(message["role"] == "tool" for message in request["messages"])
        return text("Done.") if is_answered else writes(*(notes or ("milk", "eggs")))

    playground = patient_workspace()
    async with OpenAIServer(reply=reply) as model, WritingService() as service, playground.serve():
        environment = {
            **slack_environment(playground),
            "OPENAI_BASE_URL": model.base_url,
            "OPENAI_API_KEY": "sk-test-key-000000",
            "DATABASE_URL": database_url,
            "TOOLS_DIR": str(service.write_tool(folder)),
        }
        scene = Scene(playground, Settings(), nullcontext)  # type: ignore[arg-type]  # no bot in this process
        yield Stage(scene, model, service, lambda: running_bot(environment))
