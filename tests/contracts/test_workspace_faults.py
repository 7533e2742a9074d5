"""Faults on demand, as `slack_sdk` meets them, and what a test can wait for."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.http_retry.builtin_async_handlers import AsyncRateLimitErrorRetryHandler
from slack_sdk.web.async_client import AsyncWebClient
from support.slack_app import client_of

from bot.errors import PortTaken
from bot.playground import Playground, Seed


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    playground = Playground(Seed.default())
    async with playground.serve():
        yield playground


async def post(playground: Playground) -> Any:
    return await client_of(playground).chat_postMessage(channel="#general", text="x")


def texts(playground: Playground) -> list[str]:
    return [message.text for message in playground.workspace.channel("general").top_level()]


async def test_a_named_error_comes_as_often_as_asked(playground: Playground) -> None:
    playground.faults.next("chat.postMessage", times=2, error="not_in_channel")
    for _ in range(2):
        with pytest.raises(SlackApiError, match="not_in_channel"):
            await post(playground)
    await post(playground)
    assert [call.outcome for call in playground.calls] == ["not_in_channel", "not_in_channel", "ok"]


async def test_a_status_comes_without_json(playground: Playground) -> None:
    playground.faults.next("chat.postMessage", status=500)
    with pytest.raises(SlackApiError) as failed:
        await post(playground)
    assert failed.value.response.status_code == 500


async def test_a_rate_limit_is_honoured_by_the_sdks_handler(playground: Playground) -> None:
    playground.faults.next("chat.postMessage", rate_limited_s=0)
    client = AsyncWebClient(
        playground.bot_token,
        base_url=playground.api_url,
        retry_handlers=[AsyncRateLimitErrorRetryHandler(max_retry_count=1)],
    )
    await client.chat_postMessage(channel="#general", text="x")
    assert [call.outcome for call in playground.calls] == ["rate_limited", "ok"]


async def test_a_reset_leaves_the_call_undone(playground: Playground) -> None:
    playground.faults.next("chat.postMessage", reset=True)
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(playground)
    assert "x" not in texts(playground)
    assert playground.calls[-1].outcome == "reset"


async def test_a_lost_response_leaves_the_call_done(playground: Playground) -> None:
    playground.faults.next("chat.postMessage", lose_response=True)
    with pytest.raises(aiohttp.ClientConnectionError):
        await post(playground)
    assert texts(playground)[-1] == "x"
    assert playground.calls[-1].outcome == "lost"


async def test_faults_of_one_method_leave_others_alone_and_can_be_cleared(playground: Playground) -> None:
    playground.faults.next("chat.update", error="fatal_error")
    await post(playground)
    playground.faults.clear()
    ts = (await post(playground))["ts"]
    await client_of(playground).chat_update(channel="#general", ts=ts, text="y")


def test_a_fault_is_exactly_one_thing() -> None:
    playground = Playground(Seed.default())
    with pytest.raises(ValueError, match="exactly one"):
        playground.faults.next("chat.postMessage", status=500, reset=True)


async def test_waiting_in_vain_names_the_last_calls(playground: Playground) -> None:
    await post(playground)
    with pytest.raises(TimeoutError, match=r"an answer did not come within 0 s; .*chat.postMessage → ok"):
        await playground.until(lambda: False, timeout=0, what="an answer")


async def test_changes_are_told_in_order(playground: Playground) -> None:
    changes = playground.changes()
    ada = playground.person("ada")
    ts = await ada.say("#general", "one")
    await ada.edit("#general", ts, "two")
    await ada.delete("#general", ts)
    told = [await anext(changes) for _ in range(3)]
    assert [(change.kind, change.message.text) for change in told if change.message] == [
        ("posted", "one"),
        ("changed", "two"),
        ("deleted", "two"),
    ]


async def test_calls_are_kept_without_the_token(playground: Playground) -> None:
    await post(playground)
    assert playground.calls[0].arguments == {"channel": "#general", "text": "x"}


async def test_a_taken_port_is_an_error(playground: Playground) -> None:
    port = int(playground.workspace.url.rsplit(":", 1)[1])
    with pytest.raises(PortTaken, match="PORT"):
        async with Playground(Seed.default()).serve(port=port):
            pass
