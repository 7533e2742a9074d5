"""`reactions.*`: emoji under messages."""

from __future__ import annotations

import re

from bot.playground.api.call import ApiError, Call, Method
from bot.playground.objects import JSON, Channel, Message

_EMOJI = re.compile(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?")


def add(call: Call) -> JSON:
    """Put an emoji under a message."""
    message, name = _target(call), _emoji(call)
    if not call.workspace.react(message, name, call.caller.id):
        raise ApiError("already_reacted")
    return {}


def remove(call: Call) -> JSON:
    """Take an own emoji away."""
    message, name = _target(call), _emoji(call)
    if not call.workspace.unreact(message, name, call.caller.id):
        raise ApiError("no_reaction")
    return {}


def get(call: Call) -> JSON:
    """A message with its emoji."""
    message = _target(call)
    permalink = call.shapes.permalink(message)
    shape = call.shapes.message(message) | {"permalink": permalink}
    return {"type": "message", "channel": message.channel, "message": shape}


def _target(call: Call) -> Message:
    channel: Channel = call.channel()
    if call.caller.id not in channel.members:
        raise ApiError("not_in_channel")
    if not call.text("timestamp"):
        raise ApiError("no_item_specified")
    return call.message(channel, "timestamp")


def _emoji(call: Call) -> str:
    name = call.required("name", "invalid_name").strip(":")
    if not _EMOJI.fullmatch(name):
        raise ApiError("invalid_name")
    return name


METHODS = (
    Method("reactions.add", add, ("reactions:write",), "tier3"),
    Method("reactions.remove", remove, ("reactions:write",), "tier2"),
    Method("reactions.get", get, ("reactions:read",), "tier3"),
)
