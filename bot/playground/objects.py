"""What a workspace is made of: users, channels, messages, files, and the changes they go through."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

JSON: TypeAlias = dict[str, Any]
ChannelKind = Literal["channel", "group", "im", "mpim"]
"""Slack's own `channel_type`: public channel, private channel, direct message, group direct message."""
ChangeKind = Literal[
    "posted", "changed", "deleted", "ephemeral", "ephemeral_changed", "ephemeral_deleted", "reacted",
    "unreacted", "joined", "status", "titled", "prompts", "session", "view", "home_opened", "stopped",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class User:
    """A member of the workspace: a person, or the user behind a bot."""

    id: str
    name: str
    real_name: str
    team: str
    display_name: str = ""
    title: str = ""
    email: str = ""
    tz: str = "Etc/UTC"
    bot_id: str | None = None
    app_id: str | None = None
    is_admin: bool = False
    is_restricted: bool = False
    is_ultra_restricted: bool = False
    is_stranger: bool = False

    @property
    def is_bot(self) -> bool:
        """Whether an app speaks through this user."""
        return self.bot_id is not None


@dataclass(frozen=True, slots=True)
class UserGroup:
    """People who can be mentioned together."""

    id: str
    handle: str
    name: str
    members: tuple[str, ...] = ()
    """Their ids."""


@dataclass(frozen=True, slots=True)
class App:
    """The app that the workspace is there for, as its tokens know it."""

    id: str
    user: User
    bot_token: str
    app_token: str
    signing_secret: str
    verification_token: str
    events: frozenset[str] | None
    """The subscribed bot events, such as `message.im`; `None` subscribes to all."""


@dataclass(frozen=True, slots=True)
class File:
    """A file's description; its bytes are in `Workspace.contents`."""

    id: str
    name: str
    title: str
    mimetype: str
    user: str
    created: int
    size: int
    shared_in: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reaction:
    """One emoji under a message and who put it there, in order."""

    name: str
    users: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Edit:
    """Who changed a message last, and when."""

    user: str
    ts: str


@dataclass(frozen=True, slots=True)
class Stream:
    """The state of a message that an app is writing piece by piece."""

    markdown: str = ""
    tasks: tuple[JSON, ...] = ()
    """`task_card` blocks, in the order in which their ids came up."""
    blocks: tuple[JSON, ...] = ()
    plan: str | None = None
    display_mode: Literal["timeline", "plan", "dense"] = "timeline"
    mode: Literal["text", "chunks"] | None = None
    """Whether it takes `markdown_text` or `chunks`: what came first decides; `None` before that."""
    ends_at: float = float("inf")
    """When Slack ends it by itself, in seconds since 1970."""
    stopped: bool = False
    """Whether a person has pressed Stop."""
    open: bool = True


@dataclass(frozen=True, slots=True)
class Message:
    """One message. `text` has Slack's escapes; `visible_to` is set for an ephemeral one."""

    channel: str
    ts: str
    user: str | None
    text: str
    blocks: tuple[JSON, ...] = ()
    attachments: tuple[JSON, ...] = ()
    thread_ts: str | None = None
    subtype: str | None = None
    username: str | None = None
    bot_id: str | None = None
    app_id: str | None = None
    client_msg_id: str | None = None
    metadata: JSON | None = None
    files: tuple[File, ...] = ()
    edited: Edit | None = None
    reactions: tuple[Reaction, ...] = ()
    stream: Stream | None = None
    composed: bool = False
    """Whether the app gave the blocks, rather than a text that they were made from."""
    unfurls: bool = True
    """Whether Slack may fetch what its links point to."""
    visible_to: str | None = None

    @property
    def is_growing(self) -> bool:
        """Whether an app still streams it."""
        return self.stream is not None and self.stream.open

    @property
    def is_reply(self) -> bool:
        """Whether it stands in a thread that another message began."""
        return self.thread_ts is not None and self.thread_ts != self.ts


@dataclass(slots=True)
class Channel:
    """A conversation and all that was said in it, oldest first."""

    id: str
    name: str
    kind: ChannelKind
    members: list[str]
    created: int
    creator: str
    topic: str = ""
    purpose: str = ""
    is_general: bool = False
    messages: dict[str, Message] = field(default_factory=dict)
    replies: dict[str, list[str]] = field(default_factory=dict)
    """For each thread's root its replies' timestamps, oldest first."""
    ephemerals: dict[str, Message] = field(default_factory=dict)

    @property
    def is_direct(self) -> bool:
        """Whether it is a conversation between two."""
        return self.kind == "im"

    def thread(self, root: str) -> list[Message]:
        """A thread's messages, the root first; empty for an unknown root."""
        stamps = [root, *self.replies.get(root, ())]
        return [self.messages[ts] for ts in stamps if ts in self.messages]

    def top_level(self) -> list[Message]:
        """The messages that are nobody's reply, oldest first."""
        return [message for message in self.messages.values() if not message.is_reply]


@dataclass(slots=True)
class AgentThread:
    """What an app has told a thread's header: status, title, prompts and session."""

    status: str = ""
    loading_messages: tuple[str, ...] = ()
    status_at: float = 0.0
    title: str = ""
    prompts: tuple[JSON, ...] = ()
    prompts_title: str = ""
    session: str = "active"


@dataclass(frozen=True, slots=True)
class Change:
    """Something that happened in the workspace. `channel` is an id, empty where none is concerned."""

    kind: ChangeKind
    channel: str = ""
    message: Message | None = None
    user: str | None = None
    previous: Message | None = None
    text: str = ""
    """The emoji, status, title, tab or session status that the change is about."""
    thread_ts: str | None = None
    deliver: bool = True
    """Whether the app hears of it; history laid down in advance is silent."""
