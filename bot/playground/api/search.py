"""Search: a plain look for the words of the query, without Slack's ranking or its modifiers."""

from __future__ import annotations

from bot.playground.action_tokens import bearer
from bot.playground.api.call import ApiError, Call, Method
from bot.playground.api.page import page
from bot.playground.objects import JSON, Channel, Message, User


def search_messages(call: Call) -> JSON:
    """Search for a person, in all that they may read."""
    query = call.required("query", "no_query")
    found = _found(call, query, call.caller, kinds=("channel", "group", "im", "mpim"))
    count, number = call.number("count", 20, most=100), call.number("page", 1, most=100)
    chosen = found[(number - 1) * count : number * count]
    matches = [
        call.shapes.message(message)
        | {
            "channel": {"id": channel.id, "name": channel.name},
            "username": _name(call, message),
            "permalink": call.shapes.permalink(message),
        }
        for channel, message in chosen
    ]
    paging = {"count": count, "total": len(found), "page": number, "pages": -(-len(found) // count)}
    return {"query": query, "messages": {"total": len(found), "paging": paging, "matches": matches}}


def search_context(call: Call) -> JSON:
    """A bot searches as the person whose event's `action_token` it sends; public channels only."""
    query = call.required("query")
    found = _found(call, query, _searcher(call), kinds=("channel",))
    chosen, paging = page(
        call, [(message.ts, (channel, message)) for channel, message in found], limit=20, most=20
    )
    results = [
        {
            "author_name": _name(call, message),
            "author_user_id": message.user,
            "team_id": call.workspace.team,
            "channel_id": channel.id,
            "channel_name": channel.name,
            "message_ts": message.ts,
            "content": message.text,
            "is_author_bot": message.bot_id is not None,
            "permalink": call.shapes.permalink(message),
        }
        for channel, message in chosen
    ]
    return {"results": {"messages": results}, **paging}


def _searcher(call: Call) -> User:
    """The person for whom the call searches."""
    if call.acts_as == "user":
        return call.caller
    if not call.text("action_token"):
        raise ApiError("missing_action_token")
    person = bearer(call.workspace, call.text("action_token"))
    if person is None:
        raise ApiError("invalid_action_token")
    return person


def _found(call: Call, query: str, person: User, kinds: tuple[str, ...]) -> list[tuple[Channel, Message]]:
    """The messages that `person` may read and that hold every word of the query, newest first."""
    words = query.lower().split()
    found = [
        (channel, message)
        for channel in call.workspace.channels.values()
        if channel.kind in kinds and _may_read(person, channel)
        for message in channel.messages.values()
        if all(word in message.text.lower() for word in words)
    ]
    return sorted(found, key=lambda pair: pair[1].ts, reverse=True)


def _may_read(person: User, channel: Channel) -> bool:
    """Members read their channels. Public ones are open to everybody but guests and other organisations."""
    outsider = person.is_restricted or person.is_ultra_restricted or person.is_stranger
    return person.id in channel.members or (channel.kind == "channel" and not outsider)


def _name(call: Call, message: Message) -> str:
    user = call.workspace.users.get(message.user or "")
    return message.username or (user.real_name if user else "")


METHODS = (
    Method("search.messages", search_messages, ("search:read",), "tier2", ("user",)),
    Method(
        "assistant.search.context",
        search_context,
        ("search:read.public", "search:read"),
        "tier2",
        ("bot", "user"),
    ),
)
