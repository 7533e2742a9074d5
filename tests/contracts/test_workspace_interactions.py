"""Slash commands, buttons, modals and `response_url`s, with a real Bolt app on either transport."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from support.clock import Time
from support.patience import PATIENCE_S
from support.slack_app import Event, app_of, client_of, on_http, on_sockets

from bot.playground import Playground, Seed


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def redelivery_s() -> float:
    """So long that a slow machine loses no test; tests of the limit itself set it lower."""
    return PATIENCE_S


@pytest.fixture
async def playground(time: Time, redelivery_s: float) -> AsyncIterator[Playground]:
    playground = Playground(Seed.default(), redelivery_s=redelivery_s, clock=time)
    async with playground.serve():
        yield playground


@pytest.fixture
def app(playground: Playground) -> AsyncApp:
    """Bolt checks that a signature is recent, by the real clock; the clock of the tests stands still."""
    return AsyncApp(
        client=client_of(playground),
        signing_secret=playground.signing_secret,
        request_verification_enabled=False,
    )


@pytest.fixture(params=["socket mode", "http"])
async def connected(
    request: pytest.FixtureRequest, playground: Playground, app: AsyncApp
) -> AsyncIterator[None]:
    connect = on_sockets if request.param == "socket mode" else on_http
    async with connect(playground, app):
        yield


def button(action_id: str, **more: Any) -> list[dict[str, Any]]:
    element = {"type": "button", "action_id": action_id, "text": {"type": "plain_text", "text": "Go"}, **more}
    return [{"type": "actions", "elements": [element]}]


def modal(title: str = "Ask") -> dict[str, Any]:
    field = {"type": "plain_text_input", "action_id": "text"}
    label = {"type": "plain_text", "text": "Question"}
    blocks = [{"type": "input", "block_id": "question", "label": label, "element": field}]
    return {
        "type": "modal",
        "callback_id": "ask",
        "title": {"type": "plain_text", "text": title},
        "submit": {"type": "plain_text", "text": "Send"},
        "blocks": blocks,
    }


@pytest.mark.usefixtures("connected")
async def test_a_command_brings_who_where_and_what(playground: Playground, app: AsyncApp) -> None:
    bodies: list[Event] = []

    async def ask(ack: AsyncAck, body: Event) -> None:
        await ack()
        bodies.append(body)

    app.command("/ask")(ask)
    ada = playground.person("ada")
    assert await ada.command("/ask", "is 3 < 4?", channel="#general")
    (body,) = await playground.until(lambda: bodies)
    assert (body["command"], body["text"]) == ("/ask", "is 3 &lt; 4?")
    assert (body["user_id"], body["user_name"], body["channel_name"]) == (ada.id, "ada", "general")
    assert (body["team_id"], body["team_domain"]) == (playground.team_id, "acme")
    assert body["response_url"].startswith(f"{playground.workspace.url}/commands/")
    assert ada.ephemerals("#general") == []


@pytest.mark.usefixtures("connected")
async def test_an_acknowledgement_with_text_is_seen_by_the_asker_only(
    playground: Playground, app: AsyncApp
) -> None:
    async def ask(ack: AsyncAck) -> None:
        await ack("On it")

    app.command("/ask")(ask)
    ada, grace = playground.person("ada"), playground.person("grace")
    await ada.command("/ask", channel="#general")
    assert [shown["text"] for shown in ada.ephemerals("#general")] == ["On it"]
    assert grace.ephemerals("#general") == []


@pytest.mark.parametrize("redelivery_s", [0.05])
@pytest.mark.usefixtures("connected")
async def test_a_command_that_is_not_acknowledged_fails_as_in_slack(
    playground: Playground, app: AsyncApp
) -> None:
    async def ask() -> None:
        """Never acknowledges."""

    app.command("/ask")(ask)
    ada = playground.person("ada")
    assert not await ada.command("/ask", channel="#general")
    (shown,) = ada.ephemerals("#general")
    assert shown["text"].startswith("/ask failed with the error")
    assert shown["user"] == "USLACKBOT"


async def test_a_command_without_an_app_is_not_dispatched(playground: Playground) -> None:
    ada = playground.person("ada")
    assert not await ada.command("/ask", channel="#general")
    assert ada.ephemerals("#general")[0]["text"] == '/ask failed with the error "dispatch_failed"'


@pytest.mark.usefixtures("connected")
async def test_an_answer_is_shared_by_the_button_under_it(playground: Playground, app: AsyncApp) -> None:
    async def ask(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond(text="It is 3 °C", blocks=button("share", value="42"))

    async def share(ack: AsyncAck, respond: AsyncRespond, action: dict[str, Any]) -> None:
        await ack()
        await respond(text=f"It is 3 °C ({action['value']})", response_type="in_channel")
        await respond(delete_original=True)

    app.command("/ask")(ask)
    app.action("share")(share)
    ada = playground.person("ada")
    await ada.command("/ask", channel="#general")
    (shown,) = await playground.until(lambda: ada.ephemerals("#general"))
    assert await ada.press("#general", shown["ts"], "share")
    await playground.until(lambda: not ada.ephemerals("#general"))
    newest = playground.workspace.channel("general").top_level()[-1]
    assert (newest.text, newest.user) == ("It is 3 °C (42)", playground.bot_user_id)
    assert [call.outcome for call in playground.calls if call.method == "response_url"] == ["ok"] * 3


@pytest.mark.usefixtures("connected")
async def test_a_pressed_button_tells_the_message_and_may_replace_it(
    playground: Playground, app: AsyncApp
) -> None:
    bodies: list[Event] = []

    async def go(ack: AsyncAck, respond: AsyncRespond, body: Event) -> None:
        await ack()
        bodies.append(body)
        await respond(text="gone", replace_original=True)

    app.action("go")(go)
    channel = playground.workspace.channel("general").id
    posted = await client_of(playground).chat_postMessage(channel=channel, text="press", blocks=button("go"))
    ada, ts = playground.person("ada"), str(posted["ts"])
    await ada.press("#general", ts, "go")
    await playground.until(lambda: playground.thread("#general", ts)[0]["text"] == "gone")
    (body,) = bodies
    assert body["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": channel,
        "is_ephemeral": False,
    }
    assert (body["message"]["ts"], body["user"]["id"], body["type"]) == (ts, ada.id, "block_actions")
    assert body["actions"][0]["block_id"] == posted["message"]["blocks"][0]["block_id"]


async def test_a_button_that_is_not_there_is_an_error_that_names_those_that_are(playground: Playground) -> None:
    posted = await client_of(playground).chat_postMessage(channel="#general", text="x", blocks=button("go"))
    with pytest.raises(LookupError, match=r"no element 'stop'.*: go$"):
        await playground.person("ada").press("#general", str(posted["ts"]), "stop")


@pytest.mark.usefixtures("connected")
async def test_a_modal_is_opened_answered_with_errors_and_submitted(
    playground: Playground, app: AsyncApp
) -> None:
    opened: asyncio.Queue[str] = asyncio.Queue()

    async def go(ack: AsyncAck, client: AsyncWebClient, body: Event) -> None:
        await ack()
        view = (await client.views_open(trigger_id=body["trigger_id"], view=modal()))["view"]
        with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
            await client.views_open(trigger_id=body["trigger_id"], view=modal())
        await opened.put(view["id"])

    async def submitted(ack: AsyncAck, view: dict[str, Any]) -> None:
        value = view["state"]["values"]["question"]["text"]["value"]
        if value:
            await ack()
        else:
            await ack(response_action="errors", errors={"question": "Ask something."})

    app.action("go")(go)
    app.view("ask")(submitted)
    posted = await client_of(playground).chat_postMessage(channel="#general", text="x", blocks=button("go"))
    ada = playground.person("ada")
    await ada.press("#general", str(posted["ts"]), "go")
    async with asyncio.timeout(PATIENCE_S):
        view_id = await opened.get()

    def values(text: str) -> dict[str, Any]:
        return {"question": {"text": {"type": "plain_text_input", "value": text}}}

    assert await ada.submit(view_id, values("")) == {"question": "Ask something."}
    assert view_id in playground.workspace.views
    assert await ada.submit(view_id, values("Why?")) is None
    assert view_id not in playground.workspace.views


FEEDBACK = {
    "type": "context_actions",
    "elements": [
        {
            "type": "feedback_buttons",
            "action_id": "feedback",
            "positive_button": {"text": {"type": "plain_text", "text": "Good"}, "value": "good"},
            "negative_button": {"text": {"type": "plain_text", "text": "Bad"}, "value": "bad"},
        }
    ],
}


@pytest.mark.usefixtures("connected")
async def test_feedback_under_a_streamed_answer_opens_a_modal_that_remembers_which(
    playground: Playground, app: AsyncApp
) -> None:
    views: asyncio.Queue[dict[str, Any]] = asyncio.Queue()

    async def rated(ack: AsyncAck, client: AsyncWebClient, body: Event, action: dict[str, Any]) -> None:
        await ack()
        assert (action["type"], action["value"]) == ("feedback_buttons", "bad")
        view = {**modal("Why?"), "private_metadata": body["message"]["ts"]}
        await views.put((await client.views_open(trigger_id=body["trigger_id"], view=view))["view"])

    async def submitted(ack: AsyncAck, view: dict[str, Any]) -> None:
        await ack()
        await views.put(view)

    app.action("feedback")(rated)
    app.view("ask")(submitted)
    client, ada = client_of(playground), playground.person("ada")
    dm = await ada.open_dm()
    root = await ada.say(dm, "go", deliver=False)
    ts = str((await client.chat_startStream(channel=dm, thread_ts=root, markdown_text="Sunny."))["ts"])
    await client.chat_stopStream(channel=dm, ts=ts, blocks=[FEEDBACK])
    assert await ada.press(dm, ts, "feedback", value="bad")
    reason = {"question": {"text": {"type": "plain_text_input", "value": "It rained"}}}
    async with asyncio.timeout(PATIENCE_S):
        assert await ada.submit((await views.get())["id"], reason) is None
        view = await views.get()
    assert (view["private_metadata"], view["state"]["values"]) == (ts, reason)


async def test_feedback_is_one_of_the_two_values(playground: Playground) -> None:
    posted = await client_of(playground).chat_postMessage(channel="#general", text="x", blocks=[FEEDBACK])
    with pytest.raises(LookupError, match="value='good' or value='bad'"):
        await playground.person("ada").press("#general", str(posted["ts"]), "feedback")


async def test_a_trigger_is_stale_after_three_seconds(
    playground: Playground, app: AsyncApp, time: Time
) -> None:
    triggers: list[str] = []

    async def ask(ack: AsyncAck, body: Event) -> None:
        await ack()
        triggers.append(body["trigger_id"])

    app.command("/ask")(ask)
    async with on_sockets(playground, app):
        await playground.person("ada").command("/ask", channel="#general")
        await playground.until(lambda: triggers)
    time.now += 3.1
    with pytest.raises(SlackApiError, match="expired_trigger_id"):
        await client_of(playground).views_open(trigger_id=triggers[0], view=modal())


async def test_app_home_is_published_and_guarded_by_its_hash(playground: Playground) -> None:
    ada, client = playground.person("ada"), client_of(playground)
    home: dict[str, Any] = {"type": "home", "blocks": [{"type": "divider"}]}
    assert await ada.open_home() is None
    published = (await client.views_publish(user_id=ada.id, view=home))["view"]
    again = (await client.views_publish(user_id=ada.id, view=home, hash=published["hash"]))["view"]
    assert again["id"] == published["id"]
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await client.views_publish(user_id=ada.id, view=home, hash=published["hash"])
    shown = await ada.open_home()
    assert shown is not None
    assert shown["hash"] == again["hash"]


@pytest.fixture
async def response_url(playground: Playground) -> AsyncIterator[str]:
    """A fresh `response_url` of a command."""
    app, urls = app_of(playground), list[str]()

    async def ask(ack: AsyncAck, body: Event) -> None:
        await ack()
        urls.append(body["response_url"])

    app.command("/ask")(ask)
    async with on_sockets(playground, app):
        await playground.person("ada").command("/ask", channel="#general")
        yield (await playground.until(lambda: urls))[0]


async def posted(url: str, **body: Any) -> tuple[int, str]:
    async with aiohttp.ClientSession() as session, session.post(url, json=body) as answer:
        text = await answer.text()
        return answer.status, text if answer.content_type == "text/plain" else (await answer.json())["error"]


async def test_a_response_url_takes_five_answers(response_url: str) -> None:
    assert [await posted(response_url, text="x") for _ in range(5)] == [(200, "ok")] * 5
    assert await posted(response_url, text="x") == (404, "used_url")


async def test_a_response_url_expires_after_half_an_hour(response_url: str, time: Time) -> None:
    time.now += 1801
    assert await posted(response_url, text="x") == (404, "expired_url")


async def test_a_response_url_refuses_an_empty_answer_and_a_made_up_secret(response_url: str) -> None:
    assert await posted(response_url) == (400, "no_text")
    assert await posted(response_url + "x", text="x") == (404, "invalid_url")


async def test_an_ephemeral_message_of_the_app_is_seen_by_one_person(playground: Playground) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    channel = playground.workspace.channel("general").id
    await client_of(playground).chat_postEphemeral(channel=channel, user=ada.id, text="only you")
    assert [shown["text"] for shown in ada.ephemerals("#general")] == ["only you"]
    assert grace.ephemerals("#general") == []
    assert all(message.text != "only you" for message in playground.workspace.channel("general").top_level())
