"""The logging endpoints as the real SDK sees them: the same tests in process and over HTTP."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from humanloop import AsyncHumanloop
from humanloop.core.api_error import ApiError
from support.gateways import WAYS, Way, humanloop_client, running_gateway

from bot.storage.database import create_engine
from bot.storage.migrations import migrate

PROMPT: Any = {"model": "offline", "provider": "mock"}
IMAGE = "data:image/png;base64," + "A" * 400


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


async def stored(client: AsyncHumanloop, log_id: str) -> dict[str, Any]:
    log: Any = await client.logs.get(log_id)  # the SDK leaves this one a dict
    assert isinstance(log, dict)
    return log


async def ask(client: AsyncHumanloop, **call: Any) -> str:
    messages: Any = [{"role": "user", "content": "Ann: hello"}]
    response = await client.prompts.call(**({"path": "bot", "prompt": PROMPT, "messages": messages} | call))
    return response.id


async def test_a_question_is_a_flow_with_its_calls_as_children(engine: sa.Engine, way: Way) -> None:
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        flow = await client.flows.log(
            path="questions", flow={"attributes": {}}, log_status="incomplete", user="U1"
        )
        call = await ask(client, trace_parent_id=flow.id)
        tool = await client.tools.log(
            path="tools/calculate", inputs={"expression": "1+1"}, output="2", trace_parent_id=flow.id
        )
        updated = await client.flows.update_log(flow.id, output="The end.", log_status="complete")
        log = await stored(client, flow.id)

    assert flow.log_status == "incomplete"
    assert (updated.id, updated.log_status, updated.output) == (flow.id, "complete", "The end.")
    assert updated.flow.path == "questions"
    assert (log["output"], log["log_status"], log["user"], log["trace_id"]) == (
        "The end.",
        "complete",
        "U1",
        flow.id,
    )
    assert [child["id"] for child in log["trace_children"]] == [call, tool.id]
    assert {child["trace_id"] for child in log["trace_children"]} == {flow.id}
    assert log["trace_children"][1]["inputs"] == {"expression": "1+1"}


async def test_a_log_deeper_down_belongs_to_the_same_trace(engine: sa.Engine, way: Way) -> None:
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        flow = await client.flows.log(path="questions", flow={"attributes": {}})
        call = await ask(client, trace_parent_id=flow.id)
        tool = await client.tools.log(path="tools/x", output="2", trace_parent_id=call)
        log = await stored(client, tool.id)

    assert (log["trace_parent_id"], log["trace_id"]) == (call, flow.id)


async def test_a_flow_is_taken_up_again_after_a_restart(engine: sa.Engine, way: Way) -> None:
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        await client.flows.log(path="questions", flow={"attributes": {}}, log_id="log_mine", inputs={"n": "1"})
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        await client.flows.log(path="questions", flow={"attributes": {}}, log_id="log_mine", inputs={"n": "2"})
        await client.flows.update_log("log_mine", output="Done.", log_status="complete")
        log = await stored(client, "log_mine")

    assert (log["inputs"], log["output"], log["log_status"]) == ({"n": "2"}, "Done.", "complete")


async def test_a_flow_from_before_a_restart_can_be_completed(engine: sa.Engine, way: Way) -> None:
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        flow = await client.flows.log(path="questions", flow={"attributes": {}})
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        updated = await client.flows.update_log(flow.id, log_status="complete")

    assert (updated.id, updated.log_status) == (flow.id, "complete")


async def test_a_rating_is_kept_with_the_log_it_judges(engine: sa.Engine, way: Way) -> None:
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        call = await ask(client)
        rating = await client.evaluators.log(parent_id=call, path="rating", judgment="good", user="U7")
        log = await stored(client, call)

    assert (rating.parent_id, rating.version_id[:4]) == (call, "evv_")
    [judgment] = log["evaluator_logs"]
    assert (judgment["id"], judgment["judgment"], judgment["user"]) == (rating.id, "good", "U7")


async def test_the_same_prompt_is_the_same_version_and_another_tool_is_a_new_one(
    engine: sa.Engine, way: Way
) -> None:
    changed: Any = {**PROMPT, "tools": [{"name": "calculate", "description": "Sums", "parameters": {}}]}
    reordered: Any = dict(reversed(PROMPT.items()))
    as_text: Any = "---\nmodel: offline\nprovider: mock\n---\n"
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        responses = [
            await client.prompts.call(path="bot", prompt=prompt, messages=[])
            for prompt in (PROMPT, reordered, as_text, changed)
        ]

    versions = [response.prompt.version_id for response in responses]
    assert versions[0] == versions[1] == versions[2] != versions[3]
    assert len({response.prompt.id for response in responses}) == 1


async def test_logs_of_a_file_are_listed_newest_first_and_end(engine: sa.Engine, way: Way) -> None:
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        ids = [(await client.tools.log(path="tools/x", output=str(n))) for n in range(3)]
        pager = await client.logs.list(file_id=ids[0].tool_id, page=1, size=2)
        listed = [log async for log in pager]

    assert [log.id for log in listed] == [log.id for log in reversed(ids)]


async def test_keys_and_image_data_are_never_stored(engine: sa.Engine, way: Way) -> None:
    parts: Any = [{"type": "text", "text": "Ann: this?"}, {"type": "image_url", "image_url": {"url": IMAGE}}]
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        call = await ask(
            client,
            messages=[{"role": "user", "content": parts}],
            provider_api_keys={"openai": "sk-not-to-be-kept"},
        )
        log = str(await stored(client, call))

    assert "image/png, about 300 bytes, not stored" in log
    assert "AAAA" not in log
    assert "sk-not-to-be-kept" not in log


async def test_without_save_the_payload_is_not_stored(engine: sa.Engine, way: Way) -> None:
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        log = await stored(client, await ask(client, save=False))

    assert log["finish_reason"] == "stop"
    assert not {"messages", "output", "output_message"} & log.keys()


async def test_an_unknown_log_is_not_found(engine: sa.Engine, way: Way) -> None:
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        for request in (client.logs.get("log_none"), client.flows.update_log("log_none", output="x")):
            with pytest.raises(ApiError) as caught:
                await request
            assert (caught.value.status_code, caught.value.body["detail"]["code"]) == (404, "not_found")


async def test_an_endpoint_that_is_not_there_names_those_that_are(engine: sa.Engine, way: Way) -> None:
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        with pytest.raises(ApiError) as caught:
            await client.datasets.list_versions("ds_1")

    assert caught.value.status_code == 404
    assert "GET /v5/datasets/ds_1/versions" in caught.value.body["detail"]["message"]
    assert "POST /v5/prompts/call" in caught.value.body["detail"]["message"]


async def test_the_gateways_key_is_asked_for_where_there_is_one(engine: sa.Engine, way: Way) -> None:
    async with running_gateway(engine, api_key="right") as gateway:
        async with humanloop_client(gateway, way, api_key="wrong") as client:
            with pytest.raises(ApiError) as caught:
                await ask(client)
        async with humanloop_client(gateway, way, api_key="right") as client:
            assert await ask(client)

    assert (caught.value.status_code, caught.value.body["detail"]["code"]) == (401, "gateway_key_refused")


async def test_a_log_that_can_not_be_written_costs_no_answer(
    engine: sa.Engine, way: Way, caplog: pytest.LogCaptureFixture
) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql("DROP TABLE gateway_logs")
    async with running_gateway(engine) as gateway, humanloop_client(gateway, way) as client:
        flow = await client.flows.log(path="questions", flow={"attributes": {}})
        assert await ask(client, trace_parent_id=flow.id)
        await client.flows.update_log(flow.id, log_status="complete")
        await gateway.flush()

    assert "not written" in caplog.text
