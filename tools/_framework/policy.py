"""Who may use which tool where, what needs approval, and how much of it a day: the content of `policy.yaml`."""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import Annotated, Any, Literal, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, field_validator
from pydantic_core import PydanticCustomError

from tools._framework.context import Context
from tools._framework.options import Approval, ChannelId, UserId
from tools._framework.tool import Tool

GroupId: TypeAlias = Annotated[str, Field(pattern=r"^S[A-Z0-9]+$")]
Calls: TypeAlias = Annotated[int, Field(ge=0)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class People(_Part):
    """People by their ids, and by the ids of their user groups."""

    users: tuple[UserId, ...] = Field((), strict=False)
    groups: tuple[GroupId, ...] = Field((), strict=False)


class CallsPerDay(_Part):
    """How many calls there may be from midnight to midnight, in UTC. What is left out has no limit."""

    each_person: Calls | None = None
    everyone: Calls | None = None


class Rule(_Part):
    """What holds for the tools of one name or pattern. What is left out stays as the tool's file has it."""

    channels: tuple[ChannelId, ...] | None = Field(None, strict=False, min_length=1)
    users: tuple[UserId, ...] | None = Field(None, strict=False, min_length=1)
    groups: tuple[GroupId, ...] | None = Field(None, strict=False, min_length=1)
    guests: Literal["allow", "deny"] | None = None
    approval: Approval | None = None
    approvers: People | None = None
    calls_per_day: CallsPerDay | None = None

    @field_validator("approvers")
    @classmethod
    def _name_somebody(cls, approvers: People | None) -> People | None:
        if approvers and not (approvers.users or approvers.groups):
            raise PydanticCustomError("nobody", "must name somebody under users or groups")
        return approvers


class McpRules(_Part):
    """What holds for MCP servers."""

    trusted: tuple[str, ...] = Field((), strict=False)
    """Servers whose word is taken for which of their tools only read."""


@dataclass(frozen=True, slots=True)
class Access:
    """Who wants to use a tool, and where."""

    user: str
    channel: str
    groups: frozenset[str] = frozenset()
    is_guest: bool = False
    is_external: bool = False

    @classmethod
    def of(cls, context: Context) -> Access:
        """The access of the person who asks."""
        asker = context.asker
        groups = frozenset(asker.groups)
        return cls(asker.id, context.channel, groups, asker.is_guest, asker.is_external)


class Policy(_Part):
    """All rules. Without any, each tool's own options hold."""

    tools: dict[str, Rule] = Field(default_factory=dict)
    """By the tool's name, or a pattern such as `github__*`."""
    calls_per_day: CallsPerDay = CallsPerDay()
    """Of all tools together."""
    mcp: McpRules = McpRules()

    @property
    def names_groups(self) -> bool:
        """Whether it matters which user groups somebody is in."""
        return any(rule.groups for rule in self.tools.values())

    def refusal(self, tool: Tool, access: Access) -> str | None:
        """Why this person may not use the tool here; `None` if they may."""
        rule = self._rule(tool)
        if rule.channels and access.channel not in rule.channels:
            return f"{tool.name} may not be used in this channel."
        people = {*(rule.users or ()), *(rule.groups or ())}
        if people and people.isdisjoint({access.user, *access.groups}):
            return f"{tool.name} is not open to this person."
        if rule.guests != "allow" and (access.is_guest or access.is_external):
            return f"{tool.name} is not open to guests and people of other companies."
        return None

    def asks(self, tool: Tool) -> bool:
        """Whether a call of the tool needs a person's approval."""
        approval = self._rule(tool).approval
        # Whatever else it may be, a tool is not let through unasked.
        return approval != "never" and not (approval == "writes" and tool.options.read_only)

    def approvers(self, name: str) -> People:
        """Who may approve a call of this tool instead of the asker; nobody named means the asker alone.

        The name is enough, for no tool says it itself. It holds for tools that are away at the moment, too.
        """
        return next((rule.approvers for rule in reversed(self._fitting(name)) if rule.approvers), People())

    def limits(self, tool: Tool, access: Access) -> dict[str, int]:
        """How many calls there may be a day, by the name to count one under."""
        of_tool = self._rule(tool).calls_per_day or CallsPerDay()
        limits = {
            f"{tool.name} by {access.user}": of_tool.each_person,
            tool.name: of_tool.everyone,
            f"all tools by {access.user}": self.calls_per_day.each_person,
            "all tools": self.calls_per_day.everyone,
        }
        return {name: most for name, most in limits.items() if most is not None}

    def unknown(self, names: Iterable[str]) -> Iterator[tuple[str, str]]:
        """The rules that fit none of the tools called `names`, each with a sentence about it."""
        known = list(names)
        for pattern in self.tools:
            if not any(fnmatchcase(name, pattern) for name in known):
                near = difflib.get_close_matches(pattern, known, n=1)
                nearest = f" Did you mean {near[0]}?" if near else ""
                yield pattern, f"there is no tool called {pattern} now.{nearest}"

    def _rule(self, tool: Tool) -> Rule:
        """Every word that holds for a tool: the most specific rule's, where several have one."""
        own = tool.options
        merged: dict[str, Any] = {
            "channels": own.channels,
            "users": own.users,
            "guests": "allow" if own.open_to_guests else "deny",
            "approval": own.approval,
        }
        for rule in self._fitting(tool.name):
            given = {name: value for name, value in rule if value is not None}
            if given.keys() & {"users", "groups"}:
                # They are one list: half of another rule's would let in whom this one leaves out.
                merged |= {"users": None, "groups": None}
            merged |= given
        return Rule.model_construct(**merged)

    def _fitting(self, name: str) -> list[Rule]:
        """The rules for a tool's name, the most specific one last."""
        patterns = [pattern for pattern in self.tools if fnmatchcase(name, pattern)]
        return [self.tools[pattern] for pattern in sorted(patterns, key=lambda own: (own == name, len(own)))]
