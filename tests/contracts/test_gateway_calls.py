"""prompts/call as the real SDK sees it: the same tests in process and over HTTP."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from humanloop import AsyncHumanloop, PromptCallStreamResponse
from humanloop.core.api_error import ApiError
from humanloop.errors import UnprocessableEntityError
from support.gateways import WAYS, Way, humanloop_client, running_gateway
from support.openai_server import OpenAIServer, cut, failing_stream, failure, text, tool_calls
from support.patience import PATIENCE_S
from support.ports import unreachable

from bot.gateway import Credentials
from bot.storage.database import create_engine
from bot.storage.migrations import migrate

WEATHER_TOOL = {
    "name": "get_current_weather",
    "description": "The weather now",
    "parameters": {"type": "object", "properties": {"location": {"type": "string"}}},
}
PROMPT = {"model": "gpt-test", "provider": "openai", "tools": [WEATHER_TOOL]}
QUESTION = [{"role": "user", "content": "Ann: What's the weather in Boston and London?"}]


@pytest.fixture
def engine(tmp_path: Path) -> Iterator[sa.Engine]:
    engine = create_engine(f"sqlite:///{tmp_path}/test.db")
    migrate(engine)
    yield engine
    engine.dispose()


@pytest.fixture(params=WAYS)
def way(request: pytest.FixtureRequest) -> Way:
    way: Way = request.param
    return way


@contextlib.asynccontextmanager
async def client_of(
    server: OpenAIServer, engine: sa.Engine, way: Way, **options: Any
) -> AsyncIterator[AsyncHumanloop]:
    credentials = Credentials(openai_api_key="sk-test-key", openai_base_url=server.base_url)
    async with (
        running_gateway(engine, credentials, **options) as gateway,
        humanloop_client(gateway, way) as client,
    ):
        yield client


async def chunks_of(client: AsyncHumanloop, **call: Any) -> list[PromptCallStreamResponse]:
    arguments = {"path": "bot", "prompt": PROMPT, "messages": QUESTION} | call
    async with contextlib.aclosing(client.prompts.call_stream(**arguments)) as stream:  # type: ignore[type-var]
        return [chunk async for chunk in stream]


async def test_a_streamed_answer_arrives_whole_with_its_ending(engine: sa.Engine, way: Way) -> None:
    async with OpenAIServer([text("It is ", "sunny.")]) as server, client_of(server, engine, way) as client:
        chunks = await chunks_of(client)

    assert "".join(chunk.output or "" for chunk in chunks) == "It is sunny."
    assert chunks[-1].finish_reason == "stop"
    assert chunks[-1].prompt_tokens
    assert chunks[-1].output_tokens
    assert chunks[-1].provider_latency is not None
    assert len({(chunk.id, chunk.prompt_id, chunk.version_id) for chunk in chunks}) == 1


async def test_parallel_tool_calls_come_whole_in_the_last_chunk(engine: sa.Engine, way: Way) -> None:
    calls = [("get_current_weather", {"location": place}) for place in ("Boston", "London")]
    async with OpenAIServer([tool_calls(*calls)]) as server, client_of(server, engine, way) as client:
        chunks = await chunks_of(client)

    assert [chunk for chunk in chunks if chunk.output_message and chunk.output_message.tool_calls] == chunks[
        -1:
    ]
    message = chunks[-1].output_message
    assert message is not None
    assert [call.function.arguments for call in message.tool_calls or ()] == [
        '{"location": "Boston"}',
        '{"location": "London"}',
    ]
    assert chunks[-1].finish_reason == "tool_calls"


async def test_the_first_words_arrive_while_the_model_still_speaks(engine: sa.Engine, way: Way) -> None:
    rest = asyncio.Event()
    async with (
        OpenAIServer([text("First", " and last.", hold=rest)]) as server,
        client_of(server, engine, way) as client,
    ):
        stream = client.prompts.call_stream(path="bot", prompt=PROMPT, messages=QUESTION)  # type: ignore[arg-type]
        async with contextlib.aclosing(stream), asyncio.timeout(PATIENCE_S):  # type: ignore[type-var]
            first = await anext(stream)
            assert first.output == "First"
            rest.set()
            assert [chunk.output async for chunk in stream] == [" and last.", None]


async def test_a_call_without_streaming_answers_with_one_log(engine: sa.Engine, way: Way) -> None:
    async with OpenAIServer([text("Sunny.", usage=False)]) as server, client_of(server, engine, way) as client:
        response = await client.prompts.call(path="slack/bot", prompt=PROMPT, messages=QUESTION)  # type: ignore[arg-type]

    [log] = response.logs
    assert log.output == "Sunny."
    assert log.output_message is not None
    assert log.output_message.content == "Sunny."
    assert (log.prompt_tokens, log.output_tokens) == (None, None)
    assert (response.prompt.path, response.prompt.name, response.prompt.model) == (
        "slack/bot",
        "bot",
        "gpt-test",
    )
    assert response.id.startswith("log_")
    assert response.prompt.version_id.startswith("prv_")


async def test_the_text_of_a_prompt_file_is_a_prompt(engine: sa.Engine, way: Way) -> None:
    prompt = "---\nmodel: gpt-test\nprovider: openai\ntemperature: 0.3\n---\n<system>You are {{who}}.</system>"
    async with OpenAIServer([text("Yes.")]) as server, client_of(server, engine, way) as client:
        await client.prompts.call(path="bot", prompt=prompt, inputs={"who": "Ada"}, messages=QUESTION)  # type: ignore[arg-type]

    [request] = server.requests
    assert request["messages"] == [{"role": "system", "content": "You are Ada."}, *QUESTION]
    assert (request["model"], request["temperature"]) == ("gpt-test", 0.3)


async def test_line_separators_in_the_text_survive(engine: sa.Engine, way: Way) -> None:
    odd = "one\u2028two\u2029three\u0085four\r\nfive 🌦"
    async with OpenAIServer([text(odd)]) as server, client_of(server, engine, way) as client:
        chunks = await chunks_of(client)

    assert "".join(chunk.output or "" for chunk in chunks) == odd


@pytest.mark.parametrize(
    ("reply", "status", "code"),
    [
        (failure(401, "Incorrect API key provided: sk-test-key."), 401, "api_key_refused"),
        (failure(403, "Country not supported."), 403, "api_key_refused"),
        (failure(429, "You exceeded your current quota.", kind="insufficient_quota"), 429, "quota_exceeded"),
        (failure(400, "Too many tokens.", kind="context_length_exceeded"), 400, "context_too_long"),
        (failure(404, "The model does not exist.", kind="model_not_found"), 404, "model_not_found"),
        (failure(400, "Invalid value: 'x'."), 400, "request_refused"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
async def test_what_a_provider_refuses_is_told_by_a_code_and_not_repeated(
    engine: sa.Engine, way: Way, reply: Any, status: int, code: str
) -> None:
    async with OpenAIServer([reply]) as server, client_of(server, engine, way) as client:
        with pytest.raises(ApiError) as caught:
            await chunks_of(client)

    assert caught.value.status_code == status
    detail = caught.value.body["detail"]
    assert (detail["code"], detail["origin"], detail["type"]) == (code, "openai", "provider_error")
    assert "sk-test-key" not in detail["message"]
    assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("status", "code"), [(429, "rate_limited"), (500, "provider_failed"), (503, "provider_failed")]
)
async def test_a_passing_failure_is_repeated_until_the_attempts_are_used_up(
    engine: sa.Engine, way: Way, status: int, code: str
) -> None:
    async with (
        OpenAIServer(reply=lambda _: failure(status)) as server,
        client_of(server, engine, way) as client,
    ):
        with pytest.raises(ApiError) as caught:
            await chunks_of(client)

    assert (caught.value.status_code, caught.value.body["detail"]["code"]) == (status, code)
    assert len(server.requests) == 3


async def test_a_failure_that_passes_is_not_noticed(engine: sa.Engine, way: Way) -> None:
    async with (
        OpenAIServer([failure(500), cut(), text("At last.")]) as server,
        client_of(server, engine, way) as client,
    ):
        chunks = await chunks_of(client)

    assert "".join(chunk.output or "" for chunk in chunks) == "At last."


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (cut("Half an ans"), "stream_cut"),
        (failing_stream("Half an ans", kind="server_error", message="Overloaded."), "provider_failed"),
    ],
    ids=["cut", "error event"],
)
async def test_a_stream_that_breaks_off_ends_with_a_chunk_that_says_so(
    engine: sa.Engine, way: Way, reply: Any, code: str
) -> None:
    async with OpenAIServer([reply]) as server, client_of(server, engine, way) as client:
        chunks = await chunks_of(client)

    assert chunks[0].output == "Half an ans"
    assert chunks[-1].error
    assert chunks[-1].finish_reason is None
    assert chunks[-1].detail["code"] == code  # type: ignore[attr-defined]  # a key of ours beside Humanloop's


async def test_a_provider_that_is_not_there_is_told(engine: sa.Engine, way: Way) -> None:
    credentials = Credentials(openai_api_key="sk-test-key", openai_base_url=f"{unreachable()}/v1")
    async with running_gateway(engine, credentials) as gateway, humanloop_client(gateway, way) as client:
        with pytest.raises(ApiError) as caught:
            await chunks_of(client)

    assert (caught.value.status_code, caught.value.body["detail"]["code"]) == (502, "connection_failed")


@pytest.mark.parametrize(
    ("provider", "variable"), [("openai", "OPENAI_API_KEY"), ("anthropic", "ANTHROPIC_API_KEY")]
)
async def test_a_missing_key_names_its_variable(
    engine: sa.Engine, way: Way, provider: str, variable: str
) -> None:
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        with pytest.raises(ApiError) as caught:
            await chunks_of(client, prompt={"model": "any", "provider": provider})

    assert caught.value.status_code == 401
    assert caught.value.body["detail"]["code"] == "api_key_missing"
    assert variable in caught.value.body["detail"]["message"]


async def test_a_key_in_the_request_is_used_for_it_alone(engine: sa.Engine, way: Way) -> None:
    async with OpenAIServer([text("a"), text("b")]) as server, client_of(server, engine, way) as client:
        await chunks_of(client, provider_api_keys={"openai": "sk-of-the-request"})
        await chunks_of(client)

    keys = [headers["authorization"] for headers in server.headers]
    assert keys == ["Bearer sk-of-the-request", "Bearer sk-test-key"]


@pytest.mark.parametrize(
    ("call", "words"),
    [
        ({"prompt": {"model": "x", "provider": "cohere"}}, "cohere"),
        (
            {
                "prompt": {
                    "model": "x",
                    "provider": "mock",
                    "template": [{"role": "system", "content": "{{ who }}"}],
                }
            },
            "who",
        ),
        ({"prompt": "---\nmodel: x\n---\n<system>open"}, "line 4"),
    ],
    ids=["unknown provider", "missing input", "broken prompt file"],
)
async def test_a_prompt_that_can_not_be_used_says_why(
    engine: sa.Engine, way: Way, call: dict[str, Any], words: str
) -> None:
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        with pytest.raises(ApiError) as caught:
            await chunks_of(client, **call)

    assert caught.value.status_code == 400
    assert words in caught.value.body["detail"]["message"]


async def test_a_malformed_body_is_answered_in_humanloops_validation_shape(engine: sa.Engine, way: Way) -> None:
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        with pytest.raises(UnprocessableEntityError) as caught:
            await chunks_of(client, prompt={"provider": "mock"})

    [error] = caught.value.body.detail
    assert (error.loc, error.type) == (["body", "prompt", "model"], "missing")


async def test_closing_the_stream_ends_the_call_and_its_log_says_so(engine: sa.Engine, way: Way) -> None:
    never = asyncio.Event()
    async with (
        OpenAIServer([text("First", "never", hold=never)]) as server,
        client_of(server, engine, way) as client,
    ):
        stream = client.prompts.call_stream(path="bot", prompt=PROMPT, messages=QUESTION)  # type: ignore[arg-type]
        async with contextlib.aclosing(stream):  # type: ignore[type-var]
            first = await anext(stream)
        async with asyncio.timeout(PATIENCE_S):
            log: Any = await client.logs.get(first.id)
            while "error" not in log:  # over HTTP the server learns of it a moment later
                with contextlib.suppress(ApiError):
                    log = await client.logs.get(first.id)
        never.set()

    assert log["output"] == "First"
    assert "closed" in log["error"]
