"""Slack's own messages and people, as far as the asker may see them, and messages in the asker's name."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from tools import Context, ToolFailed, ToolRetry, tool
from tools._slack.access import check_audience, colleague_only, is_direct, label_of, readable, writable
from tools._slack.calls import client_of, collect, slack_refusals
from tools._slack.directory import Directory
from tools._slack.links import MessageLink, link_to
from tools._slack.messages import MOST_RESULT_CHARS, counted, local_time, read_before, told, words_of
from tools._slack.moment import in_words, read_moment
from tools._slack.people import nearest
from tools._slack.posting import post_once
from tools._slack.scheduling import cancel, direct_messages, own, schedule_once
from tools._slack.searching import search
from tools._zones import zone_or_utc

_MOST_MESSAGES = 1_000
_MOST_HOURS = 24 * 31
# Slack may let a call wait, and long lists come in many.
_TIMEOUT_S = 60.0


@tool(title="Searching Slack for {query}", timeout_s=_TIMEOUT_S)
async def search_slack(query: str, context: Context) -> dict[str, Any]:
    """Search the messages of the workspace's public channels, as the asker.

    Args:
        query: A question, or the words to look for.
    """
    colleague_only(context)
    with slack_refusals():
        await check_audience(context, is_public=True)
        return await search(context, query)


@tool(title="Reading a thread", timeout_s=_TIMEOUT_S, max_result_chars=MOST_RESULT_CHARS)
async def read_slack_thread(link: str, context: Context, before: str = "") -> dict[str, Any]:
    """Read the Slack thread, or the message, that a link leads to. Of a long one, the newest replies.

    Args:
        link: The link, such as https://team.slack.com/archives/C0123ABCD/p1700000000000000
        before: What an incomplete result gives as before, to read the older replies that it left out.
    """
    wanted, latest = MessageLink.read(link), read_before(before)
    with slack_refusals():
        client, channel = client_of(context), await readable(context, wanted.channel)
        thread = await collect(
            lambda cursor: client.conversations_replies(
                channel=channel.id, ts=wanted.root, latest=latest, limit=200, cursor=cursor
            ),
            "messages",
            most=_MOST_MESSAGES,
        )
        part = await told(context, channel.id, thread, of_thread=True)
        address = link_to(await Directory.of(context).url(client), channel.id, wanted.root)
    return {
        "summary": part.summary("earlier message" if latest else "message", f"in {channel.label}"),
        **part.rest,
        "messages": part.entries,
        "sources": [{"title": f"Thread in {channel.label}", "url": address}],
    }


@tool(
    title="Reading the last {hours} hours of {channel}",
    timeout_s=_TIMEOUT_S,
    max_result_chars=MOST_RESULT_CHARS,
)
async def read_channel_history(
    context: Context, channel: str = "here", hours: int = 24, before: str = ""
) -> dict[str, Any]:
    """Read what was said in a Slack channel in the last hours, for example to summarise it.

    An entry's replies are not included: read its thread with read_slack_thread. Of many messages, the newest
    are read: to summarise all, call again with what the result gives as before.

    Args:
        channel: Its name (#general) or id. Leave it out, or say here, for this one.
        hours: How far to look back.
        before: What an incomplete result gives as before, to read the older messages that it left out.
    """
    if not 1 <= hours <= _MOST_HOURS:
        raise ToolRetry(f"hours must be between 1 and {_MOST_HOURS}.")
    oldest, latest = (context.now - timedelta(hours=hours)).timestamp(), read_before(before)
    with slack_refusals():
        client, room = client_of(context), await readable(context, channel)
        recent = await collect(
            lambda cursor: client.conversations_history(
                channel=room.id, oldest=f"{oldest:.6f}", latest=latest, limit=200, cursor=cursor
            ),
            "messages",
            most=_MOST_MESSAGES,
        )
        part = await told(context, room.id, recent)
        address = link_to(await Directory.of(context).url(client), room.id)
    where = f"of the last {counted(hours, 'hour')} in {room.label}"
    return {
        "summary": part.summary("earlier message" if latest else "message", where),
        **part.rest,
        "messages": part.entries,
        "sources": [{"title": room.label, "url": address}],
    }


@tool(title="Looking for {name}", timeout_s=_TIMEOUT_S)
async def find_person(name: str, context: Context) -> dict[str, Any]:
    """Find people of this Slack workspace by name: their title, local time and id.

    Args:
        name: A name or a part of it.
    """
    colleague_only(context)
    if context.asker.is_guest:
        raise ToolFailed("Guests cannot look through the members of the workspace.")
    if "@" in name.strip().lstrip("@") or not name.strip(" @"):
        raise ToolRetry("Give a name. People cannot be found by their mail addresses.")
    with slack_refusals():
        everybody = await Directory.of(context).everybody(client_of(context))
    people = [
        {
            "name": person.name,
            "real_name": person.real_name,
            "title": person.title,
            "local_time": f"{context.now.astimezone(zone_or_utc(person.timezone)):%a %H:%M}",
            "timezone": person.timezone,
            "id": person.id,
        }
        for person in nearest(everybody.entries, name)
    ]
    found = ", ".join(person["name"] for person in people) or "nobody"
    return {"summary": f"Found {found}.", "people": people, "looked_at_everybody": everybody.complete}


def _can_remind(when: str, context: Context) -> None:
    colleague_only(context)
    read_moment(context, when)


async def _can_post(channel: str, context: Context) -> None:
    colleague_only(context)
    with slack_refusals():
        await writable(context, channel)


async def _can_post_later(channel: str, when: str, context: Context) -> None:
    read_moment(context, when)
    await _can_post(channel, context)


@tool(title="Setting a reminder: {text}", read_only=False, check=_can_remind, timeout_s=_TIMEOUT_S)
async def remind_me(when: str, text: str, context: Context) -> dict[str, Any]:
    """Remind the asker of something in a direct message, up to 120 days ahead.

    Args:
        when: By the asker's clocks, as in tomorrow 9 am, friday 17:00, in 20 minutes, or 2026-11-30T09:00.
        text: What to remind them of.
    """
    colleague_only(context)
    moment = read_moment(context, when)
    with slack_refusals():
        reference = await schedule_once(context, await direct_messages(context), moment, f"Reminder: {text}")
    return {"summary": f"The reminder will come on {in_words(moment)}.", "reference": reference}


@tool(title="Scheduling a message in {channel}", read_only=False, check=_can_post_later, timeout_s=_TIMEOUT_S)
async def post_message_later(channel: str, when: str, text: str, context: Context) -> dict[str, Any]:
    """Post a message in a Slack channel at a later time, up to 120 days ahead. It says who wanted it.

    Args:
        channel: Its name (#general) or id, or here.
        when: By the asker's clocks, as in tomorrow 9 am, friday 17:00, in 20 minutes, or 2026-11-30T09:00.
        text: The message. *bold* and _italic_ work; mentions do not.
    """
    colleague_only(context)
    moment = read_moment(context, when)
    with slack_refusals():
        room = await writable(context, channel)
        reference = await schedule_once(context, room.id, moment, text)
    return {
        "summary": f"It will be posted in {room.label} on {in_words(moment)}.",
        "reference": reference,
    }


@tool(title="Listing scheduled messages", timeout_s=_TIMEOUT_S)
async def list_scheduled(context: Context) -> dict[str, Any]:
    """List the reminders and messages that wait to be sent for the asker."""
    with slack_refusals():
        waiting = await own(context)
        # Others read along in a channel, and what is to come elsewhere is for the asker alone.
        shown = [entry for entry in waiting if is_direct(context) or entry.channel == context.channel]
        places = {entry.channel: await label_of(context, entry.channel) for entry in shown}
    messages = [
        {
            "reference": entry.reference,
            "channel": places[entry.channel],
            "at": local_time(context, entry.post_at),
            "text": words_of(entry.text, {}),
        }
        for entry in shown
    ]
    hidden = len(waiting) - len(shown)
    more = f" Others ({hidden}) are listed only in direct messages." if hidden else ""
    return {"summary": f"{counted(len(messages), 'message')} to be sent.{more}", "messages": messages}


@tool(title="Cancelling a scheduled message", read_only=False, timeout_s=_TIMEOUT_S)
async def cancel_scheduled(reference: str, context: Context) -> dict[str, str]:
    """Cancel a reminder or a message that waits to be sent for the asker.

    Args:
        reference: Its reference, from list_scheduled.
    """
    with slack_refusals():
        cancelled = await cancel(context, reference)
    return {"summary": f"The message of {local_time(context, cancelled.post_at)} is cancelled."}


@tool(
    title="Posting in {channel}",
    read_only=False,
    approval="always",
    check=_can_post,
    timeout_s=_TIMEOUT_S,
)
async def post_message(channel: str, text: str, context: Context) -> dict[str, Any]:
    """Post a message in another Slack channel now. It says who wanted it. Answers need no tool.

    Args:
        channel: Its name (#general) or id.
        text: The message. *bold* and _italic_ work; mentions do not.
    """
    colleague_only(context)
    with slack_refusals():
        room = await writable(context, channel)
        ts = await post_once(context, room, text)
        address = link_to(await Directory.of(context).url(client_of(context)), room.id, ts)
    return {
        "summary": f"Posted in {room.label}.",
        "sources": [{"title": f"Message in {room.label}", "url": address}],
    }
