"""A server that speaks OpenAI's chat completions, streaming, from a test's script.

async with OpenAIServer([tool_calls(("calculate", {"expression": "1+1"})), text("It is 2.")]) as server:
    …  # OPENAI_BASE_URL = server.base_url

OpenAIServer(reply=lambda request: text(request["messages"][-1]["content"]))
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from support.model_replies import (
    Answer,
    Json,
    cut,
    failing_stream,
    failure,
    text,
    tool_calls,
)
from support.model_server import ModelServer

__all__ = ["OpenAIServer", "cut", "failing_stream", "failure", "text", "tool_calls"]


class OpenAIServer(ModelServer):
    """`base_url` ends in `/v1`, as the SDK wants it."""

    prefix = "/v1"
    path = "/chat/completions"

    def _begin(self, request: Json, answer: Answer) -> Iterator[str]:
        yield _chunk({"role": "assistant", "content": ""})

    def _piece(self, piece: str) -> str:
        return _chunk({"content": piece})

    def _end(self, request: Json, answer: Answer) -> Iterator[str]:
        # As OpenAI does: first each call's name, then the arguments in pieces, interleaved here to make
        # the client tell them apart.
        for index, (name, _) in enumerate(answer.calls):
            function = {"name": name, "arguments": ""}
            call = {"index": index, "id": self._call_id(), "type": "function", "function": function}
            yield _chunk({"tool_calls": [call]})
        for half in (0, 1):
            for index, (_, arguments) in enumerate(answer.calls):
                middle = len(arguments) // 2
                piece = arguments[middle:] if half else arguments[:middle]
                yield _chunk({"tool_calls": [{"index": index, "function": {"arguments": piece}}]})
        yield _chunk({}, finish_reason="tool_calls" if answer.calls else "stop")
        if answer.usage and request.get("stream_options", {}).get("include_usage"):
            yield _event(_envelope([]) | {"usage": _usage(request, answer)})
        yield "data: [DONE]\n\n"

    def _error(self, kind: str, message: str) -> Json:
        return {"error": {"message": message, "type": "invalid_request_error", "param": None, "code": kind}}

    def _error_event(self, kind: str, message: str) -> str:
        return _event(self._error(kind, message))


def _chunk(delta: Json, *, finish_reason: str | None = None) -> str:
    return _event(_envelope([{"index": 0, "delta": delta, "logprobs": None, "finish_reason": finish_reason}]))


def _envelope(choices: list[Any]) -> Json:
    return {
        "id": "chatcmpl-1",
        "object": "chat.completion.chunk",
        "created": 1_795_305_600,
        "model": "scripted",
        "choices": choices,
    }


def _event(data: Json) -> str:
    return f"data: {json.dumps(data)}\n\n"


def _usage(request: Json, answer: Answer) -> Json:
    prompt = len(json.dumps(request["messages"])) // 4
    completion = sum(map(len, answer.pieces)) // 4 + 1
    return {
        "prompt_tokens": prompt,
        "completion_tokens": completion,
        "total_tokens": prompt + completion,
        "prompt_tokens_details": {"cached_tokens": 0},
        "completion_tokens_details": {"reasoning_tokens": 0},
    }
