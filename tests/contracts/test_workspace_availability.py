"""A workspace that does not offer everything, and one that enforces its rate limits."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from support.slack_app import client_of, unrestricted

from bot.playground import Playground


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    playground = Playground(unrestricted())
    async with playground.serve():
        yield playground


async def error_of(client: AsyncWebClient, method: str, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        await client.api_call(method, json=arguments)
    return str(refused.value.response["error"])


async def test_a_method_that_a_workspace_lacks_is_unknown(playground: Playground) -> None:
    playground.without("agents.sessions.*")
    client = client_of(playground)
    assert await error_of(client, "agents.sessions.setStatus", status="active") == "unknown_method"
    assert await error_of(client, "agents.sessions.rename", title="x") == "unknown_method"
    await client.auth_test()


async def test_streaming_that_is_not_switched_on_has_an_error_of_its_own(playground: Playground) -> None:
    playground.without("chat.*Stream", error="feature_not_enabled")
    client = client_of(playground)
    for _ in range(2):
        assert await error_of(client, "chat.startStream", channel="#general") == "feature_not_enabled"


async def test_a_method_can_be_missing_in_channels_only(playground: Playground) -> None:
    playground.without("assistant.threads.setStatus", error="channel_type_not_supported", in_channels_only=True)
    ada, client = playground.person("ada"), client_of(playground)
    channel, dm = playground.workspace.channel("general").id, await ada.open_dm()
    arguments = {"thread_ts": await ada.say(channel, "x"), "status": "is thinking"}
    refused = await error_of(client, "assistant.threads.setStatus", channel_id=channel, **arguments)
    assert refused == "channel_type_not_supported"
    root = await ada.say(dm, "x")
    await client.assistant_threads_setStatus(channel_id=dm, thread_ts=root, status="is thinking")


def test_to_be_without_a_method_that_never_was_is_a_mistake() -> None:
    with pytest.raises(LookupError, match=r"'chat\.startStreams'"):
        Playground(unrestricted()).without("chat.startStreams")


# How many calls a minute are answered: https://docs.slack.dev/apis/web-api/rate-limits and each method's page.
@pytest.mark.parametrize(
    ("method", "calls"),
    [
        ("chat.startStream", 20),
        ("chat.stopStream", 20),
        ("chat.appendStream", 100),
        ("chat.update", 50),
        ("conversations.replies", 50),
        ("reactions.add", 50),
        ("agents.sessions.setStatus", 50),
        ("assistant.threads.setStatus", 600),
        ("users.info", 100),
        ("views.publish", 100),
    ],
)
async def test_a_methods_tier_is_enforced_for_all_channels_together(method: str, calls: int) -> None:
    playground = Playground(unrestricted(), enforce_rates=True, clock=lambda: 1_700_000_000.0)
    async with playground.serve():
        client = client_of(playground)
        outcomes = [await error_of(client, method, channel=f"C{number}") for number in range(calls + 1)]
    assert outcomes.index("ratelimited") == calls
    assert playground.rate_limited_share == pytest.approx(1 / (calls + 1))


async def test_posts_are_limited_to_one_a_second_in_each_channel_after_a_short_burst() -> None:
    now = [1_700_000_000.0]
    playground = Playground(unrestricted(), enforce_rates=True, clock=lambda: now[0])
    async with playground.serve():
        client = client_of(playground)
        for _ in range(5):
            await client.chat_postMessage(channel="#general", text="x")
        with pytest.raises(SlackApiError) as refused:
            await client.chat_postMessage(channel="#general", text="x")
        await client.chat_postMessage(channel="#ops", text="x")
        now[0] += int(refused.value.response.headers["Retry-After"])
        await client.chat_postMessage(channel="#general", text="x")


def test_nobody_was_limited_before_anybody_called() -> None:
    assert Playground(unrestricted()).rate_limited_share == 0
