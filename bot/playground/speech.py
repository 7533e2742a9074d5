"""What somebody says, made into a message."""

from __future__ import annotations

from bot.playground import markup
from bot.playground.blocks import with_ids
from bot.playground.objects import Channel, Message, User
from bot.playground.workspace import Workspace


def spoken(
    workspace: Workspace,
    channel: Channel,
    speaker: User,
    text: str,
    *,
    thread_ts: str | None = None,
    raw: bool = False,
    at: float | None = None,
) -> Message:
    """What `speaker` says, as a message that is not posted yet. `raw` text is in Slack's form already."""
    if not raw:
        names = {user.name: user.id for user in workspace.users.values()}
        rooms = {room.name: room.id for room in workspace.channels.values() if room.name}
        text = markup.typed(text, names, rooms)
    return Message(
        channel=channel.id,
        ts=workspace.next_ts(at),
        user=speaker.id,
        text=text,
        blocks=tuple(with_ids(workspace, markup.from_mrkdwn(text))),
        thread_ts=thread_ts,
        bot_id=speaker.bot_id,
        app_id=speaker.app_id,
        client_msg_id=None if speaker.is_bot else workspace.new_id("m"),
    )
