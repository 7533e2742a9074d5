"""What is done once however often it is asked for: an event may come again, late, and to another replica.

An act is stored before it is acknowledged, and done by the process that stored it, or by whoever takes up what
that one left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from dbos import DBOS, SetWorkflowID
from pydantic import TypeAdapter

from bot.conversation import Question
from bot.runs.engine import ACT, QUESTION, patiently

_log = logging.getLogger(__name__)

Kind: TypeAlias = Literal["stop", "end", "delete", "drop", "cancelled", "share"]

_CLOSE_WITHIN_S = 5.0
_QUESTIONS = TypeAdapter(Sequence[Question])

Do: TypeAlias = "Callable[[Act], Awaitable[None]]"
Find: TypeAlias = Callable[[Question], Awaitable[Sequence[Question]]]


def act_id(kind: Kind, key: str) -> str:
    """What it is stored under: words to stop under their post's own id, so that they never are a question."""
    return key if kind == "stop" else f"{kind}:{key}"


@dataclass(frozen=True, slots=True)
class Act:
    """Something to be done."""

    about: Question
    key: str
    """Tells it from others of its kind."""
    found: Sequence[Question]
    """The questions that it concerns; as they were found when it was first tried."""


class Acts:
    """Stores acts and does them. Made before the engine is launched, and then told how each kind is done."""

    def __init__(self) -> None:
        self._ways: dict[str, tuple[Do, Find]] = {}
        self._under_way: set[asyncio.Task[Any]] = set()

        @DBOS.workflow(name=ACT)
        async def workflow(about: dict[str, Any], kind: str, key: str) -> None:
            await self._do(kind, QUESTION.validate_python(about), key)

        self._workflow = workflow

    def on(self, kind: Kind, do: Do, *, find: Find | None = None) -> None:
        """Let `do` be how this is done, with what `find` finds; without one, with what the act is about.

        `do` may be cut off by a crash, or by the database, and is then done again; what was found stays so.
        """
        self._ways[kind] = do, find or _itself

    async def once(self, kind: Kind, about: Question, key: str) -> None:
        """See to it that this is done, and return as soon as it is stored.

        The second time for the same `key`, such as a run's id, changes nothing.
        """
        argument = QUESTION.dump_python(about, mode="json")
        with SetWorkflowID(act_id(kind, key)):
            await DBOS.start_workflow_async(self._workflow, argument, kind, key)

    async def aclose(self) -> None:
        """Wait a moment for what is being done."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_CLOSE_WITHIN_S)

    async def _do(self, kind: str, about: Question, key: str) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 — a coroutine always runs in one
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        do, find = self._ways[kind]

        async def noted() -> Any:
            return _QUESTIONS.dump_python(await patiently(lambda: find(about)), mode="json")

        try:
            found = _QUESTIONS.validate_python(await DBOS.run_step_async({"name": "find"}, noted))
            await patiently(lambda: do(Act(about, key, found)))
        except Exception:
            _log.exception("What somebody wanted (%s) was not done.", kind, extra={"run": about.run_id})


async def _itself(about: Question) -> Sequence[Question]:
    return [about]
