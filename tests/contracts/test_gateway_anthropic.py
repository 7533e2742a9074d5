"""The Anthropic provider against a server that speaks its API, through the real Humanloop SDK."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from humanloop import AsyncHumanloop, PromptCallStreamResponse
from humanloop.core.api_error import ApiError
from support.anthropic_server import AnthropicServer, cut, failing_stream, failure, text, tool_calls
from support.gateways import humanloop_client, running_gateway
from support.model_replies import Reply

from bot.gateway import Credentials
from bot.storage.database import create_engine
from bot.storage.migrations import migrate

TOOL = {"name": "calculate", "description": "Sums", "parameters": {"type": "object", "properties": {}}}
PROMPT = {
    "model": "claude-test",
    "provider": "anthropic",
    "max_tokens": 100,
    "template": [{"role": "system", "content": "Be brief."}],
    "tools": [TOOL],
}
MARK = {"type": "ephemeral"}


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = create_engine(f"sqlite:///{tmp_path}/test.db")
    migrate(engine)
    yield engine
    engine.dispose()


@contextlib.asynccontextmanager
async def client_of(server: AnthropicServer, engine: sa.Engine) -> AsyncIterator[AsyncHumanloop]:
    credentials = Credentials(anthropic_api_key="sk-ant-test", anthropic_base_url=server.base_url)
    async with running_gateway(engine, credentials) as gateway, humanloop_client(gateway) as client:
        yield client


async def chunks_of(client: AsyncHumanloop, *messages: Any, **call: Any) -> list[PromptCallStreamResponse]:
    arguments: Any = {"path": "bot", "prompt": PROMPT, "messages": messages or [user("Ann: hello")]} | call
    async with contextlib.aclosing(client.prompts.call_stream(**arguments)) as stream:  # type: ignore[type-var]
        return [chunk async for chunk in stream]


def user(content: Any) -> dict[str, Any]:
    return {"role": "user", "content": content}


def call(call_id: str, arguments: str) -> dict[str, Any]:
    return {"id": call_id, "type": "function", "function": {"name": "calculate", "arguments": arguments}}


async def test_text_and_parallel_tool_calls_come_back_with_all_their_tokens(engine: sa.Engine) -> None:
    reply = tool_calls(("calculate", {"expression": "1+1"}), ("calculate", {}), say="Let me see.")
    async with AnthropicServer([reply]) as server, client_of(server, engine) as client:
        chunks = await chunks_of(client)

    assert chunks[0].output == "Let me see."
    message = chunks[-1].output_message
    assert message is not None
    assert [c.function.arguments for c in message.tool_calls or ()] == ['{"expression": "1+1"}', "{}"]
    assert (chunks[-1].finish_reason, chunks[-1].prompt_tokens, chunks[-1].output_tokens) == (
        "tool_calls",
        142,
        25,
    )
    assert server.headers[0]["authorization"] == "Bearer sk-ant-test"


async def test_results_of_parallel_calls_go_back_in_one_turn(engine: sa.Engine) -> None:
    async with AnthropicServer([text("2 and 4.")]) as server, client_of(server, engine) as client:
        await chunks_of(
            client,
            user("Ann: 1+1, 2+2?"),
            {
                "role": "assistant",
                "content": None,
                "tool_calls": [call("c1", '{"e":"1+1"}'), call("c2", "{broken")],
            },
            {"role": "tool", "tool_call_id": "c1", "content": "2"},
            {"role": "tool", "tool_call_id": "c2", "content": "not JSON"},
        )

    _, assistant, results = server.requests[0]["messages"]
    assert [block["input"] for block in assistant["content"]] == [{"e": "1+1"}, {"not_json": "{broken"}]
    assert results["role"] == "user"
    assert [(b["type"], b["tool_use_id"]) for b in results["content"]] == [
        ("tool_result", "c1"),
        ("tool_result", "c2"),
    ]


async def test_the_cache_is_marked_at_the_system_prompt_the_thread_and_the_end(engine: sa.Engine) -> None:
    async with AnthropicServer([text("Fine.")]) as server, client_of(server, engine) as client:
        await chunks_of(
            client,
            user("Ann: one"),
            {"role": "assistant", "content": "Uno."},
            user("Ann: two"),
            user("[context] It is Sunday."),
        )

    [request] = server.requests
    assert request["system"] == [{"type": "text", "text": "Be brief.", "cache_control": MARK}]
    first, second, third = request["messages"]
    assert "cache_control" not in first["content"][0] | second["content"][0]
    assert [block["text"] for block in third["content"]] == ["Ann: two", "[context] It is Sunday."]
    assert [block.get("cache_control") for block in third["content"]] == [MARK, MARK]


async def test_instructions_amid_the_chat_stay_in_their_place(engine: sa.Engine) -> None:
    async with AnthropicServer([text("Fine.")]) as server, client_of(server, engine) as client:
        await chunks_of(client, {"role": "assistant", "content": "Hi."}, {"role": "system", "content": "Now."})

    [request] = server.requests
    assert [block["text"] for block in request["system"]] == ["Be brief."]
    assert [message["role"] for message in request["messages"]] == ["user", "assistant", "user"]
    assert request["messages"][2]["content"][0]["text"] == "Now."


@pytest.mark.parametrize(
    ("choice", "sent"),
    [
        ("auto", {"type": "auto"}),
        ("none", {"type": "none"}),
        ("required", {"type": "any"}),
        ({"type": "function", "function": {"name": "calculate"}}, {"type": "tool", "name": "calculate"}),
    ],
)
async def test_tool_choices_are_said_in_anthropics_words(
    engine: sa.Engine, choice: Any, sent: dict[str, str]
) -> None:
    async with AnthropicServer([text("Fine.")]) as server, client_of(server, engine) as client:
        await chunks_of(client, tool_choice=choice)

    [request] = server.requests
    assert request["tool_choice"] == sent
    assert request["tools"][0]["input_schema"] == TOOL["parameters"]


async def test_images_are_sent_as_their_data(engine: sa.Engine) -> None:
    parts = [
        {"type": "text", "text": "Ann: this?"},
        {"type": "image_url", "image_url": {"url": "data:image/png;base64,iVBORw=="}},
        {"type": "text", "text": " "},
    ]
    async with AnthropicServer([text("A dot.")]) as server, client_of(server, engine) as client:
        await chunks_of(client, user(parts))

    words, image = server.requests[0]["messages"][0]["content"]
    assert words["text"] == "Ann: this?"
    assert image["source"] == {"type": "base64", "media_type": "image/png", "data": "iVBORw=="}


async def test_parameters_that_the_sdk_has_no_words_for_are_sent_nevertheless(engine: sa.Engine) -> None:
    async with AnthropicServer([text("Fine.")]) as server, client_of(server, engine) as client:
        prompt = PROMPT | {"temperature": 0.2, "stop": "END", "reasoning_effort": "low", "other": {"top_k": 3}}
        await chunks_of(client, prompt=prompt)

    [request] = server.requests
    assert (request["temperature"], request["top_k"], request["max_tokens"]) == (0.2, 3, 100)
    assert (request["stop_sequences"], request["output_config"]) == (["END"], {"effort": "low"})


async def test_what_anthropic_does_not_have_is_refused(engine: sa.Engine) -> None:
    async with AnthropicServer() as server, client_of(server, engine) as client:
        with pytest.raises(ApiError) as caught:
            await chunks_of(client, prompt=PROMPT | {"response_format": {"type": "json_object"}})

    assert caught.value.body["detail"]["code"] == "prompt_invalid"


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (failure(401, "invalid x-api-key", kind="authentication_error"), 401, "api_key_refused"),
        (
            failure(400, "prompt is too long: 210000 tokens > 200000", kind="invalid_request_error"),
            400,
            "context_too_long",
        ),
        (failure(400, "Your credit balance is too low", kind="invalid_request_error"), 400, "quota_exceeded"),
        (failure(404, "model: claude-test", kind="not_found_error"), 404, "model_not_found"),
        (failure(400, "messages: wrong", kind="invalid_request_error"), 400, "request_refused"),
        (failure(413, "Request exceeds the maximum size", kind="request_too_large"), 413, "context_too_long"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_anthropic_refuses_is_told_by_a_code(
    engine: sa.Engine, reply: Any, status: int, code: str
) -> None:
    async with AnthropicServer([reply]) as server, client_of(server, engine) as client:
        with pytest.raises(ApiError) as caught:
            await chunks_of(client)

    assert (caught.value.status_code, caught.value.body["detail"]["code"]) == (status, code)
    assert len(server.requests) == 1


async def test_an_overloaded_anthropic_is_asked_again(engine: sa.Engine) -> None:
    replies: list[Reply] = [
        failure(529, "Overloaded", kind="overloaded_error"),
        failing_stream(kind="overloaded_error", message="Overloaded"),
        text("At last."),
    ]
    async with AnthropicServer(replies) as server, client_of(server, engine) as client:
        chunks = await chunks_of(client)

    assert chunks[0].output == "At last."


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (cut("Half"), "stream_cut"),
        (failing_stream("Half", kind="overloaded_error", message="Overloaded"), "provider_failed"),
        (failing_stream("Half", kind="rate_limit_error", message="Slow down"), "rate_limited"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_a_broken_stream_ends_with_an_error_chunk(engine: sa.Engine, reply: Any, code: str) -> None:
    async with AnthropicServer([reply]) as server, client_of(server, engine) as client:
        chunks = await chunks_of(client)

    assert chunks[0].output == "Half"
    assert chunks[-1].error
    assert chunks[-1].detail["code"] == code  # type: ignore[attr-defined]  # a key of ours beside Humanloop's
