"""Messages for later, and searches as somebody, as unmodified `slack_sdk` clients use them."""

from __future__ import annotations

from collections.abc import AsyncIterator

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from support.slack_app import Event, app_of, client_of, on_sockets, recorded
from support.slack_asker import Clock, acme

from bot.playground import Playground

HOUR = 3600
DAY = 24 * HOUR


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def playground(clock: Clock) -> AsyncIterator[Playground]:
    playground = acme(clock)
    async with playground.serve():
        yield playground


@pytest.fixture
def client(playground: Playground) -> AsyncWebClient:
    return client_of(playground)


def general(playground: Playground) -> str:
    return playground.workspace.channel("general").id


def said(playground: Playground, channel: str = "general") -> list[str]:
    return [message.text for message in playground.workspace.channel(channel).messages.values()]


async def test_a_scheduled_message_is_posted_when_its_time_comes(
    playground: Playground, client: AsyncWebClient, clock: Clock
) -> None:
    at = int(clock.now) + HOUR
    root = await playground.person("ada").say("#general", "root")
    answer = await client.chat_scheduleMessage(
        channel=general(playground), post_at=at, text="*later* &amp; more", thread_ts=root
    )
    assert answer["scheduled_message_id"].startswith("Q")
    assert (answer["channel"], answer["post_at"]) == (general(playground), at)
    assert answer["message"]["text"] == "*later* &amp; more"
    assert said(playground) == ["root"]
    clock.now = at + 1
    await playground.until(lambda: len(said(playground)) == 2)
    [_, message] = playground.thread("#general", root)
    assert (message["text"], message["user"]) == ("*later* &amp; more", playground.bot_user_id)
    assert float(message["ts"]) >= at
    assert (await client.chat_scheduledMessages_list())["scheduled_messages"] == []


async def test_messages_come_in_the_order_of_their_times(
    playground: Playground, client: AsyncWebClient, clock: Clock
) -> None:
    for after_s in (300, 100, 200):
        await client.chat_scheduleMessage(
            channel=general(playground), post_at=int(clock.now) + after_s, text=f"after {after_s}"
        )
    clock.now += 250
    await playground.until(lambda: len(said(playground)) == 2)
    clock.now += 100
    await playground.until(lambda: len(said(playground)) == 3)
    assert said(playground) == ["after 100", "after 200", "after 300"]


@pytest.mark.parametrize(
    ("after_s", "error"),
    [(0, "time_in_past"), (-HOUR, "time_in_past"), (120 * DAY + 1, "time_too_far"), (120 * DAY, None)],
)
async def test_the_time_is_ahead_and_at_most_120_days(
    playground: Playground, client: AsyncWebClient, clock: Clock, after_s: int, error: str | None
) -> None:
    post_at = int(clock.now) + after_s
    assert await outcome(client, channel=general(playground), post_at=post_at, text="x") == error


async def test_bad_schedules_are_refused(playground: Playground, client: AsyncWebClient, clock: Clock) -> None:
    later, room = int(clock.now) + HOUR, general(playground)
    random = playground.workspace.channel("random").id
    assert await outcome(client, channel=room, post_at="soon", text="x") == "invalid_time"
    assert await outcome(client, channel=room, post_at=later, text="") == "no_text"
    assert await outcome(client, channel="C1", post_at=later, text="x") == "channel_not_found"
    assert await outcome(client, channel=random, post_at=later, text="x") == "not_in_channel"
    playground.scopes.discard("chat:write")
    assert await outcome(client, channel=room, post_at=later, text="x") == "missing_scope"


async def test_a_channel_takes_thirty_messages_in_five_minutes(
    playground: Playground, client: AsyncWebClient, clock: Clock
) -> None:
    later, room = int(clock.now) + HOUR, general(playground)
    for number in range(30):
        assert await outcome(client, channel=room, post_at=later + number, text="x") is None
    assert await outcome(client, channel=room, post_at=later + 31, text="x") == "restricted_too_many"
    assert await outcome(client, channel=room, post_at=later + 900, text="x") is None


async def test_a_scheduled_message_with_metadata_is_never_posted(
    playground: Playground, client: AsyncWebClient, clock: Clock
) -> None:
    metadata = {"event_type": "mark", "event_payload": {"key": "1"}}
    room, soon = general(playground), int(clock.now) + 60
    await client.chat_scheduleMessage(channel=room, post_at=soon, text="lost", metadata=metadata)
    await client.chat_scheduleMessage(channel=room, post_at=soon + 1, text="there")
    clock.now += 120
    await playground.until(lambda: said(playground))
    assert said(playground) == ["there"]


async def test_what_waits_is_listed_by_channel_and_time_and_in_pages(
    playground: Playground, client: AsyncWebClient, clock: Clock
) -> None:
    now, room, ops = int(clock.now), general(playground), playground.workspace.channel("ops").id
    for after_s, channel in ((300, room), (100, room), (200, ops)):
        await client.chat_scheduleMessage(channel=channel, post_at=now + after_s, text=f"after {after_s}")

    async def texts(**arguments: object) -> list[str]:
        page = await client.chat_scheduledMessages_list(**arguments)  # type: ignore[arg-type]  # of each type
        return [entry["text"] for entry in page["scheduled_messages"]]

    assert await texts() == ["after 100", "after 200", "after 300"]
    assert await texts(channel=room) == ["after 100", "after 300"]
    assert await texts(oldest=str(now + 150), latest=str(now + 250)) == ["after 200"]
    first = await client.chat_scheduledMessages_list(limit=2)
    entry = first["scheduled_messages"][0]
    assert entry["id"].startswith("Q")
    assert (entry["channel_id"], entry["post_at"], entry["date_created"]) == (room, now + 100, now)
    assert await texts(limit=2, cursor=first["response_metadata"]["next_cursor"]) == ["after 300"]


async def test_a_message_is_taken_back_until_a_minute_before_its_time(
    playground: Playground, client: AsyncWebClient, clock: Clock
) -> None:
    room = general(playground)
    ids = [
        (await client.chat_scheduleMessage(channel=room, post_at=int(clock.now) + after_s, text="x"))[
            "scheduled_message_id"
        ]
        for after_s in (30, HOUR)
    ]
    await client.chat_deleteScheduledMessage(channel=room, scheduled_message_id=ids[1])
    waiting = (await client.chat_scheduledMessages_list())["scheduled_messages"]
    assert [entry["id"] for entry in waiting] == ids[:1]
    for wanted in (*ids, "Q1"):
        with pytest.raises(SlackApiError, match="invalid_scheduled_message_id"):
            await client.chat_deleteScheduledMessage(channel=room, scheduled_message_id=wanted)


async def test_an_events_action_token_lets_the_app_search_as_its_person(playground: Playground) -> None:
    await playground.person("grace").say("#lounge", "tea in the lounge")
    await playground.person("grace").say("#ops", "secret tea")
    app = app_of(playground)
    events = recorded(app)
    async with on_sockets(playground, app):
        for who in ("ada", "gina"):
            await playground.person(who).say("#general", "@threadloop where is something to drink?")
        await playground.until(lambda: len(events) == 4)
    assert {name: await found(playground, events, name) for name in ("ada", "gina")} == {
        "ada": ["tea in the lounge"],
        "gina": [],
    }


async def test_a_token_that_no_event_carried_is_refused(playground: Playground, client: AsyncWebClient) -> None:
    for token, error in (("", "missing_action_token"), ("1.2.t0", "invalid_action_token")):
        with pytest.raises(SlackApiError, match=error):
            await client.api_call("assistant.search.context", json={"query": "tea", "action_token": token})


async def found(playground: Playground, events: list[Event], who: str) -> list[str]:
    """What a search finds with the tokens of the events that `who` caused; the same with each."""
    user = playground.person(who).id
    tokens = {
        body["event"]["assistant_thread"]["action_token"] for body in events if body["event"]["user"] == user
    }
    [token] = tokens
    answer = await client_of(playground).api_call(
        "assistant.search.context", json={"query": "tea", "action_token": token}
    )
    return [message["content"] for message in answer["results"]["messages"]]


async def outcome(client: AsyncWebClient, **arguments: object) -> str | None:
    try:
        await client.api_call("chat.scheduleMessage", json=arguments)
    except SlackApiError as refused:
        return str(refused.response["error"])
    return None
