"""Seed files: what a workspace holds when it starts."""

from __future__ import annotations

from collections.abc import Iterable
from importlib import resources
from pathlib import Path
from typing import Annotated, Self
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml
from pydantic import AfterValidator, BaseModel, ConfigDict, Field, ValidationError, model_validator

from bot.errors import SeedError

Path_ = tuple[int | str, ...]


def _time_zone(name: str) -> str:
    try:
        ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError) as error:
        raise ValueError(f"{name!r} is no time zone; write one such as Europe/London") from error
    return name


Handle = Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=80)]
ChannelName = Annotated[str, Field(pattern=r"^[a-z0-9_-]+$", max_length=80)]
TimeZone = Annotated[str, AfterValidator(_time_zone)]


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class TeamSeed(_Part):
    """The workspace itself."""

    name: str = "Acme"
    domain: ChannelName = "acme"


class AppSeed(_Part):
    """The app that connects to the workspace."""

    handle: Handle = "threadloop"
    name: str = "Threadloop"
    scopes: frozenset[str] | None = None
    """Granted OAuth scopes; left out, every scope is granted."""
    events: frozenset[str] | None = None
    """Subscribed bot events; left out, every event is sent."""


class UserSeed(_Part):
    """A person, or another bot."""

    handle: Handle
    name: str
    display_name: str = ""
    title: str = ""
    email: str = ""
    tz: TimeZone = "Etc/UTC"
    bot: bool = False
    admin: bool = False
    guest: bool = False
    stranger: bool = False
    """Somebody of another organisation, met through Slack Connect."""


class GroupSeed(_Part):
    """People who can be mentioned together."""

    handle: Handle
    name: str
    members: tuple[str, ...] = ()


class MessageSeed(_Part):
    """A message that was said before the workspace starts. `thread` holds its replies, oldest first."""

    user: str
    text: str
    thread: tuple[MessageSeed, ...] = ()


class ChannelSeed(_Part):
    """A public or private channel."""

    name: ChannelName
    topic: str = ""
    purpose: str = ""
    private: bool = False
    members: tuple[str, ...] = ()
    messages: tuple[MessageSeed, ...] = ()


class Seed(_Part):
    """A workspace's beginning: its team, app, users and channels with what was said in them."""

    team: TeamSeed = TeamSeed()
    app: AppSeed = AppSeed()
    users: tuple[UserSeed, ...] = Field(min_length=1)
    groups: tuple[GroupSeed, ...] = ()
    channels: tuple[ChannelSeed, ...] = ()

    @classmethod
    def default(cls) -> Self:
        """The bundled workspace: Acme, with Ada, Grace, Linus and a Deploy Bot."""
        source = resources.files("bot.playground") / "seed.yaml"
        return cls.parse(source.read_text("utf-8"), name="seed.yaml")

    @classmethod
    def load(cls, path: Path | str) -> Self:
        """A seed from a YAML file. Raises SeedError naming the file, the line and the remedy."""
        try:
            text = Path(path).read_text("utf-8")
        except (OSError, UnicodeDecodeError) as error:
            raise SeedError(f"{path}: cannot be read ({error}). Give the path of a YAML file.") from error
        return cls.parse(text, name=str(path))

    @classmethod
    def parse(cls, text: str, *, name: str) -> Self:
        """A seed from YAML text; `name` is what errors call it. Raises SeedError."""
        try:
            return cls.model_validate(yaml.safe_load(text))
        except yaml.YAMLError as error:
            raise SeedError(_yaml_fault(name, error)) from error
        except ValidationError as error:
            raise SeedError(_explanation(name, text, error)) from error

    @model_validator(mode="after")
    def _everybody_is_known(self) -> Self:
        handles = [user.handle for user in self.users] + [self.app.handle]
        if doubled := {handle for handle in handles if handles.count(handle) > 1}:
            raise ValueError(
                f"{', '.join(sorted(doubled))} is there twice; give everybody a handle of their own"
            )
        names = [channel.name for channel in self.channels]
        if doubled := {name for name in names if names.count(name) > 1}:
            raise ValueError(f"#{', #'.join(sorted(doubled))} is there twice; give each channel its own name")
        named = [(f"@{group.handle}", {*group.members}) for group in self.groups]
        named += [
            (f"#{channel.name}", {*channel.members, *_speakers(channel.messages)}) for channel in self.channels
        ]
        for place, people in named:
            if unknown := sorted(people - set(handles)):
                raise ValueError(
                    f"{place} names {', '.join(unknown)}, whom nobody knows; "
                    f"add them under users, or use one of {', '.join(sorted(handles))}"
                )
        return self


def _speakers(messages: Iterable[MessageSeed]) -> set[str]:
    return {user for message in messages for user in (message.user, *_speakers(message.thread))}


def _yaml_fault(name: str, error: yaml.YAMLError) -> str:
    mark = error.problem_mark if isinstance(error, yaml.MarkedYAMLError) else None
    line = mark.line + 1 if mark else 1
    problem = error.problem if isinstance(error, yaml.MarkedYAMLError) else str(error).splitlines()[0]
    return f"{name}:{line}: this is not YAML ({problem}). Correct that line."


def _explanation(name: str, text: str, error: ValidationError) -> str:
    """`file:line: key: problem` for each fault that was found."""
    tree = yaml.compose(text, Loader=yaml.SafeLoader)
    faults = []
    for fault in error.errors():
        place = ".".join(str(part) for part in fault["loc"]) or "the file"
        problem = fault["msg"].removeprefix("Value error, ")
        faults.append(f"{name}:{_line(tree, fault['loc'])}: {place}: {problem}")
    return "\n".join(faults) + "\nThe keys are described in docs/playground.md."


def _line(node: yaml.Node | None, location: Path_) -> int:
    """The line on which the value at `location` stands, or that of the innermost part there is."""
    for part in location:
        if isinstance(node, yaml.SequenceNode) and isinstance(part, int) and part < len(node.value):
            node = node.value[part]
        elif isinstance(node, yaml.MappingNode):
            node = next((value for key, value in node.value if key.value == part), node)
    return node.start_mark.line + 1 if node is not None else 1
