"""Slack's own errors and limits, met by an unmodified `slack_sdk` client.

Each row: the method, its arguments and the error; https://docs.slack.dev/reference/methods lists a
method's errors. `{general}` and the like stand for ids of the workspace.
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Sequence
from typing import Any

import pytest
import pytest_asyncio
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from support.slack_app import client_of

from bot.playground import Playground, Seed

SEED = """
app: {handle: threadloop}
users:
  - {handle: ada, name: Ada Lovelace, tz: Europe/London}
  - {handle: grace, name: Grace Hopper}
  - {handle: deploybot, name: Deploy Bot, bot: true}
channels:
  - {name: general, members: [ada, grace, deploybot, threadloop]}
  - {name: random, members: [ada]}
  - {name: secret, private: true, members: [ada]}
"""
TABLE = {"type": "table", "rows": [[{"type": "raw_text", "text": "1"}]]}
TWO_TABLES = "|a|\n|-|\n|1|\n\n|b|\n|-|\n|2|"


def section(length: int) -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": "x" * length}}


def rows(count: int, columns: int = 1) -> list[dict[str, Any]]:
    return [{"type": "table", "rows": [[{"type": "raw_text", "text": "1"}] * columns] * count}]


POST: dict[str, Any] = {"channel": "{general}"}
STREAM = {**POST, "thread_ts": "{adas}", "recipient_user_id": "{ada}", "recipient_team_id": "T"}
TASK = {"type": "task_card", "task_id": "1", "title": "Checked", "status": "complete"}


def button(text: str = "Go", **more: Any) -> dict[str, Any]:
    return {"type": "button", "text": {"type": "plain_text", "text": text}, **more}


def feedback(**buttons: Any) -> dict[str, Any]:
    return {"type": "context_actions", "elements": [{"type": "feedback_buttons", **buttons}]}


def modal(title: str = "T", blocks: Sequence[Any] = (), **more: Any) -> dict[str, Any]:
    return {
        "type": "modal",
        "title": {"type": "plain_text", "text": title},
        "blocks": list(blocks),
        **more,
    }


INPUT = {
    "type": "input",
    "label": {"type": "plain_text", "text": "Why?"},
    "element": {"type": "plain_text_input", "action_id": "why"},
}
# Block Kit's limits, as https://docs.slack.dev/reference/block-kit gives them for each block and element.
BAD_BLOCKS: dict[str, dict[str, Any]] = {
    "a section's text": section(3_001),
    "a section's fields": {"type": "section", "fields": [{"type": "mrkdwn", "text": "x"}] * 11},
    "a field's text": {"type": "section", "fields": [{"type": "mrkdwn", "text": "x" * 2_001}]},
    "a section with nothing": {"type": "section"},
    "a header's text": {"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},
    "a header's kind of text": {"type": "header", "text": {"type": "mrkdwn", "text": "x"}},
    "an empty markdown block": {"type": "markdown", "text": ""},
    "a context's elements": {"type": "context", "elements": [{"type": "mrkdwn", "text": "x"}] * 11},
    "too many buttons": {"type": "actions", "elements": [button()] * 26},
    "no button": {"type": "actions", "elements": []},
    "a button's text": {"type": "actions", "elements": [button("x" * 76)]},
    "a button's value": {"type": "actions", "elements": [button(value="x" * 2_001)]},
    "a button in a section": {**section(1), "accessory": button("x" * 76)},
    "an action_id twice": {"type": "actions", "elements": [button(action_id="same")] * 2},
    "a long action_id": {"type": "actions", "elements": [button(action_id="x" * 256)]},
    "a long block_id": {**section(1), "block_id": "x" * 256},
    "too many context actions": {"type": "context_actions", "elements": [button()] * 6},
    "a plain button among context actions": {"type": "context_actions", "elements": [button()]},
    "half the feedback": feedback(positive_button={"text": {"type": "plain_text", "text": "x"}, "value": "x"}),
    "feedback without a value": feedback(
        positive_button={"text": {"type": "plain_text", "text": "x"}},
        negative_button={"text": {"type": "plain_text", "text": "x"}},
    ),
    "a table's rows": rows(101)[0],
    "a table's columns": rows(1, 21)[0],
    "a table's text": {"type": "table", "rows": [[{"type": "raw_text", "text": "x" * 10_001}]]},
    "an empty cell": {"type": "table", "rows": [[{"type": "raw_text", "text": ""}]]},
    "a task's title": {**TASK, "title": "x" * 257},
    "a task's status": {**TASK, "status": "done"},
    "a task's details": {**TASK, "details": "as text"},
    "a task's source": {**TASK, "sources": [{"type": "url", "url": "https://example.com"}]},
    "a plan's task": {"type": "plan", "title": "Plan", "tasks": [{**TASK, "title": ""}]},
    "a plan's tasks": {"type": "plan", "title": "Plan", "tasks": [TASK] * 51},
    "an image without words": {"type": "image", "image_url": "https://example.com/a.png"},
}
LONG_TABLE = "|a|\n|-|\n" + "|1|\n" * 101
WIDE_TABLE = "|a" * 21 + "|\n" + "|-" * 21 + "|\n"
LONG_METADATA = {"event_type": "x", "event_payload": {"x": "x" * 16_000}}
REFUSED: list[tuple[str, dict[str, Any], str]] = [
    ("no.suchMethod", {}, "unknown_method"),
    ("chat.postMessage", {"channel": "C000", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {"channel": "{secret}", "text": "x"}, "channel_not_found"),
    ("chat.postMessage", {**POST, "text": ""}, "no_text"),
    ("chat.postMessage", {**POST, "text": "x", "thread_ts": "1.000001"}, "thread_not_found"),
    ("chat.postMessage", {**POST, "markdown_text": "x", "text": "x"}, "markdown_text_conflict"),
    ("chat.postMessage", {**POST, "markdown_text": "x", "blocks": [section(1)]}, "markdown_text_conflict"),
    ("chat.postMessage", {**POST, "markdown_text": "x" * 12_001}, "msg_too_long"),
    ("chat.postMessage", {**POST, "text": "x", "blocks": [section(1)] * 51}, "invalid_blocks"),
    ("chat.postMessage", {**POST, "text": "x", "blocks": "{"}, "invalid_blocks_format"),
    ("chat.postMessage", {**POST, "text": "x", "blocks": {"a": 1}}, "invalid_blocks_format"),
    ("chat.postMessage", {**POST, "text": "x", "blocks": [{"type": "nonsense"}]}, "invalid_blocks"),
    (
        "chat.postMessage",
        {**POST, "text": "x", "blocks": [{"type": "markdown", "text": "x" * 6001}] * 2},
        "msg_blocks_too_long",
    ),
    ("chat.postMessage", {**POST, "markdown_text": LONG_TABLE}, "invalid_blocks"),
    ("chat.postMessage", {**POST, "markdown_text": WIDE_TABLE}, "invalid_blocks"),
    ("chat.postMessage", {**POST, "text": "x", "blocks": [TABLE, TABLE]}, "invalid_attachments"),
    ("chat.postMessage", {**POST, "markdown_text": TWO_TABLES}, "invalid_attachments"),
    (
        "chat.postMessage",
        {**POST, "text": "x", "blocks": [{"type": "markdown", "text": TWO_TABLES}]},
        "invalid_attachments",
    ),
    (
        "chat.postMessage",
        {**POST, "text": "x", "blocks": [{**section(1), "block_id": "same"}] * 2},
        "invalid_blocks",
    ),
    ("chat.postMessage", {**POST, "text": "x", "attachments": [{}] * 101}, "too_many_attachments"),
    ("chat.postMessage", {**POST, "text": "x", "metadata": "{"}, "invalid_metadata_format"),
    ("chat.postMessage", {**POST, "text": "x", "metadata": {"event_type": "x"}}, "invalid_metadata_schema"),
    ("chat.update", {**POST, "ts": "1.000001", "text": "x"}, "message_not_found"),
    ("chat.update", {**POST, "ts": "{adas}", "text": "x"}, "cant_update_message"),
    ("chat.update", {**POST, "ts": "{own}", "text": "x" * 4_001}, "msg_too_long"),
    ("chat.update", {**POST, "ts": "{own}", "text": "x", "blocks": [TABLE, TABLE]}, "invalid_attachments"),
    ("chat.update", {**POST, "ts": "{own}", "markdown_text": "x" * 12_001}, "msg_too_long"),
    ("chat.delete", {**POST, "ts": "1.000001"}, "message_not_found"),
    ("chat.delete", {**POST, "ts": "{adas}"}, "cant_delete_message"),
    ("chat.postEphemeral", {"channel": "{random}", "user": "{ada}", "text": "x"}, "not_in_channel"),
    ("chat.postEphemeral", {**POST, "user": "U000", "text": "x"}, "user_not_in_channel"),
    ("chat.getPermalink", {**POST, "message_ts": "1.000001"}, "message_not_found"),
    ("chat.startStream", {**POST, "thread_ts": "{adas}"}, "missing_recipient_user_id"),
    (
        "chat.startStream",
        {**POST, "thread_ts": "{adas}", "recipient_user_id": "{ada}"},
        "missing_recipient_team_id",
    ),
    ("chat.postMessage", {**POST, "text": "x", "metadata": LONG_METADATA}, "metadata_too_large"),
    ("chat.startStream", {**STREAM, "markdown_text": "x" * 12_001}, "msg_too_long"),
    ("chat.startStream", {**STREAM, "chunks": [{"type": "plan_update", "title": "x" * 257}]}, "invalid_chunks"),
    (
        "chat.startStream",
        {**STREAM, "chunks": [{"type": "task_update", "id": "1", "status": "odd"}]},
        "invalid_chunks",
    ),
    ("chat.startStream", {**STREAM, "recipient_user_id": "B1"}, "invalid_arguments"),
    (
        "chat.startStream",
        {**STREAM, "markdown_text": "x", "chunks": [{"type": "markdown_text", "text": "x"}]},
        "cannot_provide_both_markdown_text_and_chunks",
    ),
    (
        "chat.startStream",
        {**STREAM, "chunks": [{"type": "markdown_text", "text": "x" * 6_001}] * 2},
        "msg_too_long",
    ),
    (
        "chat.startStream",
        {**STREAM, "chunks": [{"type": "blocks", "blocks": [section(3_001)]}]},
        "invalid_blocks",
    ),
    (
        "chat.startStream",
        {**STREAM, "chunks": [{"type": "blocks", "blocks": [section(1)] * 51}]},
        "invalid_blocks",
    ),
    ("chat.startStream", {**STREAM, "markdown_text": TWO_TABLES}, "invalid_attachments"),
    ("chat.startStream", {"channel": "{random}"}, "not_in_channel"),
    ("chat.appendStream", {**POST, "ts": "1.000001", "markdown_text": "x"}, "message_not_found"),
    ("chat.appendStream", {**POST, "ts": "{adas}", "markdown_text": "x"}, "message_not_owned_by_app"),
    ("chat.appendStream", {**POST, "ts": "{own}", "markdown_text": "x"}, "message_not_in_streaming_state"),
    ("chat.stopStream", {**POST, "ts": "{own}"}, "message_not_in_streaming_state"),
    ("conversations.replies", {**POST, "ts": "1.000001"}, "thread_not_found"),
    ("conversations.replies", {"channel": "{random}", "ts": "1.000001"}, "not_in_channel"),
    ("conversations.history", {"channel": "{random}"}, "not_in_channel"),
    ("conversations.history", {**POST, "cursor": "nonsense"}, "invalid_cursor"),
    ("conversations.history", {**POST, "limit": "many"}, "invalid_limit"),
    ("conversations.history", {**POST, "oldest": "yesterday"}, "invalid_ts_oldest"),
    ("conversations.info", {"channel": "{secret}"}, "channel_not_found"),
    ("conversations.list", {"types": "secret_channel"}, "invalid_types"),
    ("conversations.join", {"channel": "{secret}"}, "channel_not_found"),
    ("conversations.open", {}, "users_list_not_supplied"),
    ("conversations.open", {"users": "U000"}, "user_not_found"),
    ("users.info", {"user": "U000"}, "user_not_found"),
    ("users.lookupByEmail", {"email": "nobody@example.com"}, "users_not_found"),
    ("bots.info", {"bot": "B000"}, "bot_not_found"),
    ("reactions.add", {**POST, "timestamp": "{adas}", "name": "No Emoji"}, "invalid_name"),
    ("reactions.add", {**POST, "timestamp": "1.000001", "name": "eyes"}, "message_not_found"),
    ("reactions.add", {**POST, "name": "eyes"}, "no_item_specified"),
    ("reactions.remove", {**POST, "timestamp": "{adas}", "name": "eyes"}, "no_reaction"),
    (
        "assistant.threads.setStatus",
        {"channel_id": "{general}", "thread_ts": "{adas}", "status": "x", "loading_messages": ["x"] * 11},
        "invalid_arguments",
    ),
    (
        "assistant.threads.setStatus",
        {"channel_id": "{general}", "thread_ts": "1.000001", "status": "x"},
        "thread_not_found",
    ),
    (
        "assistant.threads.setSuggestedPrompts",
        {"channel_id": "{general}", "prompts": [{"title": "a", "message": "b"}] * 5},
        "invalid_arguments",
    ),
    ("agents.sessions.setStatus", {"channel_id": "{general}", "status": "asleep"}, "invalid_arguments"),
    ("views.publish", {"user_id": "U000", "view": {"type": "home", "blocks": []}}, "user_not_found"),
    ("views.publish", {"user_id": "{ada}", "view": {"type": "modal", "blocks": []}}, "invalid_arguments"),
    (
        "views.open",
        {"trigger_id": "x", "view": {"type": "modal", "title": {"text": "T"}, "blocks": []}},
        "invalid_trigger_id",
    ),
    ("views.open", {"trigger_id": "x", "view": modal(title="x" * 25)}, "invalid_arguments"),
    ("views.open", {"trigger_id": "x", "view": modal(blocks=[section(1)] * 101)}, "invalid_arguments"),
    ("views.open", {"trigger_id": "x", "view": modal(blocks=[section(3_001)])}, "invalid_blocks"),
    ("views.open", {"trigger_id": "x", "view": modal(blocks=[TABLE])}, "invalid_arguments"),
    ("views.open", {"trigger_id": "x", "view": modal(blocks=[INPUT])}, "invalid_arguments"),
    ("views.open", {"trigger_id": "x", "view": modal(private_metadata="x" * 3_001)}, "invalid_arguments"),
    ("views.update", {"view_id": "V000", "view": {"type": "modal", "blocks": []}}, "not_found"),
    ("files.info", {"file": "F000"}, "file_not_found"),
    ("files.getUploadURLExternal", {"filename": "a.txt"}, "missing_argument"),
    ("assistant.search.context", {"query": "x"}, "missing_action_token"),
    ("search.messages", {"query": "x"}, "not_allowed_token_type"),
    ("apps.connections.open", {}, "not_allowed_token_type"),
]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared() -> AsyncIterator[Playground]:
    """One workspace for the whole table: a refused call changes nothing."""
    playground = Playground(Seed.parse(SEED, name="seed"))
    async with playground.serve():
        yield playground


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    playground = Playground(Seed.parse(SEED, name="seed"))
    async with playground.serve():
        yield playground


@pytest.fixture
def client(playground: Playground) -> AsyncWebClient:
    return client_of(playground)


async def error_of(client: AsyncWebClient, method: str, arguments: dict[str, Any]) -> str:
    with pytest.raises(SlackApiError) as refused:
        await client.api_call(method, json=arguments)
    return str(refused.value.response["error"])


@pytest.mark.parametrize(
    ("method", "arguments", "error"), REFUSED, ids=[f"{row[0]}-{row[2]}-{at}" for at, row in enumerate(REFUSED)]
)
@pytest.mark.asyncio(loop_scope="module")
async def test_slack_refuses(shared: Playground, method: str, arguments: dict[str, Any], error: str) -> None:
    playground, client = shared, client_of(shared)
    ids = {channel.name: channel.id for channel in playground.workspace.channels.values()}
    ids |= {user.name: user.id for user in playground.workspace.users.values()}
    ids["adas"] = await playground.person("ada").say("#general", "hello")
    ids["own"] = (await client.chat_postMessage(channel="#general", text="mine"))["ts"]
    filled = {key: _filled(value, ids) for key, value in arguments.items()}
    assert await error_of(client, method, filled) == error


@pytest.mark.parametrize("block", BAD_BLOCKS.values(), ids=BAD_BLOCKS)
@pytest.mark.asyncio(loop_scope="module")
async def test_a_block_outside_its_limits_is_refused_in_posts_updates_and_streams(
    shared: Playground, block: dict[str, Any]
) -> None:
    client, ada = client_of(shared), shared.person("ada")
    channel = shared.workspace.channel("general").id
    own = (await client.chat_postMessage(channel=channel, text="mine"))["ts"]
    stream = await client.chat_startStream(
        channel=channel, thread_ts=own, recipient_user_id=ada.id, recipient_team_id=shared.team_id
    )
    for method, arguments in (
        ("chat.postMessage", {"text": "x", "blocks": [block]}),
        ("chat.update", {"ts": own, "text": "x", "blocks": [block]}),
        ("chat.appendStream", {"ts": stream["ts"], "chunks": [{"type": "blocks", "blocks": [block]}]}),
        ("chat.stopStream", {"ts": stream["ts"], "blocks": [block]}),
    ):
        with pytest.raises(SlackApiError) as refused:
            await client.api_call(method, json={"channel": channel, **arguments})
        answer = refused.value.response
        assert (answer["error"], method) == ("invalid_blocks", method)
        assert "[json-pointer:/blocks/0]" in answer["response_metadata"]["messages"][0]


@pytest.mark.asyncio(loop_scope="module")
async def test_tasks_and_plans_are_posted_and_changed_as_they_are_streamed(shared: Playground) -> None:
    client, channel = client_of(shared), shared.workspace.channel("general").id
    plan = {"type": "plan", "title": "Plan", "tasks": [TASK]}
    posted = await client.chat_postMessage(channel=channel, text="x", blocks=[TASK, plan])
    await client.chat_update(channel=channel, ts=str(posted["ts"]), text="x", blocks=[plan])
    (message,) = shared.thread(channel, str(posted["ts"]))
    assert [block["type"] for block in message["blocks"]] == ["plan"]


def _filled(value: Any, ids: dict[str, str]) -> Any:
    name = value[1:-1] if isinstance(value, str) and value.startswith("{") and value.endswith("}") else ""
    return ids.get(name, value)


async def test_no_token_is_not_authed_and_a_wrong_one_invalid_auth(playground: Playground) -> None:
    assert await error_of(AsyncWebClient(base_url=playground.api_url), "auth.test", {}) == "not_authed"
    assert await error_of(client_of(playground, "xoxb-wrong"), "auth.test", {}) == "invalid_auth"


async def test_a_missing_scope_is_named_with_those_provided(
    playground: Playground, client: AsyncWebClient
) -> None:
    playground.scopes -= {"chat:write"}
    with pytest.raises(SlackApiError) as refused:
        await client.chat_postMessage(channel="#general", text="x")
    answer = refused.value.response
    assert (answer["error"], answer["needed"]) == ("missing_scope", "chat:write")
    assert "users:read" in answer["provided"].split(",")


async def test_a_post_outside_the_bots_channels_needs_a_scope_of_its_own(
    playground: Playground, client: AsyncWebClient
) -> None:
    arguments = {"channel": playground.workspace.channel("random").id, "text": "x"}
    await client.api_call("chat.postMessage", json=arguments)
    playground.scopes -= {"chat:write.public"}
    assert await error_of(client, "chat.postMessage", arguments) == "not_in_channel"


async def test_each_kind_of_channel_has_a_history_scope_of_its_own(
    playground: Playground, client: AsyncWebClient
) -> None:
    playground.scopes -= {"im:history"}
    direct = await playground.person("ada").open_dm()
    await client.conversations_history(channel=playground.workspace.channel("general").id)
    assert await error_of(client, "conversations.history", {"channel": direct}) == "missing_scope"


async def test_a_second_reaction_of_the_same_name_is_refused(
    playground: Playground, client: AsyncWebClient
) -> None:
    ts = await playground.person("ada").say("#general", "hello")
    arguments = {"channel": playground.workspace.channel("general").id, "timestamp": ts, "name": "eyes"}
    await client.api_call("reactions.add", params=arguments)
    assert await error_of(client, "reactions.add", arguments) == "already_reacted"


async def test_metadata_of_a_person_is_refused(playground: Playground) -> None:
    client = client_of(playground, playground.person("ada").token)
    told = {"event_type": "x", "event_payload": {}}
    arguments = {"channel": "#general", "text": "x", "metadata": told}
    assert await error_of(client, "chat.postMessage", arguments) == "metadata_must_be_sent_from_app"


async def test_invalid_arguments_say_which(client: AsyncWebClient) -> None:
    with pytest.raises(SlackApiError) as refused:
        await client.api_call("views.open", json={"trigger_id": "x"})
    assert refused.value.response["response_metadata"] == {"messages": ["[ERROR] missing required field: view"]}
