"""`chat.scheduleMessage` and its kin: messages for later."""

from __future__ import annotations

from bot.playground.api.call import ApiError, Call, Method
from bot.playground.api.content import content, metadata, thread_root
from bot.playground.api.page import page
from bot.playground.objects import JSON, Channel, Message
from bot.playground.schedule import Scheduled

_FURTHEST_S = 120 * 24 * 3600
_WINDOW_S = 5 * 60
_MOST_IN_WINDOW = 30
_TOO_LATE_S = 60


def schedule_message(call: Call) -> JSON:
    """Keep a message for a channel until `post_at`, in seconds since 1970."""
    channel = call.member_channel()
    post_at = _post_at(call, channel)
    said = content(call)
    message = Message(
        channel=channel.id,
        ts="",
        user=call.caller.id,
        text=said.text,
        blocks=said.blocks,
        attachments=said.attachments,
        thread_ts=thread_root(call, channel.messages),
        bot_id=call.caller.bot_id,
        app_id=call.caller.app_id,
        metadata=metadata(call),
    )
    entry = Scheduled(call.workspace.new_id("Q"), message, post_at, int(call.workspace.clock()))
    call.workspace.schedule.add(entry)
    return {
        "channel": channel.id,
        "scheduled_message_id": entry.id,
        "post_at": post_at,
        "message": {"type": "delayed_message", "text": said.text, "bot_id": message.bot_id},
    }


def list_(call: Call) -> JSON:
    """What waits to be posted, the next one first."""
    room = call.channel().id if call.text("channel") else None
    oldest, latest = _seconds(call, "oldest", "0"), _seconds(call, "latest", "inf")
    entries = [
        (entry.id, entry)
        for entry in call.workspace.schedule.waiting
        if room in (None, entry.message.channel) and oldest <= entry.post_at <= latest
    ]
    chosen, paging = page(call, entries, limit=100, most=100)
    shown = [
        {
            "id": entry.id,
            "channel_id": entry.message.channel,
            "post_at": entry.post_at,
            "date_created": entry.created,
            "text": entry.message.text,
        }
        for entry in chosen
    ]
    return {"scheduled_messages": shown, **paging}


def delete(call: Call) -> JSON:
    """Take a message back, up to a minute before it would be posted."""
    channel = call.channel()
    wanted = call.required("scheduled_message_id")
    for entry in call.workspace.schedule.waiting:
        too_late = entry.post_at - call.workspace.clock() < _TOO_LATE_S
        if entry.id == wanted and entry.message.channel == channel.id and not too_late:
            call.workspace.schedule.remove(entry)
            return {}
    raise ApiError("invalid_scheduled_message_id")


def _post_at(call: Call, channel: Channel) -> int:
    post_at, now = _seconds(call, "post_at", ""), call.workspace.clock()
    if post_at <= now:
        raise ApiError("time_in_past")
    if post_at > now + _FURTHEST_S:
        raise ApiError("time_too_far")
    near = [
        entry
        for entry in call.workspace.schedule.waiting
        if entry.message.channel == channel.id and abs(entry.post_at - post_at) < _WINDOW_S
    ]
    if len(near) >= _MOST_IN_WINDOW:
        raise ApiError("restricted_too_many")
    return int(post_at)


def _seconds(call: Call, name: str, default: str) -> float:
    try:
        return float(call.text(name, default) or default)
    except ValueError as error:
        raise ApiError("invalid_time") from error


METHODS = (
    Method("chat.scheduleMessage", schedule_message, ("chat:write",), "tier3"),
    Method("chat.scheduledMessages.list", list_, (), "tier3"),
    Method("chat.deleteScheduledMessage", delete, ("chat:write",), "tier3"),
)
