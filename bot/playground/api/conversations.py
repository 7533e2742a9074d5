"""`conversations.*`: channels, their members and their messages."""

from __future__ import annotations

from collections.abc import Callable

from bot.playground.api.call import ApiError, Call, Method
from bot.playground.api.page import page
from bot.playground.objects import JSON, Channel, Message

_READ = ("channels:read", "groups:read", "im:read", "mpim:read")
_HISTORY = ("channels:history", "groups:history", "im:history", "mpim:history")
_TYPES = {"public_channel": "channel", "private_channel": "group", "im": "im", "mpim": "mpim"}
_SCOPE_OF_TYPE = dict(zip(_TYPES, _READ, strict=True))


def open_(call: Call) -> JSON:
    """Open the direct message with one user, or the group conversation with several."""
    known = call.text("channel")
    if known:
        channel = call.channel()
    else:
        users = [user for user in call.required("users", "users_list_not_supplied").split(",") if user]
        if any(user not in call.workspace.users for user in users):
            raise ApiError("user_not_found")
        if len(users) > 8:
            raise ApiError("too_many_users")
        call.need("im:write" if len(users) == 1 else "mpim:write")
        channel = call.workspace.open_direct([*users, call.caller.id])
    return {
        "no_op": bool(known),
        "already_open": bool(known),
        "channel": call.shapes.channel(channel, call.caller.id)
        if call.flag("return_im")
        else {"id": channel.id},
    }


def info(call: Call) -> JSON:
    """Describe a channel."""
    channel = call.channel()
    call.need_read(channel)
    shape = call.shapes.channel(channel, call.caller.id)
    if not call.flag("include_num_members"):
        shape.pop("num_members", None)
    return {"channel": shape}


def list_(call: Call) -> JSON:
    """List the channels that the caller may know of."""
    return _listed(call, lambda channel: channel.kind == "channel" or call.caller.id in channel.members)


def list_of_user(call: Call) -> JSON:
    """List the channels that a user is in."""
    user = call.text("user") or call.caller.id
    return _listed(call, lambda channel: user in channel.members)


def members(call: Call) -> JSON:
    """List a channel's members."""
    channel = call.channel()
    call.need_read(channel)
    people, paging = page(call, [(person, person) for person in channel.members], limit=100, most=1000)
    return {"members": people, **paging}


def history(call: Call) -> JSON:
    """The messages that begin threads or stand alone, newest first."""
    channel = _readable(call)
    call.need_history(channel)
    newest_first = list(filter(_range(call), reversed(channel.top_level())))
    messages, paging = _messages(call, newest_first, limit=100)
    return {
        "messages": messages,
        "pin_count": 0,
        "channel_actions_ts": None,
        "channel_actions_count": 0,
        **paging,
    }


def replies(call: Call) -> JSON:
    """Oldest first. The first page always begins with the root, whatever the range."""
    channel = _readable(call)
    call.need_history(channel)
    message = call.message(channel, "ts", "thread_not_found")
    root, *answers = channel.thread(message.thread_ts or message.ts) or [message]
    messages, paging = _messages(call, [root, *filter(_range(call), answers)], limit=1000)
    return {"messages": messages, **paging}


def join(call: Call) -> JSON:
    """Join a public channel."""
    channel = call.channel()
    if channel.kind != "channel":
        raise ApiError("method_not_supported_for_channel_type")
    new = call.workspace.join(channel, call.caller.id)
    shape: JSON = {"channel": call.shapes.channel(channel, call.caller.id)}
    return shape if new else {**shape, "warning": "already_in_channel"}


def mark(call: Call) -> JSON:
    """Move the read mark; nothing here shows it."""
    channel = call.member_channel()
    call.message(channel, "ts", "invalid_timestamp")
    return {}


def _listed(call: Call, wanted: Callable[[Channel], bool]) -> JSON:
    types = [kind for kind in call.text("types", "public_channel").replace(" ", "").split(",") if kind]
    if unknown := [kind for kind in types if kind not in _TYPES]:
        raise ApiError(
            "invalid_types", response_metadata={"messages": [f"[ERROR] unknown: {', '.join(unknown)}"]}
        )
    for kind in types:
        call.need(_SCOPE_OF_TYPE[kind])
    kinds = {_TYPES[kind] for kind in types}
    rooms = [room for room in call.workspace.channels.values() if room.kind in kinds and wanted(room)]
    chosen, paging = page(call, [(room.id, room) for room in rooms], limit=100, most=1000)
    return {"channels": [call.shapes.channel(room, call.caller.id) for room in chosen], **paging}


def _readable(call: Call) -> Channel:
    """A bot reads where it is a member; a person also reads public channels."""
    channel = call.channel()
    if call.caller.id not in channel.members and not (call.acts_as == "user" and channel.kind == "channel"):
        raise ApiError("not_in_channel")
    return channel


def _range(call: Call) -> Callable[[Message], bool]:
    """Whether a message lies between `oldest` and `latest`; read once, as threads can be long."""
    oldest, latest = _stamp(call, "oldest", 0.0), _stamp(call, "latest", float("inf"))
    if call.flag("inclusive"):
        return lambda message: oldest <= float(message.ts) <= latest
    return lambda message: oldest < float(message.ts) < latest


def _stamp(call: Call, name: str, default: float) -> float:
    value = call.text(name)
    if not value:
        return default
    try:
        return float(value)
    except ValueError as error:
        raise ApiError(f"invalid_ts_{name}") from error


def _messages(call: Call, messages: list[Message], *, limit: int) -> tuple[list[JSON], JSON]:
    chosen, paging = page(call, [(message.ts, message) for message in messages], limit=limit, most=1000)
    shown = [call.shapes.message(message, metadata=call.flag("include_all_metadata")) for message in chosen]
    more = bool(paging["response_metadata"]["next_cursor"])
    return shown, {"has_more": more, **(paging if more else {})}


METHODS = (
    Method("conversations.open", open_, ("im:write", "mpim:write"), "tier3"),
    Method("conversations.info", info, _READ, "tier3"),
    Method("conversations.list", list_, _READ, "tier2"),
    Method("conversations.members", members, _READ, "tier4"),
    Method("conversations.history", history, _HISTORY, "tier3", ("bot", "user")),
    Method("conversations.replies", replies, _HISTORY, "tier3", ("bot", "user")),
    Method("conversations.join", join, ("channels:join",), "tier3"),
    Method("conversations.mark", mark, ("channels:write", "groups:write", "im:write", "mpim:write"), "tier3"),
    Method("users.conversations", list_of_user, _READ, "tier3"),
)
