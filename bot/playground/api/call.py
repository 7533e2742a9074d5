"""One call of a Web API method: who calls, with which arguments, and how it can fail."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from bot.playground.objects import JSON, Channel, Message, User
from bot.playground.shapes import Shapes
from bot.playground.workspace import Workspace

TokenKind = Literal["bot", "user", "app"]
Tier = Literal["tier1", "tier2", "tier3", "tier4", "status", "posting", "none"]
_FALSE = ("", "0", "false")
_HISTORY_SCOPES = {
    "channel": "channels:history",
    "group": "groups:history",
    "im": "im:history",
    "mpim": "mpim:history",
}
_READ_SCOPES = {"channel": "channels:read", "group": "groups:read", "im": "im:read", "mpim": "mpim:read"}


class ApiError(Exception):
    """`{"ok": false, "error": …}`: the error string is Slack's own."""

    def __init__(self, error: str, **details: Any) -> None:
        super().__init__(error)
        self.error = error
        self.details = details

    def body(self) -> JSON:
        """The answer's JSON."""
        return {"ok": False, "error": self.error, **self.details}


def invalid_arguments(message: str) -> ApiError:
    """Slack's answer to an argument of the wrong form."""
    return ApiError("invalid_arguments", response_metadata={"messages": [f"[ERROR] {message}"]})


class Office(Protocol):
    """What methods need beyond the workspace: the ways by which the app is reached."""

    def open_socket(self) -> str:
        """The URL of a new Socket Mode connection, good for one use."""

    def spend_trigger(self, trigger_id: str) -> User:
        """Who pressed what `trigger_id` stands for. Raises ApiError for a used, stale or unknown one."""


@dataclass(frozen=True, slots=True)
class Call:
    """One call, authenticated. Its readers raise ApiError with Slack's own complaint."""

    workspace: Workspace
    office: Office
    caller: User
    acts_as: TokenKind
    scopes: frozenset[str]
    """The granted scopes."""
    arguments: Mapping[str, Any] = field(default_factory=dict)

    @property
    def shapes(self) -> Shapes:
        """How this workspace's objects look in JSON."""
        return Shapes(self.workspace)

    # arguments

    def text(self, name: str, default: str = "") -> str:
        """A text argument."""
        value = self.arguments.get(name)
        if value is None:
            return default
        return value if isinstance(value, str) else json.dumps(value)

    def required(self, name: str, error: str | None = None) -> str:
        """A text argument that must be there; `error` if Slack has a string of its own for that."""
        value = self.text(name)
        if value:
            return value
        raise ApiError(error) if error else invalid_arguments(f"missing required field: {name}")

    def flag(self, name: str) -> bool:
        """A truth value, as JSON or as `true`, `1`, `false`, `0`."""
        value = self.arguments.get(name)
        return value.lower() not in _FALSE if isinstance(value, str) else bool(value)

    def number(self, name: str, default: int, *, most: int) -> int:
        """A whole number between 1 and `most`; out of that range, the nearest."""
        value = self.arguments.get(name)
        if value in (None, ""):
            return default
        try:
            return max(1, min(int(str(value)), most))
        except ValueError as error:
            raise ApiError("invalid_limit" if name == "limit" else "invalid_arguments") from error

    def structure(self, name: str, error: str) -> Any:
        """A JSON argument, as such or as text; `None` where it is missing."""
        value = self.arguments.get(name)
        if not isinstance(value, str):
            return value
        if not value:
            return None
        try:
            return json.loads(value)
        except ValueError as problem:
            raise ApiError(error) from problem

    # what arguments name

    def channel(self, name: str = "channel") -> Channel:
        """The channel in an argument, if the caller may know of it."""
        wanted = self.required(name, "channel_not_found").removeprefix("#")
        workspace = self.workspace
        found = workspace.channels.get(wanted) or next(
            (room for room in workspace.channels.values() if room.name == wanted and not room.is_direct), None
        )
        if found is None or (found.kind != "channel" and self.caller.id not in found.members):
            raise ApiError("channel_not_found")
        return found

    def member_channel(self) -> Channel:
        """The channel in `channel`, which the caller must have joined."""
        channel = self.channel()
        if self.caller.id not in channel.members:
            raise ApiError("not_in_channel")
        return channel

    def message(self, channel: Channel, name: str, error: str = "message_not_found") -> Message:
        """The message whose timestamp is in an argument."""
        message = channel.messages.get(self.required(name))
        if message is None:
            raise ApiError(error)
        return message

    def user(self, name: str = "user") -> User:
        """The user in an argument."""
        user = self.workspace.users.get(self.required(name, "user_not_found"))
        if user is None:
            raise ApiError("user_not_found")
        return user

    # permissions

    def need(self, *any_of: str) -> None:
        """Refuse the call unless one of these scopes is granted."""
        if any_of and self.scopes.isdisjoint(any_of):
            raise ApiError("missing_scope", needed=",".join(any_of), provided=",".join(sorted(self.scopes)))

    def need_history(self, channel: Channel) -> None:
        """Refuse the call unless messages of this kind of channel may be read."""
        self.need(_HISTORY_SCOPES[channel.kind])

    def need_read(self, channel: Channel) -> None:
        """Refuse the call unless channels of this kind may be looked up."""
        self.need(_READ_SCOPES[channel.kind])


Run: TypeAlias = Callable[[Call], JSON]


@dataclass(frozen=True, slots=True)
class Method:
    """A Web API method. Any one of `scopes` suffices; `tier` is its rate limit."""

    name: str
    run: Run
    scopes: tuple[str, ...] = ()
    tier: Tier = "tier3"
    tokens: tuple[TokenKind, ...] = ("bot",)
