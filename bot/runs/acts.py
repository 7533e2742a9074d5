"""What is done once however often it is asked for: an event may come again, late, and to another replica.

An act is stored before it is acknowledged, and done by the process that stored it, or by whoever takes up what
that one left.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Awaitable, Callable
from typing import Any, Literal, TypeAlias

from dbos import DBOS, SetWorkflowID

from bot.conversation import Question
from bot.runs.engine import ACT, QUESTION

_log = logging.getLogger(__name__)

Kind: TypeAlias = Literal["stop", "cancelled", "share"]

_CLOSE_WITHIN_S = 5.0


class Acts:
    """Stores acts and does them. Made before the engine is launched, and then told how each kind is done."""

    def __init__(self) -> None:
        self._ways: dict[str, Callable[[Question], Awaitable[None]]] = {}
        self._under_way: set[asyncio.Task[Any]] = set()

        @DBOS.workflow(name=ACT)
        async def workflow(about: dict[str, Any], kind: str) -> None:
            await self._do(kind, QUESTION.validate_python(about))

        self._workflow = workflow

    def on(self, kind: Kind, do: Callable[[Question], Awaitable[None]]) -> None:
        """Let `do` be how this is done. It may be cut off by a crash, and is then done again."""
        self._ways[kind] = do

    async def once(self, act_id: str, kind: Kind, about: Question) -> None:
        """See to it that this is done, and return as soon as it is stored. The second time changes nothing."""
        with SetWorkflowID(act_id):
            await DBOS.start_workflow_async(self._workflow, QUESTION.dump_python(about, mode="json"), kind)

    async def aclose(self) -> None:
        """Wait a moment for what is being done."""
        if self._under_way:
            await asyncio.wait(self._under_way, timeout=_CLOSE_WITHIN_S)

    async def _do(self, kind: str, about: Question) -> None:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 — a coroutine always runs in one
        self._under_way.add(task)
        task.add_done_callback(self._under_way.discard)
        try:
            await self._ways[kind](about)
        except Exception:
            _log.exception("What somebody wanted (%s) was not done.", kind, extra={"run": about.run_id})
