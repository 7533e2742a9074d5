"""The tools that the model may call, and the one way to call them."""

from __future__ import annotations

import asyncio
import dataclasses
import difflib
import logging
import time
import traceback
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import UTC
from pathlib import Path
from typing import Any, TypedDict, Unpack

from tools._framework import discovery
from tools._framework.budget import Budget, MemoryBudget
from tools._framework.cache import Cache, key_of
from tools._framework.context import Context
from tools._framework.dynamic import Toolset
from tools._framework.elicitation import Elicitation, ElicitationAnswer
from tools._framework.errors import BadTool, ToolError, ToolFailed, ToolRetry
from tools._framework.limits import Timer, cut, within
from tools._framework.outcome import Outcome
from tools._framework.policy import Access, People, Policy
from tools._framework.redaction import redact
from tools._framework.tool import AsGiven, Tool, describe
from tools._framework.toolsets import Toolsets

_log = logging.getLogger(__name__)

_MOST_FAULT_CHARS = 300
_MOST_OFFERED = 128
"""https://platform.openai.com/docs/api-reference/chat/create: `tools`."""
_CORRECT = "Correct this and call the tool again."
_UNEXPECTED = "It failed unexpectedly."
"""What people read of an exception: its text may name machines and files."""
_GIVE_UP = "Do not repeat this call. Tell the asker what is missing, or go another way."


class Arrangement(TypedDict, total=False):
    """What a registry may be given besides its tools."""

    timeout_s: float
    max_result_chars: int
    toolsets: Sequence[Toolset]
    policy: Policy
    budget: Budget
    config: Mapping[str, str]


class Registry:
    """Tools by name, with the limits and the policy that hold for them.

    Args:
        functions: the tools, marked with `@tool` or plain.
        timeout_s: seconds that one call may take, if the tool does not say otherwise.
        max_result_chars: characters of one result, beyond which it is cut.
        toolsets: further tools, which come and go.
        policy: who may use which tool; by default what each tool says itself.
        budget: what counts the calls of a day; by default this process on its own.
        config: what is set; a tool whose `needs` are not among it is not offered.
        clock: seconds that never run backwards, for results that are kept.

    Raises:
        BadTool: a function cannot be a tool, or two have the same name.
    """

    def __init__(
        self,
        functions: Iterable[Callable[..., object]],
        *,
        timeout_s: float = 20.0,
        max_result_chars: int = 12_000,
        toolsets: Sequence[Toolset] = (),
        policy: Policy | None = None,
        budget: Budget | None = None,
        config: Mapping[str, str] | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._timeout_s = timeout_s
        self._max_result_chars = max_result_chars
        self._policy = policy or Policy()
        self._budget = budget or MemoryBudget()
        self._cache = Cache(clock)
        every = _by_name(functions)
        self._fixed = {name: tool for name, tool in every.items() if _is_configured(tool, config or {})}
        self._unconfigured = [tool for name, tool in sorted(every.items()) if name not in self._fixed]
        self._passing = Toolsets(toolsets, self._fixed)

    @classmethod
    def discover(
        cls,
        *,
        package: str = "tools",
        installed: bool = False,
        folder: Path | None = None,
        **arrangement: Unpack[Arrangement],
    ) -> Registry:
        """Every function marked with `@tool` in the modules of `package` that have no leading underscore.

        Args:
            package: the bundled tools.
            installed: whether to take tools from installed packages as well, by their entry points.
            folder: a folder outside with further tools.
            arrangement: the registry's other arguments.

        Raises:
            BadTool: a module cannot be imported or holds no tool, or one of its tools is wrong.
        """
        functions = [*discovery.in_package(package)]
        if installed:
            functions += discovery.in_installed_packages()
        if folder is not None:
            functions += discovery.in_folder(folder)
        return cls(functions, **arrangement)

    @property
    def tools(self) -> tuple[Tool, ...]:
        """The tools there are right now, in alphabetical order."""
        return tuple(tool for _, tool in sorted(self._now().items()))

    @property
    def names(self) -> tuple[str, ...]:
        """The tools' names in alphabetical order."""
        return tuple(tool.name for tool in self.tools)

    @property
    def known_names(self) -> tuple[str, ...]:
        """The same, with the tools that are not offered for want of a setting."""
        return tuple(sorted([*self.names, *(tool.name for tool in self._unconfigured)]))

    @property
    def schemas(self) -> list[dict[str, Any]]:
        """Humanloop's bare tools in alphabetical order: the same bytes for every question."""
        return [tool.schema for tool in self.tools]

    @property
    def names_groups(self) -> bool:
        """Whether the policy asks which user groups somebody is in."""
        return self._policy.names_groups

    @property
    def settings(self) -> frozenset[str]:
        """The names of the settings that tools ask for, also of those that are not offered without them."""
        options = [tool.options for tool in (*self._fixed.values(), *self._unconfigured)]
        return frozenset(name for own in options for name in (*own.needs, *own.settings))

    @property
    def not_offered(self) -> list[str]:
        """A sentence about each tool that is not offered for want of a setting."""
        return [f"{tool.name} needs {' or '.join(tool.options.needs)}." for tool in self._unconfigured]

    def schemas_for(self, access: Access) -> list[dict[str, Any]]:
        """The schemas of those tools that this person may use in this place, in alphabetical order.

        There are at most 128, which is what OpenAI takes; of more, those of toolsets are cut.
        """
        offered = [tool for tool in self.tools if self._policy.refusal(tool, access) is None]
        if len(offered) > _MOST_OFFERED:
            offered = self._fewer(offered)
        return [tool.schema for tool in offered]

    def _fewer(self, offered: Sequence[Tool]) -> list[Tool]:
        ranked = sorted(offered, key=lambda tool: tool.name not in self._fixed)
        cut_from = ", ".join(sorted({tool.origin for tool in ranked[_MOST_OFFERED:]}))
        self._passing.complain(
            f"A model takes at most {_MOST_OFFERED} tools: some of {cut_from} are not offered. "
            "Close some to these people in policy.yaml, or leave a server out."
        )
        return sorted(ranked[:_MOST_OFFERED], key=lambda tool: tool.name)

    def title(self, name: str, arguments_json: str | None) -> str:
        """A call in words for people, such as "Checking the weather in Boston". Never raises."""
        tool = self._named(name)
        return tool.title(arguments_json) if tool else name

    def describe_call(self, name: str, arguments_json: str | None) -> str:
        """A call for those who have to approve it: its title, then a line for each argument. Never raises."""
        tool = self._named(name)
        return tool.describe(arguments_json) if tool else describe(name, name, AsGiven(name), arguments_json)

    def needs_approval(self, name: str, arguments_json: str | None, access: Access) -> bool:
        """Whether a person must approve this call before it runs.

        A call that would be refused anyway, for its arguments or by the policy, needs nobody's attention.
        """
        tool = self._named(name)
        if tool is None or not self._policy.asks(tool) or self._policy.refusal(tool, access):
            return False
        try:
            tool.arguments.validate(arguments_json)
        except ToolRetry:
            return False
        return True

    async def objection(
        self, name: str, arguments_json: str | None, context: Context
    ) -> tuple[str, str] | None:
        """Why a call that needs approval could only fail, and what the model is to do; `None` if it may not.

        The tool's own check says so. One that breaks or takes too long has no say.
        """
        tool = self._named(name)
        if tool is None or tool.check is None:
            return None
        try:
            arguments = tool.arguments.validate(arguments_json)
            async with asyncio.timeout(tool.options.timeout_s or self._timeout_s):
                await tool.check(arguments, context)
        except ToolRetry as error:
            return str(error), _CORRECT
        except ToolError as error:
            return str(error), _GIVE_UP
        except SystemExit:
            _log.error("The check of %s tried to end the program.", tool.name)
        except Exception as error:
            _log_fault(tool, error, context)
        return None

    def asks(self, name: str) -> bool:
        """Whether calls of this tool need a person's approval."""
        tool = self._named(name)
        return tool is not None and self._policy.asks(tool)

    def approvers(self, name: str) -> People:
        """Who may approve a call of this tool in the asker's stead; nobody named means the asker alone."""
        return self._policy.approvers(name)

    async def call(
        self, name: str, arguments_json: str | None, context: Context, *, approved: bool = False
    ) -> Outcome:
        """Run one call as the model wrote it. Whatever goes wrong becomes an outcome with `ok=False`.

        Args:
            name: the tool.
            arguments_json: an object; nothing at all counts as an empty one.
            context: who asks, where, and what the tool may use.
            approved: whether a person has approved just this call with these arguments.

        Raises:
            asyncio.CancelledError: the caller was cancelled, and nothing else.
        """
        try:
            access = Access.of(context)
            tool = await self._find(name, access, approved=approved)
            self._check(tool, arguments_json, access, approved=approved)
            return await self._run(tool, arguments_json, context, access)
        except ToolRetry as error:
            return Outcome.refusal(str(error), _CORRECT, context.config)
        except ToolError as error:
            return Outcome.refusal(str(error), _GIVE_UP, context.config)

    def _check(self, tool: Tool, arguments_json: str | None, access: Access, *, approved: bool) -> None:
        if reason := self._policy.refusal(tool, access):
            raise ToolFailed(reason)
        if self._policy.asks(tool) and not approved:
            # Nobody is asked about arguments that don't fit, and the model has to know that it is they.
            tool.arguments.validate(arguments_json)
            raise ToolFailed(f"{tool.name} needs a person's approval, and nobody has approved this call.")

    async def _run(self, tool: Tool, arguments_json: str | None, context: Context, access: Access) -> Outcome:
        try:
            arguments = tool.arguments.validate(arguments_json)
            key = key_of(tool, arguments, context)
            if key and (kept := self._cache.find(key)):
                return kept
            await self._spend(tool, context, access)
            outcome = await self._result(tool, arguments, context)
            if key:
                self._cache.keep(key, outcome, tool.options.cache_s)
            return outcome
        except ToolError:
            raise
        except Exception as error:
            # A tool may raise anything, and its call still needs a result.
            _log_fault(tool, error, context)
            fault = "".join(traceback.format_exception_only(error)).strip()
            message = f"{tool.name} failed with {cut(fault, _MOST_FAULT_CHARS)}"
            return Outcome.refusal(message, _GIVE_UP, context.config, summary=_UNEXPECTED)

    async def _spend(self, tool: Tool, context: Context, access: Access) -> None:
        limits = self._policy.limits(tool, access)
        day = context.now.astimezone(UTC).date()
        if limits and (used_up := await self._budget.spend(limits, day)):
            raise ToolFailed(
                f"Today's {limits[used_up]} calls of {used_up} are used up. There will be more tomorrow."
            )

    async def _result(self, tool: Tool, arguments: dict[str, Any], context: Context) -> Outcome:
        timer = Timer(tool.options.timeout_s or self._timeout_s)
        result = await within(timer, _contained(tool, arguments, _untimed(context, timer)))
        return Outcome.of(result, tool.options.max_result_chars or self._max_result_chars)

    def _now(self) -> dict[str, Tool]:
        return {**self._passing.tools(), **self._fixed}

    def _named(self, name: str) -> Tool | None:
        return self._fixed.get(name) or self._passing.tools().get(name)

    async def _find(self, name: str, access: Access, *, approved: bool) -> Tool:
        if tool := self._named(name):
            return tool
        # What somebody has approved is not to be lost because a server is away for a moment.
        if absence := await self._passing.arrival(name, is_worth_waiting=approved):
            raise ToolFailed(absence)
        tools = self._now()
        if tool := tools.get(name):
            return tool
        open_to_them = sorted(tool.name for tool in tools.values() if not self._policy.refusal(tool, access))
        near = difflib.get_close_matches(name, open_to_them, n=3, cutoff=0.5)
        nearest = f" The nearest is {' or '.join(near)}." if near else ""
        known = ", ".join(open_to_them) or "none"
        raise ToolRetry(f"There is no tool called {name[:100]!r}.{nearest} The tools are: {known}.")


def _by_name(functions: Iterable[Callable[..., object]]) -> dict[str, Tool]:
    tools: dict[str, Tool] = {}
    for tool in map(Tool.of, functions):
        if twin := tools.get(tool.name):
            raise BadTool(f"{tool.origin}: {twin.origin} has a tool called {tool.name} too. Rename one.")
        tools[tool.name] = tool
    return tools


def _is_configured(tool: Tool, config: Mapping[str, str]) -> bool:
    return not tool.options.needs or any(config.get(name) for name in tool.options.needs)


async def _contained(tool: Tool, arguments: dict[str, Any], context: Context) -> object:
    try:
        return await tool.run(arguments, context)
    except SystemExit as error:
        # In a task it would stop the whole event loop.
        raise ToolFailed("It tried to end the program.") from error


def _untimed(context: Context, timer: Timer) -> Context:
    """The context, in which the time that a person takes to answer is not the tool's."""
    elicit = context.elicit
    if elicit is None:
        return context

    async def ask(question: Elicitation) -> ElicitationAnswer:
        with timer.paused():
            return await elicit(question)

    return dataclasses.replace(context, elicit=ask)


def _log_fault(tool: Tool, error: Exception, context: Context) -> None:
    details = redact("".join(traceback.format_exception(error)), context.config)
    _log.error("%s raised %s in run %s\n%s", tool.name, type(error).__name__, context.run_id, details)
