"""The Web API as unmodified `slack_sdk` clients use it."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import aiohttp
import pytest
from slack_sdk import WebClient
from slack_sdk.errors import SlackApiError
from slack_sdk.models.messages.chunk import MarkdownTextChunk, PlanUpdateChunk, TaskUpdateChunk
from slack_sdk.web.async_client import AsyncWebClient
from support.slack_app import client_of, unrestricted

from bot.playground import Playground, Seed, Upload
from bot.playground.action_tokens import action_token
from bot.playground.markup import to_mrkdwn


@pytest.fixture
async def playground() -> AsyncIterator[Playground]:
    playground = Playground(unrestricted())
    async with playground.serve():
        yield playground


@pytest.fixture
def client(playground: Playground) -> AsyncWebClient:
    return client_of(playground)


def general(playground: Playground) -> str:
    return playground.workspace.channel("general").id


async def test_auth_test_says_whom_the_token_stands_for(playground: Playground, client: AsyncWebClient) -> None:
    answer = await client.auth_test()
    assert answer["user_id"] == playground.bot_user_id
    assert answer["team_id"] == playground.team_id
    assert answer["user"] == "threadloop"
    assert str(answer["bot_id"]).startswith("B")
    assert "chat:write" in answer.headers["x-oauth-scopes"]


async def test_arguments_come_as_form_query_or_json_and_the_token_also_as_argument(
    playground: Playground,
) -> None:
    url, token = f"{playground.api_url}conversations.info", playground.bot_token
    arguments = {"channel": general(playground), "include_num_members": "true"}
    bearer = {"Authorization": f"Bearer {token}"}
    async with aiohttp.ClientSession() as session:
        answers = [
            await (await session.post(url, data=arguments, headers=bearer)).json(),
            await (await session.get(url, params=arguments, headers=bearer)).json(),
            await (await session.post(url, json=arguments, headers=bearer)).json(),
            await (await session.post(url, data={**arguments, "token": token})).json(),
        ]
        form = aiohttp.FormData(arguments)
        form.add_field("file", b"ignored", filename="a.txt")
        answers.append(await (await session.post(url, data=form, headers=bearer)).json())
    assert [answer["channel"]["num_members"] for answer in answers] == [5] * 5


async def test_broken_json_is_named(playground: Playground) -> None:
    headers = {"Authorization": f"Bearer {playground.bot_token}", "Content-Type": "application/json"}
    async with aiohttp.ClientSession(headers=headers) as session:
        broken = await (await session.post(f"{playground.api_url}auth.test", data="{")).json()
        listed = await (await session.post(f"{playground.api_url}auth.test", data="[]")).json()
    assert (broken["error"], listed["error"]) == ("invalid_json", "json_not_object")


async def test_the_synchronous_client_works_from_a_thread(playground: Playground) -> None:
    client = WebClient(playground.bot_token, base_url=playground.api_url)
    answer = await asyncio.to_thread(client.chat_postMessage, channel="#general", text="from a thread")
    assert answer["message"]["text"] == "from a thread"


async def test_a_post_carries_the_apps_ids_and_rich_text(
    playground: Playground, client: AsyncWebClient
) -> None:
    answer = await client.chat_postMessage(
        channel=general(playground), text="*hello* <https://example.com|there>"
    )
    message = answer["message"]
    assert message["user"] == playground.bot_user_id
    assert message["bot_profile"]["id"] == message["bot_id"]
    assert message["app_id"].startswith("A")
    assert message["blocks"][0]["elements"][0]["elements"] == [
        {"type": "text", "text": "hello", "style": {"bold": True}},
        {"type": "text", "text": " "},
        {"type": "link", "url": "https://example.com", "text": "there"},
    ]


async def test_markdown_text_is_kept_as_rich_text(playground: Playground, client: AsyncWebClient) -> None:
    answer = await client.chat_postMessage(
        channel=general(playground), markdown_text="**Boston**: 3 < 4\n- `a`\n- b"
    )
    message = answer["message"]
    assert message["text"] == "*Boston*: 3 &lt; 4\n• `a`\n• b"
    assert [part["type"] for part in message["blocks"][0]["elements"]] == [
        "rich_text_section",
        "rich_text_list",
    ]


async def test_a_markdown_block_is_kept_translated_and_the_text_as_it_was(client: AsyncWebClient) -> None:
    blocks = [{"type": "markdown", "text": "|City|°C|\n|-|-|\n|Boston|3|"}]
    answer = await client.chat_postMessage(channel="#general", text="Boston: 3", blocks=blocks)
    assert answer["message"]["text"] == "Boston: 3"
    assert [block["type"] for block in answer["message"]["blocks"]] == ["table"]


async def test_a_post_to_a_user_goes_to_their_direct_messages(
    playground: Playground, client: AsyncWebClient
) -> None:
    ada = playground.person("ada")
    answer = await client.chat_postMessage(channel=ada.id, text="psst")
    assert answer["channel"] == await ada.open_dm()


async def test_replies_are_oldest_first_and_paged_with_the_root_on_the_first_page(
    playground: Playground, client: AsyncWebClient
) -> None:
    ada, channel = playground.person("ada"), general(playground)
    root = await ada.say(channel, "root")
    sent = [await ada.say(channel, f"reply {number}", thread_ts=root) for number in range(7)]
    pages, cursor = [], None
    while cursor != "":
        page = await client.conversations_replies(channel=channel, ts=root, limit=3, cursor=cursor)
        pages.append([message["ts"] for message in page["messages"]])
        cursor = (page.get("response_metadata") or {}).get("next_cursor", "")
    assert pages == [[root, *sent[:2]], sent[2:5], sent[5:]]


async def test_replies_in_a_range_still_begin_with_the_root(
    playground: Playground, client: AsyncWebClient
) -> None:
    ada, channel = playground.person("ada"), general(playground)
    root = await ada.say(channel, "root")
    first, second, third = [await ada.say(channel, str(number), thread_ts=root) for number in range(3)]
    newer = await client.conversations_replies(channel=channel, ts=root, oldest=first)
    older = await client.conversations_replies(channel=channel, ts=root, latest=second, inclusive=True)
    assert [message["ts"] for message in newer["messages"]] == [root, second, third]
    assert [message["ts"] for message in older["messages"]] == [root, first, second]


async def test_history_is_newest_first_without_replies(playground: Playground, client: AsyncWebClient) -> None:
    ada, channel = playground.person("ada"), general(playground)
    first = await ada.say(channel, "first")
    await ada.say(channel, "a reply", thread_ts=first)
    second = await ada.say(channel, "second")
    page = await client.conversations_history(channel=channel, limit=2)
    assert [message["ts"] for message in page["messages"]] == [second, first]
    assert page["messages"][1]["reply_count"] == 1
    assert page["has_more"]


async def test_metadata_is_shown_only_to_who_asks_for_it(
    playground: Playground, client: AsyncWebClient
) -> None:
    channel, told = general(playground), {"event_type": "answer", "event_payload": {"run": "1"}}
    ts = (await client.chat_postMessage(channel=channel, text="x", metadata=told))["ts"]
    plain = await client.conversations_replies(channel=channel, ts=ts)
    full = await client.conversations_replies(channel=channel, ts=ts, include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert full["messages"][0]["metadata"] == told
    assert playground.thread(channel, ts)[0]["metadata"] == told


async def test_an_update_replaces_what_a_message_says_and_marks_it_edited(
    playground: Playground, client: AsyncWebClient
) -> None:
    channel = general(playground)
    ts = (await client.chat_postMessage(channel=channel, text="…"))["ts"]
    await client.chat_update(channel=channel, ts=ts, markdown_text="**done**")
    message = playground.thread(channel, ts)[0]
    assert message["text"] == "*done*"
    assert message["edited"]["user"] == playground.bot_user_id


async def test_an_update_that_mentions_no_blocks_leaves_those_there_are(
    playground: Playground, client: AsyncWebClient
) -> None:
    channel, blocks = general(playground), [{"type": "markdown", "text": "old"}]
    ts = str((await client.chat_postMessage(channel=channel, text="old", blocks=blocks))["ts"])
    await client.chat_update(channel=channel, ts=ts, text="new")
    kept = playground.thread(channel, ts)[0]
    await client.chat_update(channel=channel, ts=ts, text="new", blocks=[])
    replaced = playground.thread(channel, ts)[0]
    assert [to_mrkdwn(shown["blocks"]) for shown in (kept, replaced)] == ["old", "new"]
    assert kept["text"] == replaced["text"] == "new"


async def test_a_text_of_more_than_forty_thousand_characters_is_cut(client: AsyncWebClient) -> None:
    posted = await client.chat_postMessage(channel="#general", text="x" * 40_001)
    assert len(posted["message"]["text"]) == 40_000


async def test_a_deleted_root_leaves_a_tombstone(playground: Playground, client: AsyncWebClient) -> None:
    channel = general(playground)
    root = (await client.chat_postMessage(channel=channel, text="root"))["ts"]
    reply = (await client.chat_postMessage(channel=channel, text="reply", thread_ts=root))["ts"]
    await client.chat_delete(channel=channel, ts=root)
    answer = await client.conversations_replies(channel=channel, ts=root)
    assert [message.get("subtype") for message in answer["messages"]] == ["tombstone", None]
    await client.chat_delete(channel=channel, ts=reply)
    assert len(playground.thread(channel, root)) == 1


async def test_a_reply_to_a_reply_joins_the_thread_of_its_root(
    playground: Playground, client: AsyncWebClient
) -> None:
    ada, channel = playground.person("ada"), general(playground)
    root = await ada.say(channel, "root")
    reply = await ada.say(channel, "reply", thread_ts=root)
    answer = await client.chat_postMessage(channel=channel, text="x", thread_ts=reply)
    assert answer["message"]["thread_ts"] == root


async def test_a_stream_grows_with_text_tasks_and_blocks(
    playground: Playground, client: AsyncWebClient
) -> None:
    ada, channel = playground.person("ada"), general(playground)
    root = await ada.say(channel, "root")
    stream = await client.chat_stream(
        channel=channel,
        thread_ts=root,
        recipient_team_id=playground.team_id,
        recipient_user_id=ada.id,
        task_display_mode="plan",
        buffer_size=1,
    )

    def task(status: str, output: str | None = None) -> TaskUpdateChunk:
        return TaskUpdateChunk(id="1", title="Checked the weather", status=status, output=output)

    await stream.append(chunks=[PlanUpdateChunk(title="Plan"), task("in_progress")])
    growing = playground.thread(channel, root)[1]
    await stream.append(chunks=[task("complete", "3 °C")])
    await stream.append(markdown_text="**Bos")
    await stream.append(chunks=[MarkdownTextChunk(text="ton**")])
    await stream.stop(blocks=[{"type": "divider"}], metadata={"event_type": "answer", "event_payload": {}})
    done = playground.thread(channel, root)[1]
    assert growing["streaming_state"] == "in_progress"
    assert growing["blocks"][0]["tasks"][0]["status"] == "in_progress"
    assert (done["text"], done["streaming_state"]) == ("*Boston*", "completed")
    assert [block["type"] for block in done["blocks"]] == ["plan", "rich_text", "divider"]
    assert done["blocks"][0]["tasks"][0]["status"] == "complete"
    assert done["metadata"]["event_type"] == "answer"
    assert "edited" not in done


async def test_a_status_lasts_until_the_app_answers_or_two_minutes() -> None:
    now = [1_700_000_000.0]
    playground = Playground(Seed.default(), clock=lambda: now[0])
    async with playground.serve():
        client, channel = client_of(playground), general(playground)
        root = await playground.person("ada").say(channel, "root")
        await client.assistant_threads_setStatus(
            channel_id=channel, thread_ts=root, status="is thinking", loading_messages=["Reading"]
        )
        assert playground.workspace.agent_thread(channel, root).status == "is thinking"
        await client.chat_postMessage(channel=channel, thread_ts=root, text="done")
        assert playground.workspace.agent_thread(channel, root).status == ""
        await client.assistant_threads_setStatus(channel_id=channel, thread_ts=root, status="again")
        now[0] += 121
        assert playground.workspace.agent_thread(channel, root).status == ""


async def test_sessions_titles_and_prompts_are_kept(playground: Playground, client: AsyncWebClient) -> None:
    ada = playground.person("ada")
    channel = await ada.open_dm()
    root = await ada.say(channel, "hello")
    await client.assistant_threads_setTitle(channel_id=channel, thread_ts=root, title="Weather")
    await client.assistant_threads_setSuggestedPrompts(
        channel_id=channel, prompts=[{"title": "Boston", "message": "Weather in Boston?"}]
    )
    await client.agents_sessions_setStatus(channel_id=channel, thread_ts=root, status="processing")
    await client.agents_sessions_rename(channel_id=channel, thread_ts=root, title="Boston")
    thread = playground.workspace.agent_thread(channel, root)
    assert (thread.title, thread.session) == ("Boston", "processing")
    assert playground.workspace.agent_thread(channel, "").prompts[0]["title"] == "Boston"


async def test_people_are_described_with_their_time_zone(
    playground: Playground, client: AsyncWebClient
) -> None:
    grace = playground.person("grace")
    user = (await client.users_info(user=grace.id))["user"]
    assert (user["real_name"], user["tz"], user["is_bot"]) == ("Grace Hopper", "America/New_York", False)
    listed = (await client.users_list())["members"]
    assert {member["name"] for member in listed} == {"ada", "grace", "linus", "deploybot", "threadloop"}
    found = await client.users_lookupByEmail(email="grace@example.com")
    assert found["user"]["id"] == grace.id
    assert (await client.users_profile_get(user=grace.id))["profile"]["title"] == "Compilers"
    assert (await client.users_getPresence(user=grace.id))["presence"] == "active"


async def test_other_bots_are_described(playground: Playground, client: AsyncWebClient) -> None:
    user = playground.bot("deploybot").user
    assert (await client.bots_info(bot=str(user.bot_id)))["bot"]["name"] == "Deploy Bot"
    assert (await client.team_info())["team"]["domain"] == "acme"


async def test_channels_are_listed_joined_and_described(playground: Playground, client: AsyncWebClient) -> None:
    public = (await client.conversations_list())["channels"]
    assert [(channel["name"], channel["is_member"]) for channel in public] == [
        ("general", True),
        ("random", False),
    ]
    own = (await client.users_conversations(types="public_channel,private_channel"))["channels"]
    assert [channel["name"] for channel in own] == ["general", "ops"]
    random = playground.workspace.channel("random").id
    await client.conversations_join(channel=random)
    assert playground.bot_user_id in (await client.conversations_members(channel=random))["members"]
    assert (await client.conversations_join(channel=random))["warning"] == "already_in_channel"


async def test_a_direct_message_is_opened_with_one_user_and_a_group_with_several(
    playground: Playground, client: AsyncWebClient
) -> None:
    ada, grace = playground.person("ada"), playground.person("grace")
    direct = (await client.conversations_open(users=ada.id, return_im=True))["channel"]
    assert (direct["is_im"], direct["user"]) == (True, ada.id)
    group = (await client.conversations_open(users=[ada.id, grace.id]))["channel"]["id"]
    assert group == await ada.open_group_dm("grace")


async def test_files_of_people_are_read_with_the_token_only(
    playground: Playground, client: AsyncWebClient
) -> None:
    ts = await playground.person("ada").say("#general", "see", files=[Upload("notes.txt", b"hello")])
    file = playground.thread("#general", ts)[0]["files"][0]
    bearer = {"Authorization": f"Bearer {playground.bot_token}"}
    async with aiohttp.ClientSession() as session:
        async with session.get(file["url_private"], headers=bearer) as good:
            assert (await good.read(), good.content_type) == (b"hello", "text/plain")
        async with session.get(file["url_private"]) as bare:
            assert (bare.status, bare.content_type) == (200, "text/html")
    assert (await client.files_info(file=file["id"]))["file"]["size"] == 5


async def test_an_upload_in_two_steps_ends_as_a_message(playground: Playground, client: AsyncWebClient) -> None:
    answer = await client.files_upload_v2(
        channel=general(playground),
        content="a,b\n1,2\n",
        filename="t.csv",
        title="Table",
        initial_comment="Here",
    )
    assert answer["files"][0]["title"] == "Table"
    newest = (await client.conversations_history(channel=general(playground), limit=1))["messages"][0]
    assert (newest["text"], newest["subtype"]) == ("Here", "file_share")
    assert (await client.files_list())["files"][0]["name"] == "t.csv"


async def test_an_upload_goes_to_a_thread_with_a_comment_or_blocks(
    playground: Playground, client: AsyncWebClient
) -> None:
    channel = general(playground)
    root = await playground.person("ada").say(channel, "root", deliver=False)
    words = {"type": "rich_text_section", "elements": [{"type": "text", "text": "in blocks"}]}
    blocks = [{"type": "rich_text", "elements": [words]}]
    # The client sends this method's arguments as a query, so that blocks have to be JSON already.
    both: list[dict[str, Any]] = [{"initial_comment": "*in words*"}, {"blocks": json.dumps(blocks)}]
    for above in both:
        await client.files_upload_v2(
            channel=channel, thread_ts=root, content="# Rest\n", filename="answer.md", title="The rest", **above
        )
    comment, composed = playground.thread(channel, root)[1:]
    assert [shown["files"][0]["name"] for shown in (comment, composed)] == ["answer.md"] * 2
    assert (comment["text"], to_mrkdwn(comment["blocks"]), to_mrkdwn(composed["blocks"])) == (
        "*in words*",
        "*in words*",
        "in blocks",
    )
    assert comment["user"] == playground.bot_user_id


async def test_an_upload_needs_its_scope(playground: Playground, client: AsyncWebClient) -> None:
    playground.scopes.discard("files:write")
    with pytest.raises(SlackApiError, match="missing_scope"):
        await client.files_upload_v2(channel=general(playground), content="x", filename="x.txt")


async def test_search_finds_all_words_in_public_channels(
    playground: Playground, client: AsyncWebClient
) -> None:
    asked = await playground.person("ada").say("#general", "@threadloop?")
    token = action_token(playground.workspace, playground.workspace.channel("general").messages[asked])
    arguments = {"query": "UMBRELLA bring", "action_token": token}
    found = (await client.api_call("assistant.search.context", json=arguments))["results"]["messages"]
    assert [(each["author_name"], each["channel_name"]) for each in found] == [("Ada Lovelace", "general")]
    person = client_of(playground, playground.person("linus").token)
    matches = (await person.search_messages(query="umbrella"))["messages"]["matches"]
    assert [match["username"] for match in matches] == ["Ada Lovelace"]


async def test_a_permalink_names_channel_and_thread(playground: Playground, client: AsyncWebClient) -> None:
    ada, channel = playground.person("ada"), general(playground)
    root = await ada.say(channel, "root")
    reply = await ada.say(channel, "reply", thread_ts=root)
    link = (await client.chat_getPermalink(channel=channel, message_ts=reply))["permalink"]
    assert link.endswith(f"/archives/{channel}/p{reply.replace('.', '')}?thread_ts={root}&cid={channel}")


async def test_timestamps_are_unique_and_grow_also_when_the_clock_stands_still() -> None:
    playground = Playground(Seed.default(), clock=lambda: 1_700_000_000.0)
    ada = playground.person("ada")
    stamps = [await ada.say("#general", str(number), deliver=False) for number in range(50)]
    assert stamps == sorted(set(stamps))


async def test_rate_limits_answer_429_with_retry_after_where_they_are_enforced() -> None:
    now = [1_700_000_000.0]
    playground = Playground(Seed.default(), enforce_rates=True, clock=lambda: now[0])
    async with playground.serve(), aiohttp.ClientSession() as session:
        headers = {"Authorization": f"Bearer {playground.bot_token}"}

        async def ask() -> tuple[int, str | None, str | None]:
            async with session.get(f"{playground.api_url}users.list", headers=headers) as answer:
                return answer.status, answer.headers.get("Retry-After"), (await answer.json()).get("error")

        assert [(await ask())[0] for _ in range(20)] == [200] * 20
        assert await ask() == (429, "60", "ratelimited")
        now[0] += 60
        assert (await ask())[0] == 200


async def test_whoever_opens_the_address_in_a_browser_is_told_what_it_is(playground: Playground) -> None:
    async with aiohttp.ClientSession() as session, session.get(f"{playground.workspace.url}/") as answer:
        assert answer.status == 200
        assert "embedded Slack workspace" in await answer.text()
