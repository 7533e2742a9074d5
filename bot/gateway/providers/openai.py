"""OpenAI's chat completions, and every server that speaks that API."""

from __future__ import annotations

import contextlib
import json
import ssl
from collections.abc import AsyncGenerator, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

import anyio
import httpx2
from openai import (
    APIConnectionError,
    APIError,
    APIStatusError,
    AsyncOpenAI,
    AsyncStream,
)

from bot.gateway.chat import FunctionCall, Message, NamedTool, Tool, ToolCall, ToolChoice, to_wire
from bot.gateway.errors import ProviderError
from bot.gateway.providers import failures
from bot.gateway.providers.base import Chunk, Finished, FinishReason, ModelRequest, TextDelta, TokenUsage
from bot.gateway.providers.connection import NO_KEY, TIMEOUT

_OPENAI_URL = "https://api.openai.com/v1"
_REASONS: dict[str, FinishReason] = {"length": "length", "content_filter": "content_filter"}


class OpenAIProvider:
    """Models behind OpenAI's API."""

    def __init__(self, api_key: str | None, base_url: str | None) -> None:
        self._is_openai = base_url is None
        self._client = AsyncOpenAI(
            api_key=api_key or NO_KEY,
            base_url=base_url or _OPENAI_URL,
            max_retries=0,
            timeout=TIMEOUT,
        )

    async def stream(self, request: ModelRequest) -> AsyncGenerator[Chunk, None]:
        """One chat completion, streamed.

        Raises:
            ProviderError: whatever OpenAI or the way to it has refused.
        """
        client = self._client.with_options(api_key=request.api_key) if request.api_key else self._client
        with _failures_while_opening():
            # Not `chat.completions.create`: it would walk through each message and tool by its type hints, on
            # the event loop.
            stream = await client.post(
                "/chat/completions",
                body=self._body(request),
                cast_to=object,
                stream=True,
                stream_cls=AsyncStream[object],
            )
        calls, finish_reason, usage = _CallsUnderWay(), "", None
        async with stream, contextlib.aclosing(_events(stream.response)) as events:
            with _failures_while_streaming():
                async for event in events:
                    usage = event.get("usage") or usage
                    for choice in event.get("choices") or ():
                        delta = choice.get("delta") or {}
                        if text := delta.get("content") or delta.get("refusal"):
                            yield TextDelta(text)
                        for piece in delta.get("tool_calls") or ():
                            calls.take(piece)
                        finish_reason = choice.get("finish_reason") or finish_reason
        if not finish_reason:
            raise failures.cut("openai")
        yield Finished(_reason(finish_reason, calls), calls.complete(), _usage(usage))

    async def aclose(self) -> None:
        """Close the connections."""
        await self._client.close()

    def _body(self, request: ModelRequest) -> dict[str, Any]:
        given = request.parameters
        # OpenAI's newer models refuse `max_tokens`; other servers know nothing else.
        limit = "max_completion_tokens" if self._is_openai else "max_tokens"
        body: dict[str, Any] = {
            "model": request.model,
            "messages": [_message(message) for message in request.messages],
            "stream": True,
            "stream_options": {"include_usage": True},
            limit: given.max_tokens,
            "temperature": given.temperature,
            "top_p": given.top_p,
            "stop": given.stop,
            "presence_penalty": given.presence_penalty,
            "frequency_penalty": given.frequency_penalty,
            "seed": given.seed,
            "response_format": given.response_format,
            "reasoning_effort": given.reasoning_effort,
            **(given.other or {}),
        }
        if request.tools:
            # With a choice of "none" too: the definitions are part of the prefix that the provider caches.
            body["tools"] = [_tool(tool) for tool in request.tools]
            body["tool_choice"] = _tool_choice(request.tool_choice)
        return {key: value for key, value in body.items() if value is not None}


@dataclass(slots=True)
class _CallUnderWay:
    id: str
    name: str = ""
    arguments: str = ""


class _CallsUnderWay:
    """Tool calls that arrive in pieces, several interleaved, told apart by their index."""

    def __init__(self) -> None:
        self._calls: list[_CallUnderWay] = []
        self._at: dict[int | None, _CallUnderWay] = {}

    def take(self, piece: Mapping[str, Any]) -> None:
        index, call_id, function = piece.get("index"), piece.get("id"), piece.get("function") or {}
        call = self._at.get(index)
        # Some compatible servers give every call the index 0, or none: a new id is a new call.
        if call is None or (call_id and call_id != call.id):
            call = _CallUnderWay(call_id or f"call_{len(self._calls)}")
            self._calls.append(call)
            self._at[index] = call
        call.name += function.get("name") or ""
        call.arguments += function.get("arguments") or ""

    def complete(self) -> tuple[ToolCall, ...]:
        return tuple(ToolCall(call.id, FunctionCall(call.name, call.arguments or "{}")) for call in self._calls)


def _message(message: Message) -> dict[str, Any]:
    wire = to_wire(message)
    if message.role == "developer":
        # OpenAI takes either word; many compatible servers know only this one.
        wire["role"] = "system"
    for call in wire.get("tool_calls", ()):
        call["function"]["arguments"] = call["function"]["arguments"] or "{}"
    if wire["content"] is None and not message.tool_calls:
        wire["content"] = ""
    return wire


def _tool(tool: Tool) -> dict[str, Any]:
    function: dict[str, Any] = {
        "name": tool.name,
        "description": tool.description,
        "parameters": tool.parameters or {"type": "object", "properties": {}},
    }
    if tool.strict is not None:
        function["strict"] = tool.strict
    return {"type": "function", "function": function}


def _tool_choice(choice: ToolChoice | None) -> str | dict[str, Any] | None:
    if isinstance(choice, NamedTool):
        return {"type": "function", "function": {"name": choice.function.name}}
    return choice


def _reason(finish_reason: str, calls: _CallsUnderWay) -> FinishReason:
    # Some compatible servers say "stop" although they call tools.
    return _REASONS.get(finish_reason) or ("tool_calls" if calls.complete() else "stop")


def _usage(usage: Mapping[str, Any] | None) -> TokenUsage:
    if usage is None:
        return TokenUsage()
    prompt, completion = usage.get("prompt_tokens_details"), usage.get("completion_tokens_details")
    return TokenUsage(
        prompt=usage.get("prompt_tokens"),
        output=usage.get("completion_tokens"),
        reasoning=(completion or {}).get("reasoning_tokens"),
        cached=(prompt or {}).get("cached_tokens"),
    )


async def _events(response: httpx2.Response) -> AsyncGenerator[Mapping[str, Any], None]:
    """The events of a stream (https://html.spec.whatwg.org/multipage/server-sent-events.html).

    The SDK's reader takes a third more time for each token, and its typed events take five times as much.
    """
    data, rest, is_done = b"", b"", False
    async for piece in response.aiter_bytes():
        *lines, rest = (rest + piece).split(b"\n")
        for line in lines:
            if line.startswith(b"data:"):
                data += line[5:]
            elif not line.strip():
                event, data = data.strip(), b""
                # What comes behind it is read all the same, so that the connection can be used again.
                is_done = is_done or event == b"[DONE]"
                if event and not is_done:
                    yield _checked(json.loads(event), response)


def _checked(event: object, response: httpx2.Response) -> Mapping[str, Any]:
    """An event that is no error. Some compatible servers leave members out, or send something else."""
    if not isinstance(event, Mapping):
        return {}
    if error := event.get("error"):
        message = error.get("message") if isinstance(error, Mapping) else error
        raise APIError(str(message or "no reason given"), response.request, body=error)
    return event


@contextlib.contextmanager
def _failures_while_opening() -> Iterator[None]:
    try:
        yield
    except APIConnectionError as error:
        raise failures.unanswered("openai", error) from error
    except APIStatusError as error:
        raise _refused(error, error.status_code) from error


@contextlib.contextmanager
def _failures_while_streaming() -> Iterator[None]:
    try:
        yield
    except httpx2.TimeoutException as error:
        raise failures.silent("openai") from error
    except (httpx2.RequestError, ssl.SSLError, anyio.EndOfStream) as error:
        # Of a TLS connection that breaks, the network library lets the causes through.
        raise failures.cut("openai") from error
    except APIError as error:
        # An error event inside a stream of status 200 has no status of its own.
        code = error.code or ""
        raise _refused(error, int(code) if code.isdecimal() else 500) from error


def _refused(error: APIError, status: int) -> ProviderError:
    body = error.body if isinstance(error.body, dict) else {}
    headers = error.response.headers if isinstance(error, APIStatusError) else {}
    kind = f"{error.code or ''} {error.type or ''}"
    return failures.refused(
        "openai", status, str(body.get("message") or error.message), kind=kind, headers=headers
    )
