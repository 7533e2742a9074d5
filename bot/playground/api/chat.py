"""`chat.*`: posts, edits, deletions, ephemeral messages, permalinks."""

from __future__ import annotations

from dataclasses import replace

from bot.playground.api.call import ApiError, Call, Method
from bot.playground.api.content import content, metadata, thread_root, unfurls
from bot.playground.objects import JSON, Channel, Message

_MOST_NEW_TEXT = 4_000
"""What `chat.update` takes as text, unlike a post (https://docs.slack.dev/reference/methods/chat.update)."""


def post_message(call: Call) -> JSON:
    """Post to a channel, a thread, or a user's direct messages."""
    channel = _open_channel(call)
    said = content(call)
    username = call.text("username") or None
    if username:
        call.need("chat:write.customize")
    root = thread_root(call, channel.messages)
    message = call.workspace.post(
        Message(
            channel=channel.id,
            ts=call.workspace.next_ts(),
            user=call.caller.id,
            thread_ts=root,
            subtype="bot_message" if username else None,
            username=username,
            bot_id=call.caller.bot_id,
            app_id=call.caller.app_id,
            metadata=metadata(call),
            unfurls=unfurls(call),
            **said.fields,
        )
    )
    return {"channel": channel.id, "ts": message.ts, "message": call.shapes.message(message, metadata=True)}


def update(call: Call) -> JSON:
    """Replace what an own message says."""
    channel = call.channel()
    message = _own(call, call.message(channel, "ts"), "cant_update_message")
    if message.is_growing:
        raise ApiError("streaming_state_conflict")
    if len(call.text("text")) > _MOST_NEW_TEXT:
        raise ApiError("msg_too_long")
    said, told = content(call), metadata(call)
    if message.composed and "blocks" not in call.arguments and not call.text("markdown_text"):
        # Blocks that aren't mentioned stay, whatever the new text says.
        said = replace(said, blocks=message.blocks, composed=True)
    changed = call.workspace.change(message, metadata=message.metadata if told is None else told, **said.fields)
    shape = call.shapes.message(changed, metadata=True)
    return {"channel": channel.id, "ts": message.ts, "text": changed.text, "message": shape}


def delete(call: Call) -> JSON:
    """Take an own message away."""
    channel = call.channel()
    message = _own(call, call.message(channel, "ts"), "cant_delete_message")
    if message.is_growing:
        raise ApiError("cant_delete_message")
    call.workspace.delete(message)
    return {"channel": channel.id, "ts": message.ts}


def post_ephemeral(call: Call) -> JSON:
    """Show a message to one member of a channel."""
    channel = call.channel()
    viewer = call.required("user")
    if call.caller.id not in channel.members:
        raise ApiError("not_in_channel" if channel.kind != "im" else "channel_not_found")
    if viewer not in channel.members:
        raise ApiError("user_not_in_channel")
    said = content(call)
    message = Message(
        channel=channel.id,
        ts=call.workspace.next_ts(),
        user=call.caller.id,
        thread_ts=thread_root(call, channel.messages),
        bot_id=call.caller.bot_id,
        app_id=call.caller.app_id,
        visible_to=viewer,
        **said.fields,
    )
    return {"message_ts": call.workspace.show(message).ts}


def get_permalink(call: Call) -> JSON:
    """The link to a message."""
    channel = call.channel()
    message = call.message(channel, "message_ts")
    return {"channel": channel.id, "permalink": call.shapes.permalink(message)}


def _open_channel(call: Call) -> Channel:
    """The channel to post in; a user's id stands for the direct message with them."""
    wanted = call.text("channel")
    if wanted in call.workspace.users and wanted != call.caller.id:
        return call.workspace.open_direct([wanted, call.caller.id])
    channel = call.channel()
    if call.caller.id not in channel.members and not _may_post_anywhere(call, channel):
        raise ApiError("not_in_channel")
    return channel


def _may_post_anywhere(call: Call, channel: Channel) -> bool:
    return channel.kind == "channel" and "chat:write.public" in call.scopes


def _own(call: Call, message: Message, error: str) -> Message:
    if message.user != call.caller.id:
        raise ApiError(error)
    return message


METHODS = (
    Method("chat.postMessage", post_message, ("chat:write",), "posting", ("bot", "user")),
    Method("chat.update", update, ("chat:write",), "tier3"),
    Method("chat.delete", delete, ("chat:write",), "tier3"),
    Method("chat.postEphemeral", post_ephemeral, ("chat:write",), "tier4"),
    Method("chat.getPermalink", get_permalink, (), "none", ("bot", "user")),
)
