"""Which conversations a tool may open for the person who asks.

The bot sees more than most people do. What it reads or writes for somebody stays within what that person may
see, and a refusal tells nobody whether the conversation exists.
"""

from __future__ import annotations

import re
from dataclasses import dataclass

from slack_sdk.errors import SlackApiError

from tools._framework.context import Context
from tools._framework.errors import ToolFailed
from tools._slack.calls import Json, client_of, code_of, collect
from tools._slack.directory import clean

_ID = re.compile(r"([CDG][A-Z0-9]{6,})")
_TOKEN = re.compile(r"<#([A-Z0-9]+)(?:\|[^>]*)?>")
_HERE = frozenset({"", "here", "this channel", "this conversation"})
_UNSEEN = frozenset({"channel_not_found", "not_in_channel"})
_MOST_MEMBERS = 50_000
_MOST_CHANNELS = 5_000


@dataclass(frozen=True, slots=True)
class Channel:
    """A conversation that the bot can see."""

    id: str
    label: str
    """Its name for people: `#general`, `a direct message`."""
    is_public: bool
    is_shared: bool
    """Whether people of another company are in it."""
    has_bot: bool

    @classmethod
    def of(cls, channel: Json) -> Channel:
        """Read a conversation of Slack's (https://docs.slack.dev/reference/objects/conversation-object)."""
        direct = channel.get("is_im") or channel.get("is_mpim")
        return cls(
            id=channel["id"],
            label="a direct message" if direct else "#" + clean(channel.get("name") or channel["id"]),
            is_public=not direct and not channel.get("is_private", True),
            is_shared=bool(channel.get("is_ext_shared")),
            has_bot=bool(channel.get("is_member", True)),
        )


def colleague_only(context: Context) -> None:
    """Refuse people of other companies. Raises ToolFailed."""
    if context.asker.is_external:
        raise ToolFailed("This is only for members of this workspace, and the asker is from another company.")


def is_direct(context: Context) -> bool:
    """Whether the asker and the bot are among themselves."""
    return context.channel.startswith("D")


async def label_of(context: Context, channel_id: str) -> str:
    """The name of a conversation for people."""
    channel = await _seen(context, channel_id)
    return channel.label if channel else "a conversation"


async def readable(context: Context, wanted: str) -> Channel:
    """The conversation called `wanted`, if its messages may be shown to the asker, where they asked.

    Raises:
        ToolFailed: they may not; or there is no such conversation, which is said in the same words.
    """
    channel = await _find(context, wanted)
    if channel.id == context.channel:
        return channel
    # Members may read all public channels; guests only those they were put in.
    open_to_all = channel.is_public and not context.asker.is_guest
    if context.asker.is_external or not (open_to_all or await _is_member(context, channel)):
        raise _closed(wanted)
    await check_audience(context, is_public=channel.is_public)
    return channel


async def writable(context: Context, wanted: str) -> Channel:
    """The conversation called `wanted`, if both the asker and the bot are in it.

    Raises:
        ToolFailed: as `readable` does.
    """
    channel = await _find(context, wanted)
    if not await _is_member(context, channel):
        raise _closed(wanted)
    return channel


async def check_audience(context: Context, *, is_public: bool) -> None:
    """Refuse to carry messages to where others would read them who may not.

    A planted instruction in a thread could otherwise make the asker's question show what only they may see.

    Raises:
        ToolFailed: the asker has to ask somewhere else.
    """
    if is_direct(context):
        return
    if not is_public:
        raise ToolFailed(
            "That conversation is private, and others read along here. Ask me in a direct message."
        )
    here = await _seen(context, context.channel)
    # Only slash commands come from where the bot is not, and their answers are for the asker alone.
    if here is not None and here.is_shared:
        raise ToolFailed("People of another company read along here. Ask me in a direct message.")


def _closed(wanted: str) -> ToolFailed:
    return ToolFailed(
        f"{wanted or 'That conversation'} is out of reach: there is no such conversation, or the asker or I "
        "am not in it. Somebody who is can add me with /invite."
    )


async def _find(context: Context, wanted: str) -> Channel:
    name = wanted.strip()
    if name.casefold() in _HERE:
        found = await _seen(context, context.channel)
    elif match := _TOKEN.fullmatch(name) or _ID.fullmatch(name):
        found = await _seen(context, match[1])
    else:
        found = await _called(context, name.removeprefix("#").casefold())
    if found is None or not found.has_bot:
        raise _closed(wanted)
    return found


async def _seen(context: Context, channel_id: str) -> Channel | None:
    try:
        return Channel.of((await client_of(context).conversations_info(channel=channel_id))["channel"])
    except SlackApiError as error:
        if code_of(error) in _UNSEEN:
            return None
        raise


async def _called(context: Context, name: str) -> Channel | None:
    # Only the bot's own channels: the list of all of them can be a hundred times as long.
    client = client_of(context)
    own = await collect(
        lambda cursor: client.users_conversations(
            types="public_channel,private_channel", exclude_archived=True, limit=200, cursor=cursor
        ),
        "channels",
        most=_MOST_CHANNELS,
    )
    return next((Channel.of(channel) for channel in own.entries if channel.get("name") == name), None)


async def _is_member(context: Context, channel: Channel) -> bool:
    client = client_of(context)
    members = await collect(
        lambda cursor: client.conversations_members(channel=channel.id, limit=1000, cursor=cursor),
        "members",
        most=_MOST_MEMBERS,
    )
    return context.asker.id in members.entries
