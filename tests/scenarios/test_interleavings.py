"""Whatever order things happen in: one answer a question, to its latest words, behind the earlier ones.

Hypothesis makes up stories out of questions, events that come again, edits, deletions, stops, slow models,
refusals, lost connections and restarts, and each is played with the whole bot.
"""

from __future__ import annotations

import asyncio
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Literal, get_args

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from support.bot import Scene, bot_in_workspace
from support.model_replies import Reply
from support.openai_server import OpenAIServer, text

from bot.playground import Playground, Seed
from bot.playground.courier import NotDelivered

Json = dict[str, Any]

Act = Literal[
    "ask",
    "redeliver",
    "edit",
    "delete",
    "stop",
    "pause model",
    "resume model",
    "refuse",
    "disconnect",
    "restart",
]
ACTS: list[Act] = ["ask", "ask", *get_args(Act)]
THREADS = 2
_STOPPED = "_Stopped._"


@dataclass
class Asked:
    """A question of the story."""

    ts: str
    root: str
    wordings: list[str]
    least: int = 0
    """The first wording that may be answered: the edits up to it came before any answer was begun."""
    end: Literal["answer", "none", "stopped"] = "answer"
    """What is to be seen in the end, if it is certain."""
    is_certain: bool = True


@dataclass
class Model:
    """Says the last question again. While it is paused, it takes requests and answers none."""

    goes: asyncio.Event = field(default_factory=asyncio.Event)
    requests: list[tuple[str, list[str]]] = field(default_factory=list)
    """The last words of each request, and the answers that it had before it."""
    _answered: set[str] = field(default_factory=set)

    def reply(self, request: Json) -> Reply:
        """The last question's words, when the model goes on."""
        thread = request["messages"][1:-1]
        words = thread[-1]["content"].partition(": ")[2]
        answers = [str(said["content"]) for said in thread if said["role"] == "assistant"]
        self.requests.append((words, answers))
        return text(f"re: {words}", wait=self.goes)

    def resume(self) -> None:
        """Answer what waits, and what comes."""
        self.goes.set()

    def has_begun(self, question: Asked) -> bool:
        """Whether an answer to the question may be on its way."""
        if self.goes.is_set():
            self._answered |= {words for words, _ in self.requests}
        return self.goes.is_set() or not self._answered.isdisjoint(question.wordings)

    def pause(self) -> None:
        """Answer nothing from now on."""
        self._answered |= {words for words, _ in self.requests}
        self.goes.clear()


@dataclass
class Story:
    """What has happened so far."""

    scene: Scene
    roots: list[str]
    model: Model
    asked: list[Asked] = field(default_factory=list)
    has_refused: bool = False

    async def play(self, act: Act, which: int) -> None:
        """Let something happen."""
        there = [question for question in self.asked if question.end != "none"]
        question = there[which % len(there)] if there else None
        match act:
            case "ask":
                await self._ask(self.roots[which % THREADS])
            case "redeliver":
                await self._redeliver(which)
            case "edit" if question:
                await self._edit(question)
            case "delete" if question:
                await self._delete(question)
            case "stop":
                await self._stop(self.roots[which % THREADS])
            case "pause model":
                self.model.pause()
            case "resume model":
                self.model.resume()
            case "refuse" if not self.has_refused:
                # Once: after each refusal the bot posts more slowly, for minutes.
                self.has_refused = True
                self.scene.playground.faults.next("chat.postMessage", rate_limited_s=1)
            case "disconnect":
                await self.scene.playground.disconnect()
            case "restart":
                await self.scene.stop()
                await self.scene.start()

    async def _ask(self, root: str) -> None:
        words = f"question {len(self.asked)}"
        ts = await self.scene.ada.say("#general", f"@threadloop {words}", thread_ts=root)
        self.asked.append(Asked(ts, root, [words]))

    async def _redeliver(self, which: int) -> None:
        """Something that was heard before, be it long ago. What was changed since is not changed back."""
        await self._heard()
        sent = self.scene.playground.events(
            lambda event: self.scene.playground.bot_user_id not in _authors(event)
        )
        if sent:
            with suppress(NotDelivered):
                await self.scene.playground.redeliver(sent[-1 - which % len(sent)])

    async def _edit(self, question: Asked) -> None:
        await self._heard()
        words = f"{question.wordings[0]}, version {len(question.wordings)}"
        if not self.model.has_begun(question):
            question.least = len(question.wordings)
        question.wordings.append(words)
        await self.scene.ada.edit("#general", question.ts, f"@threadloop {words}")
        await self._heard()

    async def _delete(self, question: Asked) -> None:
        await self._heard()
        # What was answered, or said to be stopped, stays.
        question.is_certain &= question.end == "answer" and not self.model.has_begun(question)
        question.end = "none"
        await self.scene.ada.delete("#general", question.ts)
        await self._heard()

    async def _stop(self, root: str) -> None:
        await self._heard()
        for question in self.asked:
            if question.root == root and question.end == "answer":
                # What was answered before stays so.
                question.is_certain = not self.model.has_begun(question)
                question.end = "stopped"
        await self.scene.ada.say("#general", "stop", thread_ts=root)
        await self._heard()

    async def _heard(self) -> None:
        """Let the bot hear what has happened. What it can't hear while it is away it can't heed."""
        await self.scene.playground.connected()
        await self.scene.playground.until(
            lambda: not self.scene.playground.in_flight, what="the listeners' end"
        )

    async def end(self) -> None:
        """Let everything come to its end."""
        self.model.resume()
        await self._heard()
        for question in self.asked:
            await self.scene.bot.runs.outcome(self.scene.run_id(question.ts))
        await self.scene.playground.until(self._settled, what="every answer")

    def _settled(self) -> bool:
        waits = [payload for _, payload in self._marked() if payload["state"] == "pending"]
        unanswered = [
            question for question in self.asked if question.end == "answer" and not self._shown(question)
        ]
        return not waits and not unanswered

    def _shown(self, question: Asked) -> list[str]:
        return [str(answer["text"]) for answer in self.scene.answers(question.ts, root=question.root)]

    def _marked(self) -> Iterator[tuple[str, Json]]:
        for root in self.roots:
            for message in self.scene.playground.thread("#general", root):
                if "metadata" in message:
                    yield message["ts"], message["metadata"]["event_payload"]

    def check(self) -> None:
        """Hold the guarantees against what is visible, and against what the model was asked."""
        parts = [(payload["run_id"], payload["part"]) for _, payload in self._marked()]
        assert len(parts) == len(set(parts)), "an answer is there twice"
        for question in self.asked:
            self._check_end(question)
        for root in self.roots:
            self._check_order([question for question in self.asked if question.root == root])

    def _check_end(self, question: Asked) -> None:
        shown = self._shown(question)
        match question.end:
            case "answer":
                (words,) = shown
                assert words.removeprefix("re: ") in question.wordings[question.least :]
            case "stopped" if question.is_certain:
                # None if the bot had missed the question, and found it together with the stop.
                assert shown in ([_STOPPED], [])
            case "none" if question.is_certain:
                assert shown == []

    def _check_order(self, thread: list[Asked]) -> None:
        """The answer that is shown was given behind those to the earlier questions, and in their knowledge."""
        answered = [question for question in thread if question.end == "answer"]
        given: list[str] = []
        before = -1
        for question in answered:
            (answer,) = self._shown(question)
            asked = [
                number for number, (words, _) in enumerate(self.model.requests) if answer == f"re: {words}"
            ]
            assert asked[-1] > before, f"{answer!r} was given before {given[-1]!r}"
            known = self.model.requests[asked[-1]][1]
            assert [words for words in known if words in given] == given
            before = asked[-1]
            given.append(answer)


def _authors(event: Json) -> set[str]:
    posts = (event, event.get("message") or {}, event.get("previous_message") or {})
    return {str(post["user"]) for post in posts if "user" in post}


@given(st.lists(st.tuples(st.sampled_from(ACTS), st.integers(0, 9)), min_size=3, max_size=14))
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
    model = Model()
    model.resume()
    # What is lost with a connection is sent again soon, or found when the bot is back.
    playground = Playground(Seed.default(), retry_delays_s=(0.0, 0.1, 0.5))
    server = OpenAIServer(reply=model.reply)
    with tempfile.TemporaryDirectory() as folder:
        async with bot_in_workspace(
            Path(folder), model=server, playground=playground, shutdown_grace_s=0
        ) as scene:
            roots = [await scene.ada.say("#general", f"thread {number}") for number in range(THREADS)]
            story = Story(scene, roots, model)
            for act, which in acts:
                await story.play(act, which)
            await story.end()
            story.check()
