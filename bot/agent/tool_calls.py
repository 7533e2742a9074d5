"""The tool calls of one question: what a tool gets to know, and what is kept of its result."""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

import httpx2

from bot.agent.deadline import Deadline
from bot.agent.flow import ToolRun
from bot.agent.interfaces import Approvals, Reply, Steps
from bot.conversation import History, Link, Person, Question, ToolCall, ToolResult
from bot.storage.approvals import digest
from tools import Access, Asker, Context, Elicit, Elicitation, ElicitationAnswer, Outcome, Registry

if TYPE_CHECKING:
    # Only handed on to tools: answering itself knows no Slack.
    from slack_sdk.web.async_client import AsyncWebClient

_Refusal: TypeAlias = tuple[str, str]
"""Why nobody is asked about a call, and what the model is to do."""

_NO_THREAD = (
    "This has to be approved first, and a slash command has no thread to do that in.",
    "Do not repeat this call. Tell the asker to ask for it in a channel, a thread or a direct message.",
)
_NO_APPROVER = (
    "This has to be approved first, and nobody who may approve it is in this conversation.",
    "Do not repeat this call. Tell the asker to ask for it in a channel where one of the approvers is.",
)


@dataclass(frozen=True, slots=True)
class ToolSurroundings:
    """What tools get to know besides the question."""

    http: httpx2.AsyncClient
    config: Mapping[str, str]
    sample_data: bool
    state: dict[str, object]
    slack: AsyncWebClient
    action_token: Callable[[str], str]
    """Slack's leave to search as the asker, by the question's run id; empty where there is none."""

    def context(self, question: Question, revision: str, history: History, asked_at: datetime) -> Context:
        """What every tool that is called for `question` gets to know."""
        return Context(
            asker=_asker(history.asker),
            channel=question.channel,
            thread_ts=question.thread_ts,
            participants=tuple(map(_asker, history.people)),
            http=self.http,
            now=asked_at,
            run_id=revision,
            config=self.config,
            sample_data=self.sample_data,
            state=self.state,
            slack=self.slack,
            action_token=self.action_token(question.run_id),
        )


@dataclass(frozen=True, slots=True)
class ToolCalls:
    """Calls tools for one question, each as a step of its run."""

    tools: Registry
    question: Question
    context: Context
    steps: Steps
    reply: Reply
    deadline: Deadline
    elicit: Callable[[Question, ToolCall], Elicit | None]
    """How a tool asks the asker something while it runs; `None` where it can't."""
    approvals: Approvals
    done: list[ToolRun]
    """Takes in what was called."""
    _refused: dict[str, _Refusal] = field(default_factory=dict)
    """Calls that need approval and about which nobody is asked, by their ids."""

    @property
    def access(self) -> Access:
        """Who asks, and where, as policies want to know it."""
        return Access.of(self.context)

    def schemas(self) -> Sequence[Mapping[str, Any]]:
        """The tools that are open to the asker, for the model."""
        return self.tools.schemas_for(self.access)

    async def needs_approval(self, call: ToolCall) -> bool:
        """Whether people are to decide about `call` first.

        Where there is nobody to ask, or the call could only fail, `start` refuses it.
        """
        if not self.tools.needs_approval(call.name, call.arguments, self.access):
            return False
        if self.question.source == "command":
            self._refused[call.id] = _NO_THREAD
        # A step: what Slack says today it may not say when the run is taken up again.
        elif refusal := await self.steps.run(f"ask {call.name}", list[str], partial(self._refusal, call)):
            self._refused[call.id] = refusal[0], refusal[1]
        return call.id not in self._refused

    async def _refusal(self, call: ToolCall) -> list[str]:
        """Why nobody is to be asked, and what the model is to do; empty if somebody is."""
        if not await self.approvals.can_ask(self.question, call):
            return [*_NO_APPROVER]
        return [*(await self.tools.objection(call.name, call.arguments, self.context) or ())]

    def start(self, call: ToolCall, *, approved: bool) -> Awaitable[ToolResult]:
        """Call the tool as the run's next step. What is `approved` is not asked about again."""

        async def work() -> ToolResult:
            started = datetime.now(UTC)
            outcome = await self._outcome(call, approved=approved)
            ended = datetime.now(UTC)
            result = ToolResult(
                call.id,
                call.name,
                outcome.content,
                outcome.ok,
                (ended - started).total_seconds(),
                outcome.summary,
                tuple(Link(source.title, source.url) for source in outcome.sources),
            )
            self.done.append(ToolRun(call, result, started, ended))
            return result

        return self.steps.run(f"tool {call.name}", ToolResult, work)

    async def _outcome(self, call: ToolCall, *, approved: bool) -> Outcome:
        if refusal := self._refused.get(call.id):
            return Outcome.refusal(*refusal, self.context.config)
        own = replace(
            self.context,
            # Some models count their calls anew in each answer.
            call_id=f"{call.id}:{digest(call)[:12]}",
            progress=lambda text: self.reply.report(call, text),
            elicit=self._untimed(self.elicit(self.question, call)),
        )
        return await self.tools.call(call.name, call.arguments, own, approved=approved)

    def _untimed(self, elicit: Elicit | None) -> Elicit | None:
        """The same, while the question's time rests and its run makes room for another."""
        if elicit is None:
            return None

        async def ask(elicitation: Elicitation) -> ElicitationAnswer:
            with self.deadline.resting():
                async with self.steps.resting():
                    return await elicit(elicitation)

        return ask


def _asker(person: Person) -> Asker:
    return Asker(
        person.id,
        person.name,
        person.timezone,
        locale=person.locale,
        is_guest=person.is_guest,
        is_external=person.is_external,
        groups=person.groups,
    )
