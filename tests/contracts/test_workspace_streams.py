"""A streamed message's life, as an unmodified `slack_sdk` client meets it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.models.messages.chunk import Chunk, MarkdownTextChunk, TaskUpdateChunk
from slack_sdk.web.async_client import AsyncWebClient
from support.clock import Time
from support.slack_app import client_of

from bot.playground import Playground, Seed


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
async def playground(time: Time) -> AsyncIterator[Playground]:
    playground = Playground(Seed.default(), clock=time)
    async with playground.serve():
        yield playground


@pytest.fixture
def client(playground: Playground) -> AsyncWebClient:
    return client_of(playground)


@pytest.fixture
async def root(playground: Playground) -> str:
    return await playground.person("ada").say("#general", "go", deliver=False)


@pytest.fixture
def place(playground: Playground) -> str:
    return playground.workspace.channel("general").id


@pytest.fixture
async def ts(playground: Playground, client: AsyncWebClient, place: str, root: str) -> str:
    """A message that is streamed, and has no content yet."""
    answer = await client.chat_startStream(
        channel=place,
        thread_ts=root,
        recipient_user_id=playground.person("ada").id,
        recipient_team_id=playground.team_id,
    )
    return str(answer["ts"])


async def refusal(call: Any) -> str:
    with pytest.raises(SlackApiError) as refused:
        await call
    return str(refused.value.response["error"])


def streamed(playground: Playground, root: str) -> dict[str, Any]:
    return playground.thread("#general", root)[1]


def text(words: str) -> list[dict[str, Any] | Chunk]:
    return [MarkdownTextChunk(text=words)]


async def test_a_stream_ends_five_minutes_after_its_start_however_much_is_appended(
    playground: Playground, client: AsyncWebClient, place: str, root: str, ts: str, time: Time
) -> None:
    await client.chat_appendStream(channel=place, ts=ts, chunks=text("one "))
    time.now += 299
    await client.chat_appendStream(channel=place, ts=ts, chunks=text("two"))
    time.now += 1
    late = client.chat_appendStream(channel=place, ts=ts, chunks=text("three"))
    assert await refusal(late) == "message_not_in_streaming_state"
    assert await refusal(client.chat_stopStream(channel=place, ts=ts)) == "message_not_in_streaming_state"
    assert streamed(playground, root)["text"] == "one two"
    assert streamed(playground, root)["streaming_state"] == "completed"


async def test_a_message_whose_stream_ended_by_itself_can_be_changed(
    playground: Playground, client: AsyncWebClient, place: str, root: str, ts: str, time: Time
) -> None:
    await client.chat_appendStream(channel=place, ts=ts, chunks=text("half"))
    time.now += 300
    assert streamed(playground, root)["streaming_state"] == "completed"
    await client.chat_update(channel=place, ts=ts, text="whole")
    assert streamed(playground, root)["text"] == "whole"


async def test_the_lifetime_of_streams_can_be_set(time: Time) -> None:
    playground = Playground(Seed.default(), stream_lifetime_s=2, clock=time)
    async with playground.serve():
        client, ada = client_of(playground), playground.person("ada")
        dm = await ada.open_dm()
        root = await ada.say(dm, "go", deliver=False)
        ts = str((await client.chat_startStream(channel=dm, thread_ts=root))["ts"])
        time.now += 2
        late = client.chat_appendStream(channel=dm, ts=ts, markdown_text="x")
        assert await refusal(late) == "message_not_in_streaming_state"


async def test_a_growing_message_can_be_neither_changed_nor_deleted(
    client: AsyncWebClient, place: str, ts: str
) -> None:
    assert await refusal(client.chat_update(channel=place, ts=ts, text="x")) == "streaming_state_conflict"
    assert await refusal(client.chat_delete(channel=place, ts=ts)) == "cant_delete_message"
    await client.chat_stopStream(channel=place, ts=ts)
    await client.chat_update(channel=place, ts=ts, text="x")
    await client.chat_delete(channel=place, ts=ts)


async def test_a_stream_takes_the_kind_of_content_that_it_was_given_first(
    client: AsyncWebClient, place: str, ts: str
) -> None:
    await client.chat_appendStream(channel=place, ts=ts, markdown_text="words")
    task = TaskUpdateChunk(id="1", title="Checked", status="complete")
    for late in (
        client.chat_appendStream(channel=place, ts=ts, chunks=[task]),
        client.chat_stopStream(channel=place, ts=ts, chunks=text("more words")),
    ):
        assert await refusal(late) == "streaming_mode_mismatch"
    await client.chat_stopStream(channel=place, ts=ts, markdown_text=" and more")


async def test_a_second_table_is_refused_wherever_it_comes_and_the_rest_stays(
    playground: Playground, client: AsyncWebClient, place: str, root: str, ts: str
) -> None:
    await client.chat_appendStream(channel=place, ts=ts, chunks=text("|a|\n|-|\n|1|\n\nand\n"))
    second = client.chat_appendStream(channel=place, ts=ts, chunks=text("|b|\n|-|\n|2|\n"))
    assert await refusal(second) == "invalid_attachments"
    in_blocks = [{"type": "markdown", "text": "|b|\n|-|\n|2|"}]
    assert (
        await refusal(client.chat_stopStream(channel=place, ts=ts, blocks=in_blocks)) == "invalid_attachments"
    )
    await client.chat_stopStream(channel=place, ts=ts)
    assert [block["type"] for block in streamed(playground, root)["blocks"]] == ["table", "rich_text"]


async def test_replies_show_a_growing_message_without_metadata(
    client: AsyncWebClient, place: str, root: str, ts: str
) -> None:
    async def shown() -> dict[str, Any]:
        answer = await client.conversations_replies(channel=place, ts=root, include_all_metadata=True)
        message: dict[str, Any] = answer["messages"][1]
        return message

    await client.chat_appendStream(channel=place, ts=ts, chunks=text("**so** far"))
    growing = await shown()
    assert (growing["text"], growing["streaming_state"]) == ("*so* far", "in_progress")
    assert "metadata" not in growing
    told = {"event_type": "answer", "event_payload": {"run": "1"}}
    await client.chat_stopStream(channel=place, ts=ts, metadata=told)
    assert (await shown())["metadata"] == told


async def test_after_stop_nothing_can_be_appended_and_the_session_stays_as_it_was(
    playground: Playground, client: AsyncWebClient, place: str, root: str, ts: str
) -> None:
    await client.agents_sessions_setStatus(channel_id=place, thread_ts=root, status="processing")
    await playground.person("ada").stop("#general", root)
    late = client.chat_appendStream(channel=place, ts=ts, chunks=text("more"))
    assert await refusal(late) == "stopped_by_user"
    session = playground.workspace.agent_thread(place, root)
    assert session.session == "processing"
    await client.chat_stopStream(channel=place, ts=ts, chunks=text("Stopped."), session_status="active")
    assert (streamed(playground, root)["text"], session.session) == ("Stopped.", "active")
