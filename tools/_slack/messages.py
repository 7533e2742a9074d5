"""Slack's messages as a model reads them."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import datetime
from typing import Any

from tools._framework.context import Context
from tools._framework.limits import cut
from tools._slack.calls import Json, client_of
from tools._slack.directory import Directory, clean
from tools._slack.links import link_to
from tools._zones import zone_or_utc

_SPOKEN = (None, "bot_message", "file_share", "me_message", "thread_broadcast")
_TOKEN = re.compile(r"<([^<>\n]+)>")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)")
_MOST_TEXT_CHARS = 1_500
_MOST_CHARS = 9_000


async def told(
    context: Context, channel: str, first: Iterable[Json], messages: Iterable[Json]
) -> tuple[list[dict[str, Any]], bool]:
    """What people said, with names and the asker's local times, and whether that is all of it.

    Args:
        context: the call's surroundings.
        channel: the id of the conversation that the messages are from.
        first: messages that are kept in any case, such as a thread's root.
        messages: the others, newest first. The oldest are left out where there is too much.

    Returns:
        Entries, oldest first.
    """
    spoken = list(filter(_is_spoken, messages))
    recent = list(_newest(spoken))
    kept = [*filter(_is_spoken, first), *recent[::-1]]
    client, directory = client_of(context), Directory.of(context)
    names = await directory.names(client, (user for message in kept for user in _people_in(message)))
    url = await directory.url(client)
    entries = [_entry(context, message, names, link_to(url, channel, message["ts"])) for message in kept]
    return entries, len(recent) == len(spoken)


def words_of(text: str, names: Mapping[str, str]) -> str:
    """Slack's `text` with its tokens in words and its escapes undone.

    See https://docs.slack.dev/messaging/formatting-message-text.
    """
    spoken = _TOKEN.sub(lambda match: _token(match[1], names), text)
    # Only after the tokens: an escaped `&lt;@U1&gt;` is something that a person typed.
    return spoken.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")


def counted(number: int, noun: str) -> str:
    """`1 message`, `2 messages`."""
    return f"{number} {noun}{'' if number == 1 else 's'}"


def people_in(text: str) -> list[str]:
    """The ids of the people whom `text` mentions."""
    return _MENTION.findall(text)


def local_time(context: Context, seconds: float) -> str:
    """A time by the asker's clock, as in `Sun 2026-11-22 14:05`."""
    return f"{datetime.fromtimestamp(seconds, zone_or_utc(context.asker.timezone)):%a %Y-%m-%d %H:%M}"


def _is_spoken(message: Json) -> bool:
    return message.get("subtype") in _SPOKEN


def _newest(messages: Iterable[Json]) -> Iterator[Json]:
    room = _MOST_CHARS
    for message in messages:
        room -= min(len(message.get("text") or ""), _MOST_TEXT_CHARS) + 100
        if room < 0:
            return
        yield message


def _people_in(message: Json) -> Iterator[str]:
    if user := message.get("user"):
        yield user
    yield from people_in(message.get("text") or "")


def _entry(context: Context, message: Json, names: Mapping[str, str], link: str) -> dict[str, Any]:
    files = "".join(f"\n[file: {clean(file.get('name') or 'unnamed')}]" for file in message.get("files") or ())
    text = cut(words_of(message.get("text") or "", names), _MOST_TEXT_CHARS)
    entry: dict[str, Any] = {
        "from": _speaker(message, names),
        "at": local_time(context, float(message["ts"])),
        "text": (text + files).strip(),
    }
    if replies := message.get("reply_count"):
        entry |= {"replies": replies, "thread": link}
    return entry


def _speaker(message: Json, names: Mapping[str, str]) -> str:
    profile = message.get("bot_profile") or {}
    return names.get(message.get("user") or "") or clean(
        message.get("username") or profile.get("name") or message.get("user") or "somebody"
    )


def _token(token: str, names: Mapping[str, str]) -> str:
    body, _, label = token.partition("|")
    match body[0]:
        case "@":
            return "@" + (names.get(body[1:]) or label or body[1:])
        case "#":
            return "#" + (label or body[1:])
        case "!":
            return label or "@" + body[1:].partition("^")[0]
    address = body.removeprefix("mailto:").removeprefix("tel:")
    return address if label in ("", address) else f"{label} ({address})"
