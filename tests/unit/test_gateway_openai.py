"""The OpenAI provider: what it sends, and the odd things that compatible servers answer."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response, StreamingResponse
from starlette.routing import Route
from support.openai_server import OpenAIServer, text

from bot.gateway.chat import FunctionCall, ImagePart, ImageUrl, Message, TextPart, Tool, ToolCall
from bot.gateway.providers.base import Finished, ModelRequest, Parameters, TextDelta, TokenUsage
from bot.gateway.providers.openai import OpenAIProvider, _CallsUnderWay
from bot.http_server import serve

HELLO = Message("user", "Ann: hello")


async def sent(request: ModelRequest) -> dict[str, object]:
    async with OpenAIServer([text("Fine.")]) as server:
        provider = OpenAIProvider("sk-test", server.base_url)
        async for _ in provider.stream(request):
            pass
        await provider.aclose()
    return server.requests[0]


async def test_tools_are_sent_in_openais_form_and_stay_where_they_may_not_be_called() -> None:
    schema = {"type": "object", "properties": {"x": {"type": "string"}}}
    tools = (Tool("f", "does f", schema, strict=True), Tool("g"))
    body = await sent(ModelRequest("m", (HELLO,), tools, "none"))

    assert body["tools"] == [
        {
            "type": "function",
            "function": {"name": "f", "description": "does f", "parameters": schema, "strict": True},
        },
        {
            "type": "function",
            "function": {"name": "g", "description": "", "parameters": {"type": "object", "properties": {}}},
        },
    ]
    assert body["tool_choice"] == "none"


async def test_messages_keep_their_images_calls_and_results() -> None:
    image = ImagePart(ImageUrl("data:image/png;base64,iVBORw=="))
    body = await sent(
        ModelRequest(
            "m",
            (
                Message("developer", "Be brief."),
                Message("user", (TextPart("Ann: this?"), image)),
                Message("assistant", tool_calls=(ToolCall("c1", FunctionCall("f")),)),
                Message("tool", "2", tool_call_id="c1"),
            ),
        )
    )

    assert body["messages"] == [
        {"role": "system", "content": "Be brief."},
        {
            "role": "user",
            "content": [
                {"type": "text", "text": "Ann: this?"},
                {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
            ],
        },
        {
            "role": "assistant",
            "content": None,
            "tool_calls": [{"id": "c1", "type": "function", "function": {"name": "f", "arguments": "{}"}}],
        },
        {"role": "tool", "content": "2", "tool_call_id": "c1"},
    ]


async def test_only_the_parameters_that_are_set_are_sent() -> None:
    parameters = Parameters(max_tokens=9, seed=3, reasoning_effort="low", other={"top_k": 2})
    body = await sent(ModelRequest("m", (HELLO,), parameters=parameters))

    assert body.keys() - {"messages", "stream", "stream_options"} == {
        "model",
        "max_tokens",
        "seed",
        "reasoning_effort",
        "top_k",
    }


@pytest.mark.parametrize("index", [0, None])
def test_calls_that_share_an_index_are_told_apart_by_their_ids(index: int | None) -> None:
    calls = _CallsUnderWay()
    for call_id, arguments in (("a", '{"x":1}'), ("b", '{"x"'), (None, ":2}")):
        function = {"name": "f" if call_id else None, "arguments": arguments}
        calls.take({"index": index, "id": call_id, "function": function})

    assert calls.complete() == (
        ToolCall("a", FunctionCall("f", '{"x":1}')),
        ToolCall("b", FunctionCall("f", '{"x":2}')),
    )


@pytest.mark.parametrize("size", [1, 7, 10_000])
@pytest.mark.parametrize("end", ["\n", "\r\n"], ids=["LF", "CRLF"])
async def test_events_are_read_however_they_are_written_and_cut(end: str, size: int) -> None:
    lines = [
        ": a comment", "",
        "event: chunk", 'data:{"choices": [{"delta": {"content": "Grüße"}}]}', "",
        "data: ", "",
        "data: 17", "",
        'data: {"choices":', 'data: [{"delta": {"content": " an\\nalle"}, "finish_reason": "stop"}]}', "",
        "id: 3", "",
        'data: {"usage": {"prompt_tokens": 5}}', "",
        "data: [DONE]", "",
        'data: {"choices": [{"delta": {"content": "!"}}]}', "", "",
    ]  # fmt: skip
    written = end.join(lines).encode()

    async def pieces() -> AsyncIterator[bytes]:
        for start in range(0, len(written), size):
            yield written[start : start + size]

    async def answer(_request: Request) -> Response:
        return StreamingResponse(pieces(), media_type="text/event-stream")

    app = Starlette(routes=[Route("/v1/chat/completions", answer, methods=["POST"])])
    async with serve(app) as url:
        provider = OpenAIProvider("sk-test", f"{url}/v1")
        *texts, finished = [chunk async for chunk in provider.stream(ModelRequest("m", (HELLO,)))]
        await provider.aclose()
    assert texts == [TextDelta("Grüße"), TextDelta(" an\nalle")]
    assert finished == Finished("stop", (), TokenUsage(prompt=5))
