"""Events as they reach a real Bolt app, by Socket Mode and by HTTP."""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from typing import Any

import aiohttp
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from support.patience import PATIENCE_S
from support.slack_app import Event, app_of, client_of, on_http, on_sockets, recorded, unrestricted

from bot.http_server import serve
from bot.playground import Playground, Seed, Upload
from bot.playground.courier import NotDelivered


@pytest.fixture
def redelivery_s() -> float:
    """So long that a slow machine loses no test; tests of the limit itself set it lower."""
    return PATIENCE_S


@pytest.fixture
async def playground(redelivery_s: float) -> AsyncIterator[Playground]:
    playground = Playground(unrestricted(), redelivery_s=redelivery_s, retry_delays_s=(0,) * 3)
    async with playground.serve():
        yield playground


@pytest.fixture(params=["socket mode", "http"])
async def events(request: pytest.FixtureRequest, playground: Playground) -> AsyncIterator[list[Event]]:
    """The bodies that an app received, by either transport."""
    app = app_of(playground)
    bodies = recorded(app)
    connect = on_sockets if request.param == "socket mode" else on_http
    async with connect(playground, app):
        yield bodies


async def arrived(playground: Playground, events: list[Event], count: int) -> list[Event]:
    """The first `count` events, by type and in the order of their timestamps."""

    def complete() -> list[Event]:
        return events[:count] if len(events) >= count else []

    bodies = await playground.until(complete, what=f"{count} events")
    return sorted((body["event"] for body in bodies), key=lambda event: (event["event_ts"], event["type"]))


async def test_one_mention_yields_two_events(playground: Playground, events: list[Event]) -> None:
    ada = playground.person("ada")
    ts = await ada.say("#general", "Hi @threadloop, is 3 < 4? Ask in #random")
    mention, message = await arrived(playground, events, 2)
    assert (mention["type"], message["type"]) == ("app_mention", "message")
    assert (message["channel_type"], message["ts"], message["user"]) == ("channel", ts, ada.id)
    random = playground.workspace.channel("random").id
    text = f"Hi <@{playground.bot_user_id}>, is 3 &lt; 4? Ask in <#{random}|random>"
    assert mention["text"] == message["text"] == text
    assert len({body["event_id"] for body in events}) == 2
    body = events[0]
    assert (body["team_id"], body["type"]) == (playground.team_id, "event_callback")
    assert body["authorizations"][0]["user_id"] == playground.bot_user_id


async def test_a_direct_message_is_no_mention(playground: Playground, events: list[Event]) -> None:
    ada = playground.person("ada")
    channel = await ada.open_dm()
    await ada.say(channel, "Hi @threadloop")
    opened, message = await arrived(playground, events, 2)
    assert (opened["type"], opened["tab"]) == ("app_home_opened", "messages")
    assert (message["type"], message["channel_type"]) == ("message", "im")


async def test_group_direct_messages_and_private_channels_have_types_of_their_own(
    playground: Playground, events: list[Event]
) -> None:
    ada = playground.person("ada")
    await ada.say(await ada.open_group_dm("grace"), "one")
    await ada.say("#ops", "two")
    group, private = await arrived(playground, events, 2)
    assert (group["channel_type"], private["channel_type"]) == ("mpim", "group")


async def test_channels_without_the_bot_are_silent(playground: Playground, events: list[Event]) -> None:
    ada = playground.person("ada")
    await ada.say("#random", "Hi @threadloop")
    await ada.say("#general", "history", deliver=False)
    await ada.say("#general", "heard")
    (heard,) = await arrived(playground, events, 1)
    assert heard["text"] == "heard"


async def test_edits_deletions_and_reactions_are_told(playground: Playground, events: list[Event]) -> None:
    ada = playground.person("ada")
    ts = await ada.say("#general", "old")
    await ada.edit("#general", ts, "new")
    await ada.react("#general", ts, "eyes")
    await ada.delete("#general", ts)
    told = await arrived(playground, events, 4)
    assert [event.get("subtype", event["type"]) for event in told] == [
        "message",
        "message_changed",
        "reaction_added",
        "message_deleted",
    ]
    assert (told[1]["message"]["text"], told[1]["previous_message"]["text"]) == ("new", "old")
    assert told[3]["deleted_ts"] == ts


async def test_files_and_other_bots_are_recognisable(playground: Playground, events: list[Event]) -> None:
    bot = playground.bot("deploybot")
    await playground.person("ada").say("#general", "see", files=[Upload("a.txt", b"x")])
    await bot.say("#general", "deployed")
    await bot.say("#general", "classic", username="Deployer")
    shared, modern, classic = await arrived(playground, events, 3)
    assert (shared["subtype"], shared["files"][0]["name"]) == ("file_share", "a.txt")
    assert (modern["bot_id"], modern["user"], "subtype" in modern) == (bot.user.bot_id, bot.id, False)
    assert (classic["subtype"], classic["username"], "user" in classic) == ("bot_message", "Deployer", False)


async def test_the_stop_button_tells_which_streams_to_end(playground: Playground, events: list[Event]) -> None:
    ada, client = playground.person("ada"), client_of(playground)
    root = await ada.say("#general", "go", deliver=False)
    started = await client.chat_startStream(
        channel=playground.workspace.channel("general").id,
        thread_ts=root,
        recipient_team_id=playground.team_id,
        recipient_user_id=ada.id,
    )
    await ada.stop("#general", root)
    stopped = await playground.until(
        lambda: [body["event"] for body in events if body["event"]["type"] == "agent_session_stopped"]
    )
    assert stopped[0]["streaming_message_ts"] == [started["ts"]]
    assert (stopped[0]["thread_ts"], stopped[0]["user"]) == (root, ada.id)


async def test_a_redelivered_event_keeps_its_id(playground: Playground, events: list[Event]) -> None:
    await playground.person("ada").say("#general", "once")
    await arrived(playground, events, 1)
    await playground.redeliver()
    await playground.until(lambda: len(events) == 2)
    assert events[0]["event_id"] == events[1]["event_id"]


async def test_only_subscribed_events_are_sent() -> None:
    playground = Playground(Seed.default())
    async with playground.serve():
        app = app_of(playground)
        bodies = recorded(app)
        async with on_sockets(playground, app):
            ada = playground.person("ada")
            ts = await ada.say("#general", "first")
            await ada.react("#general", ts, "eyes")
            await ada.say("#general", "second")
            told = await arrived(playground, bodies, 2)
    assert [event["type"] for event in told] == ["message", "message"]


class Socket:
    """A bare Socket Mode connection, which acknowledges only when told to."""

    def __init__(self, websocket: aiohttp.ClientWebSocketResponse) -> None:
        self._websocket = websocket

    async def next(self) -> dict[str, Any]:
        frame: dict[str, Any] = await self._websocket.receive_json(timeout=PATIENCE_S)
        return frame

    async def acknowledge(self, envelope: dict[str, Any]) -> None:
        await self._websocket.send_json({"envelope_id": envelope["envelope_id"]})

    async def closed(self) -> bool:
        return (await self._websocket.receive(timeout=PATIENCE_S)).type is aiohttp.WSMsgType.CLOSE


@pytest.fixture
async def sockets(playground: Playground) -> AsyncIterator[list[Socket]]:
    """Two connections of one app, which have read their greetings."""
    client = client_of(playground, playground.app_token)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        opened = []
        for _ in range(2):
            url = (await client.apps_connections_open(app_token=playground.app_token))["url"]
            opened.append(Socket(await stack.enter_async_context(session.ws_connect(url))))
        greetings = [await each.next() for each in opened]
        assert [(each["type"], each["num_connections"]) for each in greetings] == [("hello", 1), ("hello", 2)]
        assert greetings[0]["connection_info"]["app_id"] == playground.workspace.app.id
        yield opened


async def test_an_envelope_has_what_an_app_needs_to_acknowledge_it(
    playground: Playground, sockets: list[Socket]
) -> None:
    await playground.person("ada").say("#general", "hello")
    envelope = await first_of(sockets)
    assert envelope["type"] == "events_api"
    assert (envelope["accepts_response_payload"], envelope["retry_attempt"], envelope["retry_reason"]) == (
        False,
        0,
        "",
    )
    assert envelope["payload"]["event"]["text"] == "hello"


async def test_envelopes_are_spread_over_connections(playground: Playground, sockets: list[Socket]) -> None:
    ada = playground.person("ada")
    for number in range(4):
        await ada.say("#general", str(number))
    heard = []
    for each in sockets:
        for _ in range(2):
            envelope = await each.next()
            await each.acknowledge(envelope)
            heard.append(envelope["payload"]["event"]["text"])
    assert sorted(heard) == ["0", "1", "2", "3"]


@pytest.mark.parametrize("redelivery_s", [0.05])
async def test_an_unacknowledged_envelope_comes_again_on_another_connection(
    playground: Playground, sockets: list[Socket]
) -> None:
    await playground.person("ada").say("#general", "hello")
    first, again = [(await each.next()) for each in sockets]
    if first["retry_attempt"]:
        first, again = again, first
    assert (again["retry_attempt"], again["retry_reason"]) == (1, "timeout")
    assert again["payload"]["event_id"] == first["payload"]["event_id"]
    assert again["envelope_id"] != first["envelope_id"]


async def test_an_acknowledged_envelope_does_not_come_again(
    playground: Playground, sockets: list[Socket]
) -> None:
    await playground.person("ada").say("#general", "hello")
    first, second = sockets
    envelope = await second.next()
    await second.acknowledge(envelope)
    await playground.person("ada").say("#general", "next")
    following = await first.next()
    assert (following["payload"]["event"]["text"], following["retry_attempt"]) == ("next", 0)


async def test_a_disconnect_says_why_and_closes(playground: Playground, sockets: list[Socket]) -> None:
    await playground.disconnect("warning")
    await playground.disconnect("refresh_requested")
    for each in sockets:
        assert [(await each.next())["reason"] for _ in range(2)] == ["warning", "refresh_requested"]
        assert await each.closed()


async def first_of(sockets: list[Socket]) -> dict[str, Any]:
    """The frame that comes first on any of the connections."""
    tasks = [asyncio.create_task(each.next()) for each in sockets]
    done, waiting = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in waiting:
        task.cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    return done.pop().result()


async def test_a_connection_url_is_good_once(playground: Playground) -> None:
    client = client_of(playground, playground.app_token)
    url = (await client.apps_connections_open(app_token=playground.app_token))["url"]
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as websocket:
        assert (await websocket.receive_json())["type"] == "hello"
        with pytest.raises(aiohttp.WSServerHandshakeError):
            await session.ws_connect(url)


async def test_the_eleventh_connection_is_turned_away(playground: Playground) -> None:
    client = client_of(playground, playground.app_token)
    async with AsyncExitStack() as stack:
        session = await stack.enter_async_context(aiohttp.ClientSession())
        frames = []
        for _ in range(11):
            url = (await client.apps_connections_open(app_token=playground.app_token))["url"]
            websocket = await stack.enter_async_context(session.ws_connect(url))
            frames.append(await websocket.receive_json())
    assert [frame["type"] for frame in frames] == ["hello"] * 10 + ["disconnect"]
    assert frames[-1]["reason"] == "too_many_websockets"


async def test_an_event_without_a_connection_is_lost(playground: Playground) -> None:
    await playground.person("ada").say("#general", "lost")
    app = app_of(playground)
    bodies = recorded(app)
    async with on_sockets(playground, app):
        await playground.person("ada").say("#general", "heard")
        (heard,) = await arrived(playground, bodies, 1)
    assert heard["text"] == "heard"


async def test_a_bolt_app_comes_back_after_a_disconnect(playground: Playground) -> None:
    app = app_of(playground)
    bodies = recorded(app)
    async with on_sockets(playground, app):
        await playground.disconnect()
        await playground.connected()
        await playground.person("ada").say("#general", "still there?")
        (heard,) = await arrived(playground, bodies, 1)
    assert heard["text"] == "still there?"


class Endpoint:
    """A request URL that keeps what it gets and answers as it is told."""

    def __init__(self) -> None:
        self.requests: list[tuple[dict[str, str], bytes]] = []
        self.answers: list[Response] = []

    async def take(self, request: Request) -> Response:
        body = await request.body()
        self.requests.append((dict(request.headers), body))
        if b"url_verification" in body:
            return PlainTextResponse(json.loads(body)["challenge"])
        return self.answers.pop(0) if self.answers else PlainTextResponse("")


@pytest.fixture
async def endpoint(playground: Playground) -> AsyncIterator[Endpoint]:
    endpoint = Endpoint()
    async with serve(Starlette(routes=[Route("/events", endpoint.take, methods=["POST"])])) as url:
        playground.use_request_url(f"{url}/events")
        assert await playground.verify_request_url(f"{url}/events")
        endpoint.requests.clear()
        yield endpoint


async def test_a_posted_event_is_signed(playground: Playground, endpoint: Endpoint) -> None:
    await playground.person("ada").say("#general", "hello")
    await playground.until(lambda: len(endpoint.requests) == 1)
    headers, body = endpoint.requests[0]
    base = b"v0:" + headers["x-slack-request-timestamp"].encode() + b":" + body
    signature = "v0=" + hmac.new(playground.signing_secret.encode(), base, hashlib.sha256).hexdigest()
    assert headers["x-slack-signature"] == signature
    assert "x-slack-retry-num" not in headers


async def test_a_failing_request_url_gets_three_retries(playground: Playground, endpoint: Endpoint) -> None:
    endpoint.answers = [PlainTextResponse("", 500)] * 4
    await playground.person("ada").say("#general", "hello")
    await playground.until(lambda: len(endpoint.requests) == 4 and not playground.in_flight)
    told = [(h.get("x-slack-retry-num"), h.get("x-slack-retry-reason")) for h, _ in endpoint.requests]
    assert told == [(None, None), *[(str(number), "http_error") for number in (1, 2, 3)]]
    assert len({json.loads(body)["event_id"] for _, body in endpoint.requests}) == 1


async def test_a_request_url_can_ask_for_no_retry(playground: Playground, endpoint: Endpoint) -> None:
    endpoint.answers = [PlainTextResponse("", 500, headers={"X-Slack-No-Retry": "1"})]
    await playground.person("ada").say("#general", "hello")
    await playground.until(lambda: len(endpoint.requests) == 1 and not playground.in_flight)
    assert len(endpoint.requests) == 1


async def test_a_request_url_that_is_away_fails_to_connect(playground: Playground) -> None:
    playground.use_request_url("http://127.0.0.1:9/slack/events")
    assert not await playground.verify_request_url("http://127.0.0.1:9/slack/events")
    await playground.person("ada").say("#general", "hello")
    await playground.until(lambda: not playground.in_flight)
    with pytest.raises(NotDelivered, match="connection_failed"):
        await playground.redeliver()


async def test_bolt_refuses_a_request_signed_with_another_secret(playground: Playground) -> None:
    app = app_of(playground)
    async with on_http(playground, app) as url:
        assert await playground.verify_request_url(url)
        other = Playground(Seed.parse("team: {domain: other}\nusers: [{handle: eve, name: Eve}]", name="other"))
        async with other.serve():
            assert not await other.verify_request_url(url)
