"""Chat messages and tools as Humanloop's v5 API writes them, as frozen values.

The field names are those of the wire, so pydantic validates a request straight into these classes and
`to_wire` gives the same JSON back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

Role = Literal["system", "developer", "user", "assistant", "tool"]

CONTEXT_MARK = "[context]"
"""Leads a user message that carries what changes from question to question: the date, who asks, where."""


@dataclass(frozen=True, slots=True)
class TextPart:
    """A stretch of text in a message of several parts."""

    text: str
    type: Literal["text"] = "text"


@dataclass(frozen=True, slots=True)
class ImageUrl:
    """Where an image is: an `https:` address or a `data:` URL."""

    url: str
    detail: Literal["high", "low", "auto"] | None = None


@dataclass(frozen=True, slots=True)
class ImagePart:
    """An image in a message of several parts."""

    image_url: ImageUrl
    type: Literal["image_url"] = "image_url"


Content: TypeAlias = str | tuple[TextPart | ImagePart, ...] | None


@dataclass(frozen=True, slots=True)
class FunctionCall:
    """Which function to call. `arguments` is JSON text as the model wrote it, valid or not."""

    name: str
    arguments: str | None = None


@dataclass(frozen=True, slots=True)
class ToolCall:
    """A model's wish to run a tool."""

    id: str
    function: FunctionCall
    type: Literal["function"] = "function"


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a chat."""

    role: Role
    content: Content = None
    name: str | None = None
    tool_call_id: str | None = None
    tool_calls: tuple[ToolCall, ...] | None = None

    @property
    def text(self) -> str:
        """The words of the message, without its images."""
        if isinstance(self.content, tuple):
            return "\n".join(part.text for part in self.content if isinstance(part, TextPart))
        return self.content or ""


@dataclass(frozen=True, slots=True)
class Tool:
    """A tool the model may call, in Humanloop's bare form. `parameters` is a JSON Schema."""

    name: str
    description: str = ""
    parameters: dict[str, Any] | None = None
    strict: bool | None = None


@dataclass(frozen=True, slots=True)
class FunctionName:
    """The name inside a tool choice."""

    name: str


@dataclass(frozen=True, slots=True)
class NamedTool:
    """A tool choice that forces one tool."""

    function: FunctionName
    type: Literal["function"] = "function"


ToolChoice: TypeAlias = Literal["none", "auto", "required"] | NamedTool


def to_wire(message: Message) -> dict[str, Any]:
    """The message as JSON; absent keys are left out, except that `content` is always there."""
    wire: dict[str, Any] = {"role": message.role, "content": _content_to_wire(message.content)}
    if message.name is not None:
        wire["name"] = message.name
    if message.tool_calls:
        wire["tool_calls"] = [call_to_wire(call) for call in message.tool_calls]
    if message.tool_call_id is not None:
        wire["tool_call_id"] = message.tool_call_id
    return wire


def call_to_wire(call: ToolCall) -> dict[str, Any]:
    """The tool call as JSON."""
    function = {"name": call.function.name, "arguments": call.function.arguments or ""}
    return {"id": call.id, "type": "function", "function": function}


def _content_to_wire(content: Content) -> str | list[dict[str, Any]] | None:
    if isinstance(content, tuple):
        return [_part_to_wire(part) for part in content]
    return content


def _part_to_wire(part: TextPart | ImagePart) -> dict[str, Any]:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    image = {"url": part.image_url.url}
    if part.image_url.detail is not None:
        image["detail"] = part.image_url.detail
    return {"type": "image_url", "image_url": image}


def leading_instructions(messages: Sequence[Message]) -> int:
    """How many messages at the beginning are instructions (`system` or `developer`)."""
    for index, message in enumerate(messages):
        if message.role not in ("system", "developer"):
            return index
    return len(messages)


def is_context(message: Message) -> bool:
    """Whether a message past the leading instructions carries what changes from question to question."""
    if message.role == "user":
        return message.text.lstrip().startswith(CONTEXT_MARK)
    return message.role in ("system", "developer")


def stable_length(messages: Sequence[Message]) -> int:
    """How many messages from the beginning will stand there unchanged in the thread's next request.

    They end where the first context message comes after the leading instructions.
    """
    for index in range(leading_instructions(messages), len(messages)):
        if is_context(messages[index]):
            return index
    return len(messages)
