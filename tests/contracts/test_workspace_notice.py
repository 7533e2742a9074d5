"""What people and Slack itself would notice: pings, previews, and what a click can open."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_bolt.async_app import AsyncAck, AsyncRespond
from slack_sdk.web.async_client import AsyncWebClient
from support.patience import patient_workspace
from support.slack_app import app_of, client_of, on_sockets, unrestricted

from bot.playground import Playground, clickable

LINK = "https://example.com/a"
QUIET: dict[str, Any] = {"unfurl_links": False, "unfurl_media": False}


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    playground = patient_workspace(unrestricted())
    async with playground.serve():
        yield playground


@pytest.fixture
def client(playground: Playground) -> AsyncWebClient:
    return client_of(playground)


def place(playground: Playground) -> str:
    return playground.workspace.channel("general").id


async def stream(playground: Playground, *pieces: str) -> str:
    """Stream the pieces into a thread and return the message's timestamp; it is not stopped."""
    client, ada = client_of(playground), playground.person("ada")
    root = await ada.say("#general", "go", deliver=False)
    started = await client.chat_startStream(
        channel=place(playground),
        thread_ts=root,
        recipient_user_id=ada.id,
        recipient_team_id=playground.team_id,
    )
    for piece in pieces:
        await client.chat_appendStream(channel=place(playground), ts=str(started["ts"]), markdown_text=piece)
    return str(started["ts"])


def pinged(playground: Playground) -> list[tuple[str, str]]:
    return [(ping.kind, ping.target) for ping in playground.pings]


def fetched(playground: Playground) -> list[str]:
    return [unfurl.url for unfurl in playground.unfurled]


def rich(leaf: dict[str, Any]) -> dict[str, Any]:
    section = {"type": "rich_text_section", "elements": [leaf]}
    return {"type": "rich_text", "elements": [section]}


HERE = rich({"type": "broadcast", "range": "here"})


@pytest.mark.parametrize(
    "content",
    [
        {"text": "<!here>"},
        {"markdown_text": "**<!here>**"},
        {"text": "x", "blocks": [{"type": "section", "text": {"type": "mrkdwn", "text": "<!here>"}}]},
        {"text": "x", "blocks": [{"type": "context", "elements": [{"type": "mrkdwn", "text": "<!here|x>"}]}]},
        {"text": "x", "blocks": [{"type": "markdown", "text": "- <!here>"}]},
        {"text": "x", "blocks": [HERE]},
        {"text": "x", "blocks": [{"type": "table", "rows": [[HERE]]}]},
        {
            "text": "x",
            "blocks": [
                {"type": "task_card", "task_id": "1", "title": "x", "status": "complete", "output": HERE}
            ],
        },
        {"text": "<!here>", "blocks": [{"type": "divider"}]},
        {"text": "x", "attachments": [{"text": "<!here>"}]},
    ],
    ids=[
        "text",
        "markdown",
        "section",
        "context",
        "block",
        "rich text",
        "table",
        "task",
        "fallback",
        "attachment",
    ],
)
async def test_a_broadcast_pings_wherever_slack_resolves_it(
    playground: Playground, client: AsyncWebClient, content: dict[str, Any]
) -> None:
    ts = str((await client.chat_postMessage(channel="#general", text="quiet"))["ts"])
    await client.api_call("chat.update", json={"channel": "#general", "ts": ts, **content})
    await client.api_call("chat.postMessage", json={"channel": "#general", **content})
    assert pinged(playground) == [("broadcast", "here")] * 2


@pytest.mark.parametrize(
    "content",
    [
        {"text": "`<!here>` &lt;!here&gt;"},
        {"markdown_text": "`<!here>` &lt;!here&gt;\n```\n<!here>\n```"},
        {"text": "x", "blocks": [{"type": "header", "text": {"type": "plain_text", "text": "<!here>"}}]},
        {"text": "@here @channel @ada"},
    ],
    ids=["code", "code in markdown", "plain text", "words"],
)
async def test_what_slack_shows_as_it_is_pings_nobody(
    playground: Playground, client: AsyncWebClient, content: dict[str, Any]
) -> None:
    await client.api_call("chat.postMessage", json={"channel": "#general", **content})
    assert pinged(playground) == []


async def test_people_and_groups_are_pinged_once_a_message(
    playground: Playground, client: AsyncWebClient
) -> None:
    ada = playground.person("ada").id
    ts = str((await client.chat_postMessage(channel="#general", text=f"<@{ada}> <@{ada}>"))["ts"])
    await client.chat_update(channel="#general", ts=ts, text=f"<@{ada}> <!subteam^S1|@crew>")
    assert pinged(playground) == [("user", ada), ("usergroup", "S1")]


async def test_what_people_write_is_not_the_apps(playground: Playground) -> None:
    await playground.person("ada").say("#general", f"@here {LINK}", deliver=False)
    assert (playground.pings, playground.unfurled) == ([], [])


async def test_a_token_in_pieces_pings_once_it_is_whole(playground: Playground) -> None:
    await stream(playground, "Hi <!ch")
    assert pinged(playground) == []
    await stream(playground, "Hi <!ch", "ann", "el>")
    assert pinged(playground) == [("broadcast", "channel")]


async def test_a_post_is_unfurled_unless_both_arguments_say_no(
    playground: Playground, client: AsyncWebClient
) -> None:
    await client.chat_postMessage(channel="#general", text=LINK, **QUIET)
    assert fetched(playground) == []
    await client.chat_postMessage(channel="#general", text=LINK, unfurl_links=False)
    assert fetched(playground) == [LINK]


async def test_a_changed_message_keeps_whether_it_is_unfurled(
    playground: Playground, client: AsyncWebClient
) -> None:
    for quiet in (True, False):
        options = QUIET if quiet else {}
        posted = await client.chat_postMessage(channel="#general", text="…", **options)
        await client.chat_update(channel="#general", ts=str(posted["ts"]), text=f"{LINK}?{quiet}")
    assert fetched(playground) == [f"{LINK}?False"]


async def test_a_streamed_link_is_unfurled_as_soon_as_it_is_whole(
    playground: Playground, client: AsyncWebClient
) -> None:
    ts = await stream(playground, "see https://exa", "mple.com/", "a")
    assert fetched(playground) == []
    await client.chat_appendStream(
        channel=place(playground), ts=ts, markdown_text=" and `https://example.com/b`"
    )
    assert fetched(playground) == [LINK]
    await client.chat_appendStream(channel=place(playground), ts=ts, markdown_text=" https://example.com/c")
    await client.chat_stopStream(channel=place(playground), ts=ts)
    assert fetched(playground) == [LINK, "https://example.com/c"]


async def test_an_image_is_fetched_whatever_the_arguments_say(
    playground: Playground, client: AsyncWebClient
) -> None:
    image = {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"}
    await client.chat_postMessage(channel="#general", text="x", blocks=[image], **QUIET)
    assert fetched(playground) == ["https://example.com/a.png"]


async def test_answers_to_a_response_url_ping_and_unfurl_like_posts(playground: Playground) -> None:
    app = app_of(playground)

    async def ask(ack: AsyncAck, respond: AsyncRespond) -> None:
        await ack()
        await respond(text=f"<!here> {LINK}", response_type="in_channel")
        await respond(text="https://example.com/b", response_type="in_channel", **QUIET)
        await respond(text="<!channel> https://example.com/c")

    app.command("/ask")(ask)
    ada = playground.person("ada")
    async with on_sockets(playground, app):
        await ada.command("/ask", channel="#general")
        await playground.until(lambda: ada.ephemerals("#general"))
    assert pinged(playground) == [("broadcast", "here"), ("broadcast", "channel")]
    assert fetched(playground) == [LINK]


async def test_a_click_can_open_links_sources_and_buttons(
    playground: Playground, client: AsyncWebClient
) -> None:
    source = {"type": "url", "url": "https://example.com/source", "text": "Source"}
    button = {
        "type": "button",
        "text": {"type": "plain_text", "text": "Go"},
        "url": "https://example.com/button",
    }
    blocks: list[dict[str, Any]] = [
        {"type": "markdown", "text": f"[a]({LINK}), www.example.com and `https://example.com/code`"},
        {"type": "task_card", "task_id": "1", "title": "x", "status": "complete", "sources": [source]},
        {"type": "actions", "elements": [button]},
    ]
    posted = await client.chat_postMessage(
        channel="#general", text="https://example.com/fallback", blocks=blocks
    )
    assert clickable(posted["message"]) == [LINK, "http://www.example.com", source["url"], button["url"]]
    bare = await client.chat_postMessage(channel="#general", text=f"<{LINK}|a> & https://example.com/b")
    assert clickable(bare["message"]) == [LINK, "https://example.com/b"]
