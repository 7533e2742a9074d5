"""Whatever order things happen in: one answer a question, to its latest words, behind the earlier ones.

Hypothesis makes up stories out of questions, repeated deliveries, edits, deletions, slow models and restarts,
and each is played with the whole bot.
"""

from __future__ import annotations

import asyncio
import tempfile
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.bot import Scene, bot_in_workspace
from support.model_replies import Reply
from support.openai_server import OpenAIServer, text

Act = Literal["ask", "redeliver", "edit", "delete", "pause model", "resume model", "restart"]
ACTS: list[Act] = ["ask", "ask", "ask", "redeliver", "edit", "delete", "pause model", "resume model", "restart"]
THREADS = 2


@dataclass
class Asked:
    """A question of the story."""

    ts: str
    root: str
    wordings: list[str]
    deleted: bool = False


@dataclass
class Story:
    """What has happened so far."""

    scene: Scene
    roots: list[str]
    model_goes: asyncio.Event
    asked: list[Asked] = field(default_factory=list)

    async def play(self, act: Act, which: int) -> None:
        """Let something happen."""
        question = self.asked[which % len(self.asked)] if self.asked else None
        match act:
            case "ask":
                await self._ask(self.roots[which % THREADS])
            case "redeliver" if self.asked:
                await self.scene.playground.redeliver()
            case "edit" if question and not question.deleted:
                await self._edit(question)
            case "delete" if question and not question.deleted:
                question.deleted = True
                await self.scene.ada.delete("#general", question.ts)
            case "pause model":
                self.model_goes.clear()
            case "resume model":
                self.model_goes.set()
            case "restart":
                await self.scene.stop()
                await self.scene.start()

    async def _ask(self, root: str) -> None:
        words = f"question {len(self.asked)}"
        ts = await self.scene.ada.say("#general", f"@threadloop {words}", thread_ts=root)
        self.asked.append(Asked(ts, root, [words]))

    async def _edit(self, question: Asked) -> None:
        words = f"{question.wordings[0]}, version {len(question.wordings)}"
        question.wordings.append(words)
        await self.scene.ada.edit("#general", question.ts, f"@threadloop {words}")

    async def end(self) -> None:
        """Let everything come to its end."""
        self.model_goes.set()
        await self.scene.playground.until(self._settled, what="every answer")

    def _settled(self) -> bool:
        waits = {ts for ts, message in self._marked() if message["state"] == "pending"}
        unanswered = [q for q in self.asked if not q.deleted and not self.scene.answers(q.ts, root=q.root)]
        return not waits and not unanswered

    def _marked(self) -> list[tuple[str, dict[str, Any]]]:
        return [
            (message["ts"], message["metadata"]["event_payload"])
            for root in self.roots
            for message in self.scene.playground.thread("#general", root)
            if "metadata" in message
        ]

    def check(self) -> None:
        """Hold the guarantees against what is visible."""
        shown = [(payload["run_id"], payload["part"]) for _, payload in self._marked()]
        assert len(shown) == len(set(shown)), "an answer is there twice"
        for question in self.asked:
            answers = self.scene.answers(question.ts, root=question.root)
            if not question.deleted:
                (answer,) = answers
                assert answer["text"].removeprefix("re: ") in question.wordings


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 5)), min_size=3, max_size=14))
# A story takes seconds, so a failing one is shown as it is, not made shorter.
@settings(
    max_examples=10,
    deadline=None,
    phases=[Phase.explicit, Phase.reuse, Phase.generate],
    suppress_health_check=list(HealthCheck),
)
def test_every_question_has_one_answer_whatever_happens_meanwhile(acts: list[tuple[Act, int]]) -> None:
    asyncio.run(_play(acts))


async def _play(acts: list[tuple[Act, int]]) -> None:
    goes = asyncio.Event()
    goes.set()
    model = OpenAIServer(reply=lambda request: _reply(request, goes))
    with tempfile.TemporaryDirectory() as folder:
        async with bot_in_workspace(Path(folder), model=model, shutdown_grace_s=0) as scene:
            roots = [await scene.ada.say("#general", f"thread {number}") for number in range(THREADS)]
            story = Story(scene, roots, goes)
            for act, which in acts:
                await story.play(act, which)
            await story.end()
            story.check()


def _reply(request: dict[str, Any], goes: asyncio.Event) -> Reply:
    """The last question's words, after those before it have been answered."""
    thread = request["messages"][1:-1]
    last = thread[-1]["content"].partition(": ")[2]
    return text(f"re: {last}", wait=goes)
