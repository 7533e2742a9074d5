"""Takes decisions about tool calls, and sees to what follows from them."""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field

from bot.conversation import Question
from bot.runs import Runs
from bot.slack.approvals import ApprovalCards, Press
from bot.slack.people import Directory
from bot.storage.approvals import Approval, Approvals, State
from tools import Registry

_log = logging.getLogger(__name__)

_LOOK_EVERY_S = 30.0
_REMEMBER_S = 14 * 24 * 3600.0

_GONE = "This is no longer waiting for a decision."
_DECIDED = "This has been decided already."
_CHANGED = "What this would do has changed since. Please ask me again."
_ENDED = "The question has ended meanwhile, so nothing was done."
_TOO_LATE = "It is too late: nobody decided in time."


class _DoesNotCount(Exception):
    """A press without effect; the message says why."""


@dataclass(frozen=True, slots=True)
class Decisions:
    """Takes decisions, and sees to what follows from them.

    A decision is in the database before it is acknowledged. What follows is done by `watch`: now, or after a
    restart.
    """

    approvals: Approvals
    cards: ApprovalCards
    runs: Runs
    tools: Registry
    directory: Directory
    count: Callable[[int], object]
    """Is told now and again how many calls wait for a decision."""
    _news: asyncio.Event = field(default_factory=asyncio.Event)

    async def decide(self, press: Press, *, approve: bool, reason: str | None = None) -> str | None:
        """Take a decision; return what to tell who pressed, if it did not count."""
        try:
            approval = await self._to_decide(press)
        except _DoesNotCount as refusal:
            return str(refusal)
        state: State = "approved" if approve else "denied"
        if not await self.approvals.decide(approval, state, by=press.user, reason=reason):
            return _DECIDED
        # First: should the run not go on now, the watch sees to it.
        self._news.set()
        return None if await self._go_on(press.run_id) else _ENDED

    async def may_decide(self, press: Press) -> str | None:
        """Why this press would not count; `None` if it would."""
        try:
            await self._to_decide(press)
        except _DoesNotCount as refusal:
            return str(refusal)
        return None

    async def is_open(self, question: Question) -> bool:
        """Whether the question is not answered yet: it waits, is worked on, or needs a decision."""
        return await self.runs.is_open(question) or bool(await self._waiting(question.run_id))

    async def end(self, question: Question, *, before: float | None = None) -> None:
        """End the question's runs, and let nobody decide about their calls any more.

        With `before`, in seconds since the epoch, those go on whose question was edited then or later.
        """
        await self.runs.endings.cancel(question.run_id, before=before)
        # Only now: until it was cancelled, the run could have asked for more decisions.
        await self._withdraw(question, before)
        # Somebody who decided just before may have let it go on meanwhile.
        await self.runs.endings.cancel(question.run_id, before=before)

    async def end_former(self, question: Question) -> None:
        """End what an edited question takes the place of: the runs about its former words."""
        if question.at is not None:
            await self.end(question, before=question.at)

    async def waited_for(self, thread: str) -> list[Question]:
        """The questions of a thread that wait for a decision. `thread` as in `Question.thread`."""
        channel = thread.rpartition(":")[0]
        questions = [await self.runs.question(run_id) for run_id in await self._waiting(f"{channel}:")]
        return [question for question in questions if question is not None and question.thread == thread]

    async def watch(self) -> None:
        """Do what follows from decisions, and let overdue cards expire. Runs until cancelled."""
        while True:
            self._news.clear()
            try:
                await self.look()
            except Exception:
                _log.exception("Looking after approvals failed; the next look tries again.")
            with suppress(TimeoutError):
                async with asyncio.timeout(_LOOK_EVERY_S):
                    await self._news.wait()

    async def look(self) -> None:
        """Do what is due now."""
        now = time.time()
        for approval in await self.approvals.overdue(now):
            await self.approvals.decide(approval, "expired")
        unsettled = await self.approvals.unsettled()
        ended = set[str]()
        for run_id in dict.fromkeys(approval.run_id for approval in unsettled):
            with _apart_from_others():
                if not await self._go_on(run_id):
                    ended.add(run_id)
        for approval in unsettled:
            if approval.run_id not in ended:
                with _apart_from_others():
                    await self._settle(approval)
        if ended:
            # What was decided about their calls is withdrawn, which the next look tells.
            self._news.set()
        await self.approvals.forget_before(now - _REMEMBER_S)
        self.count(await self.approvals.count_pending())

    async def _withdraw(self, question: Question, before: float | None) -> None:
        """Let nobody decide any more about the calls of a question."""
        waiting = await self._waiting(question.run_id)
        if before is not None:
            waiting = [run_id for run_id in waiting if await self.runs.is_from_before(run_id, before)]
        for run_id in waiting:
            await self.approvals.withdraw(run_id)
        if waiting:
            self._news.set()
            await self.cards.release(question)

    async def _waiting(self, prefix: str) -> list[str]:
        """The runs with this prefix that wait for decisions, or to be gone on with after the last one."""
        calls = await self.approvals.waiting(prefix)
        undecided = {approval.run_id for approval in calls if approval.state == "pending"}
        runs = dict.fromkeys(approval.run_id for approval in calls)
        return [run_id for run_id in runs if run_id in undecided or not await self.runs.is_resumed(run_id)]

    async def _to_decide(self, press: Press) -> Approval:
        """The call that was pressed about. Raises _DoesNotCount."""
        approval = await self.approvals.find(press.run_id, press.call_id)
        question = await self.runs.question(press.run_id)
        if approval is None or question is None:
            raise _DoesNotCount(_GONE)
        if approval.card_ts is None and press.card_ts is not None:
            # Somebody was quicker than Slack's answer to the post, which may never have come.
            await self.approvals.posted(approval, press.card_ts)
            self._news.set()
        if approval.state != "pending":
            raise _DoesNotCount(_GONE if approval.state == "withdrawn" else _DECIDED)
        if press.digest != approval.digest or not approval.is_about(approval.call):
            raise _DoesNotCount(_CHANGED)
        if approval.expires_at < time.time():
            self._news.set()
            raise _DoesNotCount(_TOO_LATE)
        if no_say := await self._no_say(approval, question, press.user):
            raise _DoesNotCount(no_say)
        return approval

    async def _no_say(self, approval: Approval, question: Question, user: str) -> str | None:
        """Why this person has no say in it; `None` if they have."""
        named = self.tools.approvers(approval.call.name)
        if not named.users and not named.groups:
            if user == question.user:
                return None
            return f"Only {(await self.directory.person(question.user)).name} can decide about this."
        if user in named.users or set(named.groups) & set(await self.directory.groups_of(user)):
            return None
        return "Only those whom the policy names for this tool can decide about it."

    async def _go_on(self, run_id: str) -> bool:
        """Let the run go on if everything about it is decided; not if it has ended, which is returned."""
        states = {approval.state for approval in await self.approvals.of_run(run_id)}
        if not states.isdisjoint({"pending", "withdrawn"}):
            return True
        # Under an id of its own, so that a second start changes nothing.
        if await self.runs.resume(run_id):
            return True
        await self.approvals.withdraw(run_id)
        return False

    async def _settle(self, approval: Approval) -> None:
        question = await self.runs.question(approval.run_id)
        if question is None or await self.cards.close(question, approval, await self._words(approval)):
            await self.approvals.settle(approval)

    async def _words(self, approval: Approval) -> str:
        """What became of it."""
        if approval.state == "expired":
            return "Nobody decided in time."
        if approval.decided_by is None:
            return "Withdrawn."
        who = (await self.directory.person(approval.decided_by)).name
        why = f": {approval.reason}" if approval.reason else ""
        return f"{approval.state.capitalize()} by {who}{why}"


@contextmanager
def _apart_from_others() -> Iterator[None]:
    """Keep a fault in what follows from one decision from the others."""
    try:
        yield
    except Exception:
        _log.exception("What follows from a decision failed; the next look tries again.")
