"""What answering a question needs of Slack and of the run engine, which it does not know."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractAsyncContextManager
from typing import Protocol, TypeVar

from bot.conversation import Answer, Event, History, PausedRun, Question, ToolCall, Verdict
from bot.errors import RunError

Value = TypeVar("Value")
Live = TypeVar("Live")


class Steps(Protocol):
    """Runs the steps of one question so that a finished one is not run again after a restart."""

    @property
    def run_id(self) -> str:
        """The run's id, for people: the question's, and the revision if it was asked anew."""

    @property
    def revision(self) -> str:
        """The run's id without what approvals and retries add to it: the same as long as the question is."""

    @property
    def may_have_posted(self) -> bool:
        """Whether an earlier attempt at this question may have shown something already."""

    @property
    def resumes(self) -> PausedRun | None:
        """The run that paused for approval, and that this one goes on with."""

    async def turn(self) -> None:
        """Wait until the earlier questions of the thread are answered.

        Raises:
            TooManyQuestions: too many wait already.
        """

    def resting(self) -> AbstractAsyncContextManager[None]:
        """Let another run be worked on inside, while a person is waited for."""

    def run(self, name: str, kind: type[Value], work: Callable[[], Awaitable[Value]]) -> Awaitable[Value]:
        """Run `work` once and keep its result. The step is numbered when this is called, not when awaited."""

    def stream(
        self, name: str, kind: type[Value], work: Callable[[], AsyncGenerator[Live | Value, None]]
    ) -> AsyncGenerator[Live | Value, None]:
        """Run a generator as one step. Its last value, of type `kind`, is kept; the others are live only."""


class Reply(Protocol):
    """One answer's life where the asker sees it."""

    async def begin(self) -> None:
        """Show that the question was heard. Never raises."""

    def know(self, history: History) -> None:
        """Take in who takes part in the thread, and what was said there."""

    def show(self, event: Event) -> None:
        """Show the answer as it comes. Does not wait."""

    def report(self, call: ToolCall, progress: str) -> None:
        """Show how far a tool call is. Does not wait."""

    async def finish(self, answer: Answer) -> None:
        """Show the answer, of which `show` has shown any beginning, or nothing."""

    async def fail(self, error: RunError) -> None:
        """Show what went wrong, with the run id. Never raises."""

    async def abandon(self) -> None:
        """Leave what is shown in a state from which another attempt can go on. Never raises."""

    async def pause(self) -> int:
        """Show that people have to decide before the answer goes on; return how many messages it has so far."""


class Approvals(Protocol):
    """Has people decide about tool calls."""

    async def can_ask(self, question: Question, call: ToolCall) -> bool:
        """Whether somebody who may decide about a call takes part in the question's conversation."""

    async def open(self, question: Question, steps: Steps, calls: Sequence[ToolCall]) -> None:
        """Ask about the calls of a run. Asking again after a restart asks nobody twice."""

    async def verdicts(self, paused: PausedRun) -> Mapping[str, Verdict]:
        """What was decided about the calls that a run paused for, by their ids."""


class Transcript(Protocol):
    """Reads a question's thread."""

    async def history(self, question: Question) -> History:
        """The thread up to the question, as chat messages."""
