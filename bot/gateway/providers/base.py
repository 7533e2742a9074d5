"""What every provider takes and gives, whatever its own API looks like."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, Protocol, TypeAlias

from bot.gateway.chat import Message, Tool, ToolCall, ToolChoice

FinishReason = Literal["stop", "tool_calls", "length", "content_filter"]
Effort = Literal["none", "minimal", "low", "medium", "high", "xhigh"]


@dataclass(frozen=True, slots=True)
class Parameters:
    """A model's parameters by Humanloop's names; `None` leaves the provider's default."""

    max_tokens: int | None = None
    temperature: float | None = None
    top_p: float | None = None
    stop: str | tuple[str, ...] | None = None
    presence_penalty: float | None = None
    frequency_penalty: float | None = None
    seed: int | None = None
    response_format: Mapping[str, Any] | None = None
    reasoning_effort: Effort | None = None
    other: Mapping[str, Any] = field(default_factory=dict)
    """Passed into the provider's request body as it is."""


@dataclass(frozen=True, slots=True)
class ModelRequest:
    """One model call, ready for any provider."""

    model: str
    messages: tuple[Message, ...]
    tools: tuple[Tool, ...] = ()
    tool_choice: ToolChoice | None = None
    parameters: Parameters = field(default_factory=Parameters)
    api_key: str | None = None
    """A key for this call alone, in place of the configured one."""


@dataclass(frozen=True, slots=True)
class TokenUsage:
    """Tokens of one call; `None` where the provider does not tell."""

    prompt: int | None = None
    """All input tokens, those read from the provider's cache included."""
    output: int | None = None
    """All output tokens, those of reasoning included."""
    reasoning: int | None = None
    cached: int | None = None
    """How many of `prompt` came from the provider's cache."""


@dataclass(frozen=True, slots=True)
class TextDelta:
    """More text of the answer."""

    text: str


@dataclass(frozen=True, slots=True)
class Finished:
    """The end of an answer, always the last chunk: complete tool calls, and why the model stopped."""

    reason: FinishReason
    tool_calls: tuple[ToolCall, ...] = ()
    usage: TokenUsage = field(default_factory=TokenUsage)


Chunk: TypeAlias = TextDelta | Finished


class Provider(Protocol):
    """A way to reach models."""

    def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """Call the model once, without retries, and yield its answer as it comes.

        Raises:
            ProviderError: the provider failed, before the first chunk or after it.
        """
        ...

    async def aclose(self) -> None:
        """Close the provider's connections."""
        ...
