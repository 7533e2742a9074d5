"""What the tools write in Slack: for whom, once, on time, and without pinging anybody else."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest
from support.slack_asker import Clock, acme, asking
from support.tool_context import tool_context

from bot.playground import Playground
from bot.slack.client import open_client
from tools import Asker, Context, Registry, ToolFailed, ToolRetry
from tools._slack.moment import read_moment
from tools.slack import cancel_scheduled, list_scheduled, post_message, post_message_later, remind_me

HOUR = 3600


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
async def playground(clock: Clock) -> AsyncIterator[Playground]:
    playground = acme(clock)
    async with playground.serve():
        yield playground


def said(playground: Playground, channel: str) -> list[str]:
    """The bot's posts in a channel, by id or name."""
    messages = playground.workspace.channel(channel).messages.values()
    return [message.text for message in messages if message.user == playground.bot_user_id]


def waiting(playground: Playground) -> list[str]:
    return [entry.message.text for entry in playground.workspace.schedule.waiting]


# Posts


async def test_a_post_says_for_whom_it_was_sent_and_where_it_is(playground: Playground) -> None:
    async with asking(playground, "ada", "dm") as context:
        posted = await post_message("#general", "Lunch at *noon*", context)
    assert said(playground, "general") == [f"_Sent for <@{context.asker.id}>_\nLunch at *noon*"]
    assert posted["summary"] == "Posted in #general."
    [message] = playground.workspace.channel("general").messages.values()
    assert posted["sources"][0]["url"].endswith(f"/archives/{message.channel}/p{message.ts.replace('.', '')}")
    [call] = [call for call in playground.calls if call.method == "chat.postMessage"]
    assert (call.arguments["unfurl_links"], call.arguments["unfurl_media"]) == (False, False)


@pytest.mark.parametrize(
    "text",
    ["<!channel>", "<!here|here>", "<@U123> hi", "<!subteam^S1|@team>", "<https://evil.example|Payroll>"],
)
async def test_a_post_holds_no_token_but_the_askers(playground: Playground, text: str) -> None:
    async with asking(playground, "ada", "dm") as context:
        await post_message("general", text, context)
        await post_message_later("general", "in 2 hours", text, context)
    for message in (*said(playground, "general"), *waiting(playground)):
        assert message.count("<") == 1
        assert f"Sent for <@{context.asker.id}>" in message


async def test_no_secret_is_sent_now_or_later(playground: Playground) -> None:
    text = "xoxb-1234567890-abcdefghij opens it, and so does hunter2hunter2. `password=example` is none."
    async with asking(playground, "ada", "dm", config={"SHOP_API_KEY": "hunter2hunter2"}) as context:
        await post_message("general", text, context)
        await post_message_later("general", "in 2 hours", text, context)
        await remind_me("in 2 hours", text, replace(context, call_id="call_2"))
    sent = [*said(playground, "general"), *waiting(playground)]
    assert len(sent) == 3
    for message in sent:
        assert message.endswith("[redacted] opens it, and so does [redacted]. `password=example` is none.")


async def test_a_repeated_post_comes_once(playground: Playground) -> None:
    async with asking(playground, "ada", "#general") as context:
        first = await post_message("#ops", "Once", context)
        assert await post_message("#ops", "Once", context) == first
        await post_message("#ops", "Once", replace(context, call_id="call_2"))
    assert len(said(playground, "ops")) == 2


async def test_a_post_whose_answer_was_lost_is_not_posted_again(playground: Playground) -> None:
    playground.faults.next("chat.postMessage", lose_response=True)
    async with asking(playground, "ada") as context:
        assert (await post_message("#ops", "Once", context))["summary"] == "Posted in #ops."
    assert len(said(playground, "ops")) == 1


async def test_the_bots_own_client_does_not_post_again_either(playground: Playground) -> None:
    playground.faults.next("chat.postMessage", lose_response=True)
    playground.faults.next("chat.scheduleMessage", lose_response=True)
    async with (
        open_client(playground.bot_token, playground.api_url, lambda *_: None) as client,
        asking(playground, "ada", slack=client) as context,
    ):
        await post_message("#ops", "Once", context)
        await remind_me("in 1 hour", "Once", context)
    assert (len(said(playground, "ops")), len(waiting(playground))) == (1, 1)


@pytest.mark.parametrize("fault", [{"reset": True}, {"status": 500}])
async def test_a_post_that_never_arrived_is_no_success(playground: Playground, fault: dict[str, Any]) -> None:
    playground.faults.next("chat.postMessage", **fault)
    async with asking(playground, "ada") as context:
        with pytest.raises(ToolFailed, match="Nothing was sent"):
            await post_message("#ops", "Once", context)
    assert said(playground, "ops") == []


@pytest.mark.parametrize("channel", ["#lounge", "#random", "#nope", "C999999999"])
async def test_a_post_needs_both_the_asker_and_the_bot_in_the_channel(
    playground: Playground, channel: str
) -> None:
    async with asking(playground, "ada") as context:
        with pytest.raises(ToolFailed, match="out of reach"):
            await post_message(channel, "Hello", context)
        with pytest.raises(ToolFailed, match="out of reach"):
            await post_message_later(channel, "in 2 hours", "Hello", context)
    assert (said(playground, "lounge"), waiting(playground)) == ([], [])


async def test_people_of_other_companies_send_nothing(playground: Playground) -> None:
    async with asking(playground, "sam", "#partners") as context:
        for refused in (
            post_message("#partners", "x", context),
            post_message_later("#partners", "in 1 hour", "x", context),
            remind_me("in 1 hour", "x", context),
        ):
            with pytest.raises(ToolFailed, match="another company"):
                await refused


@pytest.mark.parametrize(("text", "said"), [(" ", "empty"), ("x" * 3_501, "3501 characters")])
async def test_a_text_has_to_fit_a_message(playground: Playground, text: str, said: str) -> None:
    async with asking(playground, "ada") as context:
        with pytest.raises(ToolRetry, match=said):
            await post_message("#general", text, context)


async def test_a_channel_that_takes_no_posts_is_explained(playground: Playground) -> None:
    playground.faults.next("chat.postMessage", error="restricted_action")
    async with asking(playground, "ada") as context:
        with pytest.raises(ToolFailed, match="does not let me post there"):
            await post_message("#general", "x", context)


# Reminders and messages for later


async def test_a_reminder_comes_in_the_askers_direct_messages(playground: Playground, clock: Clock) -> None:
    ada = playground.person("ada")
    async with asking(playground, "ada") as context:
        answer = await remind_me("2026-11-22T14:30", "call <!here> Grace", context)
    assert answer["summary"] == "The reminder will come on Sunday, 22 November 2026 at 14:30 (GMT)."
    clock.now += 2.5 * HOUR
    dm = await ada.open_dm()
    [text] = await playground.until(lambda: said(playground, dm))
    assert text.partition("\n")[2] == "Reminder: call &lt;!here&gt; Grace"


async def test_a_later_message_comes_in_its_channel_on_time(playground: Playground, clock: Clock) -> None:
    async with asking(playground, "grace", "#general") as context:
        answer = await post_message_later("#ops", "tomorrow 9:00", "Stand-up!", context)
    assert answer["summary"] == "It will be posted in #ops on Monday, 23 November 2026 at 09:00 (EST)."
    clock.now = datetime(2026, 11, 23, 14, tzinfo=UTC).timestamp()
    [text] = await playground.until(lambda: said(playground, "ops"))
    assert text.endswith("\nStand-up!")
    assert f"Sent for <@{context.asker.id}>" in text


async def test_a_repeated_or_unanswered_reminder_comes_once(playground: Playground) -> None:
    playground.faults.next("chat.scheduleMessage", lose_response=True)
    async with asking(playground, "ada") as context:
        first = await remind_me("in 20 minutes", "tea", context)
        again = await remind_me("in 20 minutes", "tea", context)
        await remind_me("in 20 minutes", "tea", replace(context, call_id="call_2"))
    assert first["reference"] == again["reference"]
    assert len(waiting(playground)) == 2


async def test_a_reminder_that_never_arrived_is_no_success(playground: Playground) -> None:
    playground.faults.next("chat.scheduleMessage", reset=True)
    async with asking(playground, "ada") as context:
        with pytest.raises(ToolFailed, match="Nothing was sent"):
            await remind_me("in 20 minutes", "tea", context)


async def test_people_list_and_cancel_only_what_is_theirs(playground: Playground) -> None:
    async with asking(playground, "grace", "dm") as context:
        theirs = (await post_message_later("#ops", "in 1 hour", "Grace's", context))["reference"]
    async with asking(playground, "ada", "dm") as context:
        own = (await remind_me("in 2 hours", "tea & cake", context))["reference"]
        assert (await list_scheduled(context))["messages"] == [
            {
                "reference": own,
                "channel": "a direct message",
                "at": "Sun 2026-11-22 14:00",
                "text": "Reminder: tea & cake",
            }
        ]
        with pytest.raises(ToolRetry, match=f"There are: {own}"):
            await cancel_scheduled(theirs, context)
        cancelled = await cancel_scheduled(own.upper(), context)
        assert cancelled["summary"] == "The message of Sun 2026-11-22 14:00 is cancelled."
        assert (await list_scheduled(context))["messages"] == []
    assert len(waiting(playground)) == 1


async def test_reminders_are_not_listed_where_others_read_along(playground: Playground) -> None:
    async with asking(playground, "ada", "#general") as context:
        await remind_me("in 2 hours", "surprise for Grace", context)
        await post_message_later("here", "in 1 hour", "Hello", replace(context, call_id="call_2"))
        listed = await list_scheduled(context)
    assert [message["text"] for message in listed["messages"]] == ["Hello"]
    assert listed["summary"] == "1 message to be sent. Others (1) are listed only in direct messages."


async def test_what_is_about_to_be_sent_cannot_be_cancelled(playground: Playground, clock: Clock) -> None:
    async with asking(playground, "ada") as context:
        reference = (await remind_me("in 2 minutes", "tea", context))["reference"]
        clock.now += 90
        with pytest.raises(ToolFailed, match="cannot be cancelled any more"):
            await cancel_scheduled(reference, context)


async def test_slacks_limits_for_schedules_are_explained(playground: Playground) -> None:
    async with asking(playground, "ada") as context:
        for error, kind, words in (
            ("time_in_past", ToolFailed, "has passed"),
            ("time_too_far", ToolRetry, "120 days"),
            ("restricted_too_many", ToolFailed, "another time"),
        ):
            playground.faults.next("chat.scheduleMessage", error=error)
            with pytest.raises(kind, match=words):
                await remind_me("in 20 minutes", "tea", context)


async def test_nothing_is_written_without_approval(playground: Playground) -> None:
    registry = Registry([post_message, post_message_later, remind_me, cancel_scheduled, list_scheduled])
    arguments = '{"channel": "#general", "text": "x"}'
    async with asking(playground, "ada") as context:
        asked = [name for name in registry.names if registry.asks(name)]
        refused = await registry.call("post_message", arguments, context)
        posted = await registry.call("post_message", arguments, context, approved=True)
    assert asked == ["cancel_scheduled", "post_message", "post_message_later", "remind_me"]
    assert (refused.ok, posted.ok) == (False, True)
    assert len(said(playground, "general")) == 1


# Times


@contextlib.asynccontextmanager
async def in_new_york() -> AsyncIterator[Context]:
    async with tool_context() as context:
        yield replace(context, asker=Asker("U1", "Ann", "America/New_York"))


@pytest.mark.parametrize(
    ("words", "moment"),
    [
        ("2026-11-30T09:00", "2026-11-30T09:00:00-05:00"),
        ("2026-11-30 09:00:30", "2026-11-30T09:00:30-05:00"),
        ("2026-11-30T09:00Z", "2026-11-30T04:00:00-05:00"),
        ("2026-11-30T09:00+01:00", "2026-11-30T03:00:00-05:00"),
        ("In 20 minutes", "2026-11-22T07:20:00-05:00"),
        ("in 1 hour", "2026-11-22T08:00:00-05:00"),
        ("in an hour", "2026-11-22T08:00:00-05:00"),
        ("in 20 min", "2026-11-22T07:20:00-05:00"),
        ("in 2 weeks", "2026-12-06T07:00:00-05:00"),
        ("In 120 days", "2027-03-22T07:00:00-04:00"),
        ("today at 9:05", "2026-11-22T09:05:00-05:00"),
        ("tomorrow 09:00", "2026-11-23T09:00:00-05:00"),
        ("tomorrow at 9am", "2026-11-23T09:00:00-05:00"),
        ("tomorrow noon", "2026-11-23T12:00:00-05:00"),
        ("monday 9:00", "2026-11-23T09:00:00-05:00"),
        ("17:00", "2026-11-22T17:00:00-05:00"),
        ("5pm", "2026-11-22T17:00:00-05:00"),
        ("tonight at 8pm", "2026-11-22T20:00:00-05:00"),
        ("2026-11-30 9:00", "2026-11-30T09:00:00-05:00"),
        ("2027-03-14T03:30-04:00", "2027-03-14T03:30:00-04:00"),
    ],
)
async def test_times_are_the_askers_own(words: str, moment: str) -> None:
    async with in_new_york() as context:
        assert read_moment(context, words).isoformat() == moment


@pytest.mark.parametrize(
    ("words", "problem"),
    [
        ("soon", "not one time of day"),
        ("", "has passed"),
        ("today 25:00", "no time 25:00"),
        ("2026-11-30", "not one time of day"),
        ("tomorrow", "not one time of day"),
        ("today 06:59", "has passed"),
        ("2026-11-22T07:00", "has passed"),
        ("in 0 minutes", "has passed"),
        ("in 121 days", "too far"),
        ("in 99999 hours", "too far"),
        ("in 999999999 days", "is not a day"),
        ("2027-03-14T02:30", "does not exist.* Write 2027-03-14T03:30-04:00"),
        ("2027-11-07T01:30", "comes twice.* Write 2027-11-07T01:30-04:00"),
    ],
)
async def test_what_is_no_time_ahead_is_said(words: str, problem: str) -> None:
    async with in_new_york() as context:
        with pytest.raises(ToolRetry, match=problem):
            read_moment(context, words)
