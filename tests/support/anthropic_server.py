"""A server that speaks Anthropic's Messages API, streaming, from a test's script.

async with AnthropicServer([tool_calls(("calculate", {"expression": "1+1"})), text("It is 2.")]) as server:
    …  # ANTHROPIC_BASE_URL = server.base_url
"""

from __future__ import annotations

import json
from collections.abc import Iterator

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

__all__ = ["AnthropicServer", "cut", "failing_stream", "failure", "text", "tool_calls"]


class AnthropicServer(ModelServer):
    """`base_url` is the bare host: the SDK adds `/v1/messages`."""

    path = "/v1/messages"

    def _begin(self, request: Json, answer: Answer) -> Iterator[str]:
        message = {
            "id": "msg_1",
            "type": "message",
            "role": "assistant",
            "model": request["model"],
            "content": [],
            "stop_reason": None,
            "stop_sequence": None,
            "usage": {
                "input_tokens": 12,
                "cache_read_input_tokens": 100,
                "cache_creation_input_tokens": 30,
                "output_tokens": 1,
            },
        }
        yield _event("message_start", message=message)
        yield _event("ping")
        if answer.pieces:
            yield _event("content_block_start", index=0, content_block={"type": "text", "text": ""})

    def _piece(self, piece: str) -> str:
        return _event("content_block_delta", index=0, delta={"type": "text_delta", "text": piece})

    def _end(self, request: Json, answer: Answer) -> Iterator[str]:
        if answer.pieces:
            yield _event("content_block_stop", index=0)
        for index, (name, arguments) in enumerate(answer.calls, start=1 if answer.pieces else 0):
            block = {"type": "tool_use", "id": f"toolu_{self._call_id()}", "name": name, "input": {}}
            yield _event("content_block_start", index=index, content_block=block)
            middle = len(arguments) // 2
            for piece in ("", arguments[:middle], arguments[middle:]):
                delta = {"type": "input_json_delta", "partial_json": piece}
                yield _event("content_block_delta", index=index, delta=delta)
            yield _event("content_block_stop", index=index)
        stop = {"stop_reason": "tool_use" if answer.calls else "end_turn", "stop_sequence": None}
        yield _event("message_delta", delta=stop, usage={"output_tokens": 25})
        yield _event("message_stop")

    def _error(self, kind: str, message: str) -> Json:
        return {"type": "error", "error": {"type": kind, "message": message}}

    def _error_event(self, kind: str, message: str) -> str:
        return f"event: error\ndata: {json.dumps(self._error(kind, message))}\n\n"


def _event(kind: str, **data: object) -> str:
    return f"event: {kind}\ndata: {json.dumps({'type': kind, **data})}\n\n"
