"""Whatever order decisions, restarts and the passing of time come in: each approved call runs exactly once.

Hypothesis makes up stories about two calls that wait for a decision, and each is played with the whole bot.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

import sqlalchemy as sa
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.bot import Scene, bot_in_workspace
from support.cards import Card, approve, cards, modals, submit, until_asked, until_said
from support.notebook import Notebook, writes
from support.openai_server import OpenAIServer, text

from bot.playground.person import Person
from bot.slack.content import DENY_ACTION
from bot.storage.database import create_engine

Act = Literal["approve", "approve twice", "deny", "approve by another", "restart", "expire"]
ACTS: list[Act] = ["approve", "approve", "approve twice", "deny", "approve by another", "restart", "expire"]
NOTES = ("milk", "eggs")


@dataclass
class Story:
    """What has happened so far, and what was the first thing decided about each call."""

    scene: Scene
    waiting: list[Card]
    decided: dict[str, bool] = field(default_factory=dict)

    async def play(self, act: Act, which: int) -> None:
        """Let something happen."""
        card, note = self.waiting[which], NOTES[which]
        ada, grace = self.scene.ada, self.scene.playground.person("grace")
        match act:
            case "approve" | "approve twice" if self._has_buttons(card):
                times = 1 if act == "approve" else 2
                await asyncio.gather(*(self._approve(ada, card) for _ in range(times)))
                self.decided.setdefault(note, True)
            case "deny" if self._has_buttons(card):
                await ada.press(card.channel, card.ts, DENY_ACTION)
                if modals(self.scene, ada):
                    await submit(self.scene, ada, {"reason": {"type": "plain_text_input", "value": None}})
                for view in modals(self.scene, ada):
                    del self.scene.playground.workspace.views[view["id"]]
                self.decided.setdefault(note, False)
            case "approve by another" if self._has_buttons(card):
                await approve(grace, card)
            case "restart":
                await self._restart()
            case "expire":
                await self.expire()

    async def _approve(self, person: Person, card: Card) -> None:
        """Press Approve, unless the card has been closed just now: it was decided about before."""
        try:
            assert await approve(person, card)
        except LookupError:
            assert not self._has_buttons(card)

    def _has_buttons(self, card: Card) -> bool:
        return any(card.ts == shown.ts and shown.buttons for shown in cards(self.scene, self.root))

    @property
    def root(self) -> str:
        """The question."""
        return str(self.waiting[0].message["thread_ts"])

    async def _restart(self) -> None:
        await self.scene.stop()
        await self.scene.start()

    async def expire(self) -> None:
        """Let so much time pass that nobody can decide any more; the bot notices it at its start."""
        await self.scene.stop()
        await asyncio.to_thread(_let_time_pass, self.scene.settings.database_url)
        await self.scene.start()
        for note in NOTES:
            self.decided.setdefault(note, False)

    def check(self, notebook: Notebook, model: OpenAIServer) -> None:
        """Hold the guarantees against what came of it."""
        assert sorted(notebook.written) == sorted(note for note, approved in self.decided.items() if approved)
        assert len(model.requests) == 2, "the run went on more than once"
        assert [answer["text"] for answer in self.scene.answers(self.root)] == ["Done."]
        assert len(cards(self.scene, self.root)) == len(NOTES)


def _let_time_pass(database_url: str) -> None:
    engine = create_engine(database_url)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE approvals SET expires_at = expires_at - 24 * 3600"))
    engine.dispose()


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 1)), min_size=2, max_size=10))
# A story takes seconds, so a failing one is shown as it is, not made shorter.
@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_each_approved_call_runs_once_and_the_run_goes_on_once(acts: list[tuple[Act, int]]) -> None:
    asyncio.run(_play(acts))


async def _play(acts: list[tuple[Act, int]]) -> None:
    notebook, model = Notebook(), OpenAIServer(reply=_reply)
    with tempfile.TemporaryDirectory() as folder:
        async with bot_in_workspace(Path(folder), model=model, tools=notebook.registry()) as scene:
            ts = await scene.ada.say("#general", "@threadloop Write down milk and eggs")
            story = Story(scene, await until_asked(scene, ts, times=len(NOTES)))
            for act, which in acts:
                await story.play(act, which)
            await story.expire()
            await until_said(scene, ts, "Done.")
            await scene.playground.until(lambda: not any(card.buttons for card in cards(scene, ts)))
            story.check(notebook, model)


def _reply(request: dict[str, Any]) -> Any:
    is_answered = any(message["role"] == "tool" for message in request["messages"])
    return text("Done.") if is_answered else writes(*NOTES)
