"""Each question as a Humanloop flow, with its tool calls as children; the model's calls log themselves.

Logging never costs an answer: a log that can't be written leaves a warning, and the question goes on. Nor does
it keep a question open: what is logged once it is answered is written beside what comes next.
"""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
from collections.abc import Awaitable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import httpx
from humanloop import AsyncHumanloop
from humanloop.core.api_error import ApiError

from bot.conversation import Outcome, Question, ToolCall, ToolResult

_log = logging.getLogger(__name__)

_CLOSE_WITHIN_S = 5.0

_RATING = "rating"
_REASON = "rating reason"
_RATING_SPEC: Any = {
    "evaluator_type": "human",
    "arguments_type": "target_free",
    "return_type": "select",
    "options": [{"name": "good", "valence": "positive"}, {"name": "bad", "valence": "negative"}],
}
_REASON_SPEC: Any = {"evaluator_type": "human", "arguments_type": "target_free", "return_type": "text"}


@dataclass(frozen=True, slots=True)
class ToolRun:
    """One tool call as it ran, for its log."""

    call: ToolCall
    result: ToolResult
    started: datetime
    ended: datetime


class Flows:
    """Writes the flow logs of all questions."""

    def __init__(self, client: AsyncHumanloop, path: str) -> None:
        self._client = client
        self._path = path
        self._writing: set[asyncio.Task[None]] = set()

    async def aclose(self) -> None:
        """Wait a moment for what is being written."""
        if self._writing:
            await asyncio.wait(self._writing, timeout=_CLOSE_WITHIN_S)
        for writing in self._writing:
            writing.cancel()

    @staticmethod
    def log_id(question: Question) -> str:
        """The id of the question's flow log: the same after a restart, so that nothing is logged twice."""
        return "log_" + hashlib.sha256(question.run_id.encode()).hexdigest()[:24]

    async def begin(self, question: Question) -> None:
        """Open the question's flow."""
        await _tolerate(
            self._client.flows.log(
                path=self._path,
                flow={"attributes": {}},
                log_id=self.log_id(question),
                log_status="incomplete",
                inputs={"run_id": question.run_id, "source": question.source},
                user=question.user,
            )
        )

    def finish(self, question: Question, tool_runs: Sequence[ToolRun], outcome: Outcome) -> None:
        """Log the tool calls as the flow's children, and close it unless it only paused. Does not wait."""
        writing = asyncio.create_task(self._finish(question, tool_runs, outcome), name="logs")
        self._writing.add(writing)
        writing.add_done_callback(self._writing.discard)

    async def _finish(self, question: Question, tool_runs: Sequence[ToolRun], outcome: Outcome) -> None:
        for tool_run in tool_runs:
            await _tolerate(self._log_tool(question, tool_run))
        if outcome.state == "paused":
            return
        await _tolerate(
            self._client.flows.update_log(
                self.log_id(question), output=outcome.text, error=outcome.error, log_status="complete"
            )
        )

    async def rate(self, question: Question, *, good: bool, user: str, reason: str | None = None) -> None:
        """Keep what somebody thinks of the answer, as a judgment on the question's flow."""
        await _tolerate(
            self._client.evaluators.log(
                parent_id=self.log_id(question),
                path=_REASON if reason else _RATING,
                judgment=reason or ("good" if good else "bad"),
                spec=_REASON_SPEC if reason else _RATING_SPEC,
                user=user,
            )
        )

    def _log_tool(self, question: Question, run: ToolRun) -> Awaitable[object]:
        return self._client.tools.log(
            path=f"{self._path} tools/{run.call.name}",
            tool={"function": {"name": run.call.name, "description": ""}},
            inputs=_arguments(run.call),
            output=run.result.content if run.result.ok else None,
            error=None if run.result.ok else run.result.content,
            start_time=run.started,
            end_time=run.ended,
            trace_parent_id=self.log_id(question),
            user=question.user,
        )


def _arguments(call: ToolCall) -> dict[str, Any]:
    try:
        arguments = json.loads(call.arguments or "{}")
    except ValueError:
        arguments = None
    return arguments if isinstance(arguments, dict) else {"arguments": call.arguments}


async def _tolerate(logging_call: Awaitable[object]) -> None:
    try:
        await logging_call
    except (ApiError, httpx.HTTPError) as error:
        _log.warning("A Humanloop log could not be written: %s", type(error).__name__)
