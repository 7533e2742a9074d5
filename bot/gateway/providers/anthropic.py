"""Anthropic's Messages API."""

from __future__ import annotations

import contextlib
import json
from collections.abc import AsyncGenerator, Iterator
from dataclasses import dataclass, field

import httpx2
from anthropic import APIConnectionError, APIStatusError, APITimeoutError, AsyncAnthropic
from anthropic.types import MessageDeltaUsage, RawMessageStreamEvent, Usage

from bot.gateway.chat import FunctionCall, ToolCall
from bot.gateway.errors import ProviderError
from bot.gateway.providers import failures
from bot.gateway.providers.anthropic_request import request_body
from bot.gateway.providers.base import Chunk, Finished, FinishReason, ModelRequest, TextDelta, TokenUsage
from bot.gateway.providers.connection import NO_KEY, TIMEOUT

_ANTHROPIC_URL = "https://api.anthropic.com"
_REASONS: dict[str, FinishReason] = {
    "tool_use": "tool_calls",
    "max_tokens": "length",
    "model_context_window_exceeded": "length",
    "refusal": "content_filter",
}
# An error inside a stream of status 200 carries its type alone (docs.anthropic.com/en/api/errors).
_STATUSES = {
    "invalid_request_error": 400,
    "authentication_error": 401,
    "billing_error": 402,
    "permission_error": 403,
    "not_found_error": 404,
    "request_too_large": 413,
    "rate_limit_error": 429,
    "api_error": 500,
    "timeout_error": 504,
    "overloaded_error": 529,
}


class AnthropicProvider:
    """Claude models."""

    def __init__(self, api_key: str | None, base_url: str | None) -> None:
        self._client = AsyncAnthropic(
            api_key=api_key or NO_KEY,
            base_url=base_url or _ANTHROPIC_URL,
            max_retries=0,
            timeout=TIMEOUT,
        )

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """One message, streamed.

        Raises:
            ProviderError: whatever Anthropic or the way to it has refused.
        """
        client = self._client.with_options(api_key=request.api_key) if request.api_key else self._client
        with _failures_while_opening():
            stream = await client.messages.create(stream=True, **request_body(request))
        answer = _Answer()
        async with stream:
            with _failures_while_streaming():
                async for event in stream:
                    if text := answer.take(event):
                        yield TextDelta(text)
        if answer.stop_reason is None:
            raise failures.cut("anthropic")
        yield answer.finished()

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()


@dataclass(slots=True)
class _CallUnderWay:
    id: str
    name: str
    arguments: str = ""


@dataclass(slots=True)
class _Answer:
    """An answer under way, put together from Anthropic's stream events."""

    stop_reason: str | None = None
    calls: dict[int, _CallUnderWay] = field(default_factory=dict)
    prompt_tokens: int | None = None
    cached_tokens: int | None = None
    output_tokens: int | None = None

    def take(self, event: RawMessageStreamEvent) -> str:
        """Take the event in; gives back the text in it."""
        if event.type == "message_start":
            self._count(event.message.usage)
        elif event.type == "content_block_start":
            block = event.content_block
            if block.type == "tool_use":
                arguments = json.dumps(block.input) if block.input else ""
                self.calls[event.index] = _CallUnderWay(block.id, block.name, arguments)
            elif block.type == "text":
                return block.text
        elif event.type == "content_block_delta":
            if event.delta.type == "text_delta":
                return event.delta.text
            if event.delta.type == "input_json_delta" and event.index in self.calls:
                self.calls[event.index].arguments += event.delta.partial_json
        elif event.type == "message_delta":
            self.stop_reason = event.delta.stop_reason
            self._count(event.usage)
        return ""

    def finished(self) -> Finished:
        calls = tuple(
            ToolCall(call.id, FunctionCall(call.name, call.arguments or "{}")) for call in self.calls.values()
        )
        usage = TokenUsage(prompt=self.prompt_tokens, output=self.output_tokens, cached=self.cached_tokens)
        return Finished(_REASONS.get(self.stop_reason or "", "stop"), calls, usage)

    def _count(self, usage: Usage | MessageDeltaUsage | None) -> None:
        if usage is None:
            return
        self.output_tokens = usage.output_tokens
        if usage.input_tokens is not None:
            # Anthropic counts cached tokens apart; ours are all input tokens.
            cached = usage.cache_read_input_tokens or 0
            self.cached_tokens = cached
            self.prompt_tokens = usage.input_tokens + cached + (usage.cache_creation_input_tokens or 0)


@contextlib.contextmanager
def _failures_while_opening() -> Iterator[None]:
    try:
        yield
    except APIConnectionError as error:
        raise failures.unanswered("anthropic", error) from error
    except APIStatusError as error:
        raise _refused(error, error.status_code) from error


@contextlib.contextmanager
def _failures_while_streaming() -> Iterator[None]:
    try:
        yield
    except (APITimeoutError, httpx2.TimeoutException) as error:
        raise failures.silent("anthropic") from error
    except (APIConnectionError, httpx2.TransportError) as error:
        # This SDK lets the network library's own errors through while it streams.
        raise failures.cut("anthropic") from error
    except APIStatusError as error:
        raise _refused(error, _STATUSES.get(error.type or "", 500)) from error


def _refused(error: APIStatusError, status: int) -> ProviderError:
    message = error.api_message or error.message
    return failures.refused("anthropic", status, message, kind=error.type or "", headers=error.response.headers)
