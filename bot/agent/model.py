"""The model, through the real Humanloop SDK: one streamed `prompts/call` becomes events.

The SDK talks to `HUMANLOOP_BASE_URL`, or to the embedded endpoint of `gateway`; this module cannot tell.
"""

from __future__ import annotations

from collections.abc import AsyncGenerator, Iterable, Mapping, Sequence
from contextlib import aclosing
from dataclasses import dataclass, field
from typing import Any

import httpx
from humanloop import AsyncHumanloop, PromptCallStreamResponse
from humanloop.core.api_error import ApiError

from bot.agent.prompt import Prompt
from bot.conversation import ChatMessage, ModelReply, TextDelta, ToolCall, ToolChoice, Usage
from bot.errors import (
    ContextTooLong,
    ModelError,
    ModelKeyRefused,
    ModelRateLimited,
    ModelRefused,
    ModelUnreachable,
    StreamCut,
)
from bot.surrogates import is_begun, well_formed


class HumanloopModel:
    """Calls one prompt."""

    def __init__(self, client: AsyncHumanloop, prompt: Prompt) -> None:
        self._client = client
        self._prompt = prompt

    async def call(
        self,
        messages: Sequence[ChatMessage],
        tool_choice: ToolChoice,
        tool_schemas: Iterable[Mapping[str, Any]],
        *,
        flow_log_id: str,
        user: str,
    ) -> AsyncGenerator[TextDelta | ModelReply, None]:
        """Yield text as it comes, then the whole reply. The call is logged under the flow `flow_log_id`.

        Raises:
            ModelError: the model could not answer, by kind.
        """
        reply = _Reply()
        try:
            stream = self._client.prompts.call_stream(
                path=self._prompt.path,
                tool_choice=tool_choice,
                trace_parent_id=flow_log_id,
                user=user,
                # As arguments, the SDK would walk through each message's type hints on the event loop:
                # 55 ms for 400 messages.
                request_options={
                    "additional_body_parameters": {
                        "prompt": self._prompt.with_tools(tool_schemas),
                        "messages": [message.to_wire() for message in messages],
                    }
                },
            )
            async with aclosing(stream) as chunks:  # type: ignore[type-var]  # declared AsyncIterator, is a generator
                async for chunk in chunks:
                    if text := reply.take(chunk):
                        yield TextDelta(text)
        except ApiError as error:
            raise model_error(error) from error
        except httpx.HTTPError as error:
            raise (StreamCut if reply.started else ModelUnreachable)(
                f"{type(error).__name__}: {error}"
            ) from error
        yield reply.finish()


@dataclass(slots=True)
class _Reply:
    """One reply, put together from its chunks."""

    started: bool = False
    text: list[str] = field(default_factory=list)
    calls: dict[str, ToolCall] = field(default_factory=dict)
    finish_reason: str | None = None
    usage: Usage = field(default_factory=Usage)
    log_id: str | None = None
    begun: str = ""
    """The first half of a character, whose other half comes with the next chunk."""

    def take(self, chunk: PromptCallStreamResponse) -> str:
        """Add a chunk; return the text that is new in it."""
        if chunk.error:
            raise StreamCut(f"The model's stream ended with an error: {chunk.error}")
        self.started = True
        self.log_id = chunk.id or self.log_id
        self.finish_reason = chunk.finish_reason or self.finish_reason
        if chunk.prompt_tokens is not None or chunk.output_tokens is not None:
            self.usage = _usage(chunk)
        message = chunk.output_message
        for call in (message.tool_calls if message else None) or ():
            self._take_call(call.id, call.function.name, call.function.arguments or "")
        delta, self.begun = self.begun + (chunk.output or ""), ""
        if is_begun(delta) and self.finish_reason is None:
            delta, self.begun = delta[:-1], delta[-1]
        delta = well_formed(delta)
        self.text.append(delta)
        return delta

    def _take_call(self, call_id: str | None, name: str, arguments: str) -> None:
        # Every call needs an id of its own: its result is matched to it by that.
        call_id = call_id or f"call_{len(self.calls)}"
        self.calls[call_id] = ToolCall(call_id, well_formed(name), well_formed(arguments))

    def finish(self) -> ModelReply:
        """The whole reply.

        Raises:
            StreamCut: the stream ended before the model did.
        """
        if self.finish_reason is None:
            raise StreamCut("The model's stream ended without a finish reason.")
        text = "".join(self.text)
        return ModelReply(
            message=ChatMessage("assistant", text or None, tool_calls=tuple(self.calls.values())),
            finish_reason=self.finish_reason,
            usage=self.usage,
            log_id=self.log_id,
        )


def _usage(chunk: PromptCallStreamResponse) -> Usage:
    costs = [cost for cost in (chunk.prompt_cost, chunk.output_cost) if cost is not None]
    return Usage(chunk.prompt_tokens, chunk.output_tokens, sum(costs) if costs else None)


# The embedded endpoint's codes (`gateway.ErrorCode`); another server's errors go by their HTTP status.
_BY_CODE: Mapping[str, type[ModelError]] = {
    "api_key_missing": ModelKeyRefused,
    "api_key_refused": ModelKeyRefused,
    "gateway_key_refused": ModelKeyRefused,
    "rate_limited": ModelRateLimited,
    "quota_exceeded": ModelRateLimited,
    "context_too_long": ContextTooLong,
    "model_not_found": ModelRefused,
    "provider_unknown": ModelRefused,
    "prompt_invalid": ModelRefused,
    "request_refused": ModelRefused,
    "provider_failed": ModelUnreachable,
    "connection_failed": ModelUnreachable,
    "timed_out": ModelUnreachable,
    "stream_cut": StreamCut,
}


def model_error(error: ApiError) -> ModelError:
    """Our error for the endpoint's: by the detail's code where it is known, else by the status."""
    detail = error.body.get("detail") if isinstance(error.body, dict) else error.body
    code = detail.get("code") if isinstance(detail, dict) else None
    kind = _BY_CODE.get(str(code)) or _by_status(error.status_code or 500)
    return kind(f"HTTP {error.status_code}: {detail}")


def _by_status(status: int) -> type[ModelError]:
    if status in (401, 403):
        return ModelKeyRefused
    if status == 429:
        return ModelRateLimited
    if status == 413:
        return ContextTooLong
    return ModelUnreachable if status >= 500 or status == 408 else ModelRefused
