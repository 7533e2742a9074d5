"""What sets one tool apart from the others."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Annotated, Literal, TypeAlias

from pydantic import Field

ChannelId: TypeAlias = Annotated[str, Field(pattern=r"^[CDG][A-Z0-9]+$")]
UserId: TypeAlias = Annotated[str, Field(pattern=r"^[UW][A-Z0-9]+$")]
Approval: TypeAlias = Literal["never", "writes", "always"]
CacheBy: TypeAlias = Literal["asker", "everyone"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """What sets a tool apart from the registry's defaults. `None` means the default."""

    title: str | None = None
    """How people see a call, as in `"Checking the weather in {location}"`."""
    timeout_s: Annotated[float, Field(gt=0, allow_inf_nan=False)] | None = None
    """Seconds that one call may take."""
    max_result_chars: Annotated[int, Field(gt=0)] | None = None
    """Characters of a result, beyond which it is cut."""
    read_only: bool = True
    """Whether a call changes nothing anywhere."""
    approval: Approval = "writes"
    """When a person must approve a call: never, if the tool is not `read_only`, or always."""
    check: Callable[..., object] | None = None
    """Looks at a call before a person is asked to approve it: a function with some of the tool's parameters.

    It raises `ToolRetry` or `ToolFailed` for a call that could only fail, and then nobody is asked.
    """
    cache_s: Annotated[float, Field(ge=0)] = 0
    """Seconds for which the result of a call stands in for another call with equal arguments."""
    cache_by: CacheBy = "asker"
    """Who shares a kept result. `everyone` is only for what does not depend on who asks, or where."""
    channels: tuple[ChannelId, ...] = ()
    """The ids of the channels it may be called in; empty for all."""
    users: tuple[UserId, ...] = ()
    """The ids of the people it is open to; empty for all."""
    open_to_guests: bool = False
    """Whether guests and people of other companies may use it."""
    needs: tuple[str, ...] = ()
    """Settings of which at least one must be there for the tool to be offered."""
    settings: tuple[str, ...] = ()
    """Further settings that it reads from its context, by their variables' names."""
