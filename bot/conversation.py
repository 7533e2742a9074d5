"""The words the whole bot shares: a question, the chat messages, tool calls, and an answer's events.

Frozen dataclasses without behaviour of their own. They are JSON at two wires only: the Humanloop
API (`to_wire`) and the database (where `runs` keeps the results of finished steps).
"""

from __future__ import annotations

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal, TypeAlias

Role = Literal["system", "user", "assistant", "tool"]
ToolChoice = Literal["auto", "none"]
Source = Literal["mention", "message", "command"]


@dataclass(frozen=True, slots=True)
class Question:
    """What somebody asked, where, and where the answer goes. Ids and times are Slack's own strings."""

    team: str
    channel: str
    ts: str
    """The post's timestamp, or for a slash command a stand-in made from its trigger id."""
    thread_ts: str
    """The root of the thread that the answer belongs to; equals `ts` for a question that starts one."""
    user: str
    text: str
    """As Slack sent it, with its escapes. Answers read the thread instead, except for slash commands."""
    source: Source
    response_url: str | None = None
    """Slash commands only: where Slack takes up to five answers within 30 minutes."""
    post: dict[str, Any] = field(default_factory=dict, compare=False)
    """The `blocks` and `files` of a post that starts a thread: it is read from here, without asking Slack."""
    at: float | None = None
    """When a command came, or a post was last edited, in seconds since the epoch; for others `ts` tells."""

    @property
    def run_id(self) -> str:
        """`team:channel:ts`: the same for every delivery of the same post."""
        return f"{self.team}:{self.channel}:{self.ts}"

    @property
    def asked_at(self) -> datetime:
        """When it was asked in these words. The same in every attempt to answer it."""
        return datetime.fromtimestamp(float(self.ts) if self.at is None else self.at, UTC)

    @property
    def thread(self) -> str:
        """The thread, unique across workspaces."""
        return f"{self.team}:{self.channel}:{self.thread_ts}"

    @property
    def starts_thread(self) -> bool:
        """Whether no question can have come before it in its thread."""
        return self.thread_ts == self.ts


@dataclass(frozen=True, slots=True)
class Person:
    """Somebody in the workspace."""

    id: str
    name: str
    timezone: str = "UTC"
    """The name of a time zone, such as `Europe/London`."""
    locale: str = ""
    """Such as `en-US`; empty where it is not known."""
    is_guest: bool = False
    is_external: bool = False
    """Whether they belong to another organisation (Slack Connect)."""
    groups: tuple[str, ...] = ()
    """The ids of their user groups, where somebody wants to know."""


@dataclass(frozen=True, slots=True)
class TextPart:
    """A stretch of text in a message of several parts."""

    text: str


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image, as a `data:` URL, for models that see."""

    url: str


Content: TypeAlias = str | tuple[TextPart | ImagePart, ...] | None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to run a tool. `arguments` is JSON text as the model wrote it, valid or not."""

    id: str
    name: str
    arguments: str


@dataclass(frozen=True, slots=True)
class ChatMessage:
    """One message of the chat that the model sees."""

    role: Role
    content: Content = None
    tool_calls: tuple[ToolCall, ...] = ()
    tool_call_id: str | None = None

    def to_wire(self) -> dict[str, Any]:
        """This message in Humanloop's v5 JSON form; absent keys are left out."""
        wire: dict[str, Any] = {"role": self.role}
        if isinstance(self.content, tuple):
            wire["content"] = [_part_to_wire(part) for part in self.content]
        elif self.content is not None:
            wire["content"] = self.content
        if self.tool_calls:
            wire["tool_calls"] = [
                {
                    "id": call.id,
                    "type": "function",
                    "function": {"name": call.name, "arguments": call.arguments},
                }
                for call in self.tool_calls
            ]
        if self.tool_call_id is not None:
            wire["tool_call_id"] = self.tool_call_id
        return wire


def _part_to_wire(part: TextPart | ImagePart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    return {"type": "image_url", "image_url": {"url": part.url}}


@dataclass(frozen=True, slots=True)
class Link:
    """Where a tool has something from."""

    title: str
    url: str


@dataclass(frozen=True, slots=True)
class ToolResult:
    """What came of one tool call: the result's text, or a text that tells the model what went wrong."""

    call_id: str
    name: str
    content: str
    ok: bool
    seconds: float = 0.0
    summary: str = ""
    """The result in a line, for people."""
    sources: tuple[Link, ...] = ()


@dataclass(frozen=True, slots=True)
class Usage:
    """Tokens of one model call; `None` where the provider does not tell. Costs in US dollars."""

    input_tokens: int | None = None
    output_tokens: int | None = None
    cost: float | None = None


@dataclass(frozen=True, slots=True)
class ModelReply:
    """One finished model call."""

    message: ChatMessage
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    log_id: str | None = None


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class ToolStarted:
    """A tool call has begun."""

    call: ToolCall


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """A tool call has ended, well or not."""

    call: ToolCall
    result: ToolResult


@dataclass(frozen=True, slots=True)
class Done:
    """The answer is complete. `text` is its Markdown: that of every `TextDelta`, also of earlier turns."""

    text: str
    usage: Usage
    turns: int
    """How many times the model was called."""
    cut: bool = False
    """Whether the model stopped at its length limit rather than at the end."""


@dataclass(frozen=True, slots=True)
class History:
    """What the bot knows of a question: the thread as chat messages, who asked, and where."""

    messages: tuple[ChatMessage, ...]
    asker: Person
    place: str
    """The conversation in words, such as `#general` or `a direct message`."""
    people: tuple[Person, ...] = ()
    """Who takes part in the thread."""
    links: frozenset[str] = frozenset()
    """The URLs of earlier answers, normalised."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete answer, and what people are told about how it came to be."""

    text: str
    """Markdown."""
    model: str = ""
    tools: tuple[str, ...] = ()
    """The names of the tools that were called, in order."""
    seconds: float = 0.0
    cost: float | None = None
    """In US dollars; `None` where it is not known."""


@dataclass(frozen=True, slots=True)
class Pause:
    """Where the loop stands while people decide about tool calls. The thread is read again afterwards."""

    messages: tuple[ChatMessage, ...]
    """What the loop has added to the thread; the last one asks for the tools."""
    results: tuple[ToolResult, ...]
    """Of those calls of the last message that nobody had to approve."""
    calls: tuple[ToolCall, ...]
    """Those that have to be approved."""
    turns: int
    """How many times the model was called."""
    usage: Usage = field(default_factory=Usage)
    tools: tuple[str, ...] = ()
    """The names of the tools that were called, in order."""
    seconds: float = 0.0
    """For how long it was worked on."""


@dataclass(frozen=True, slots=True)
class Paused:
    """The loop waits for people's approval: the answer goes on when they have decided."""

    pause: Pause


@dataclass(frozen=True, slots=True)
class Verdict:
    """What was decided about a tool call."""

    approved: bool
    words: str = ""
    """Why not, for the model."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a run ended: the answer's Markdown, the name of the error in its place, or where it paused."""

    state: Literal["answered", "failed", "paused"]
    text: str
    error: str | None = None
    pause: Pause | None = None
    messages: int = 0
    """How many messages a paused answer has in its thread so far."""


@dataclass(frozen=True, slots=True)
class PausedRun:
    """A run that ended with calls to be approved."""

    run_id: str
    pause: Pause
    messages: int
    """How many messages the answer has in its thread."""


Event: TypeAlias = TextDelta | ToolStarted | ToolFinished | Paused | Done
