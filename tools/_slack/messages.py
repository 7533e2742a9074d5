"""Slack's messages as a model reads them."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tools._framework.context import Context
from tools._framework.errors import ToolRetry
from tools._framework.limits import cut
from tools._slack.calls import Collected, Json, client_of
from tools._slack.directory import Directory, clean
from tools._slack.links import link_to
from tools._zones import zone_or_utc

_SPOKEN = (None, "bot_message", "file_share", "me_message", "thread_broadcast")
_TOKEN = re.compile(r"<([^<>\n]+)>")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)")
_STAMP = re.compile(r"\d{10}\.\d{6}")
_MOST_TEXT_CHARS = 1_500
_MOST_CHARS = 24_000
_AROUND_CHARS = 75
"""What an entry takes besides its text: a name, a time, and JSON's marks."""
_THREAD_CHARS = 110
"""What the link to a thread takes."""
MOST_RESULT_CHARS = 30_000
"""Characters of a result with entries, which names and the rest may make longer than was reckoned."""


@dataclass(frozen=True, slots=True)
class Told:
    """What people said, as far as there was room for it."""

    entries: list[dict[str, Any]]
    """With names and the asker's local times, the oldest first."""
    left_out: int
    """How many older ones there was no room for."""
    before: str
    """The timestamp before which there is more to read; empty if there is not."""
    has_all: bool
    """Whether these and the ones left out are all there are."""
    span: tuple[str, str] | None
    """When the oldest and the newest were said, without a thread's root."""

    @property
    def complete(self) -> bool:
        """Whether nothing is missing."""
        return self.has_all and not self.left_out

    @property
    def rest(self) -> dict[str, Any]:
        """What a result says of what is missing."""
        more = {"left_out": self.left_out, "before": self.before} if self.before else {}
        return {"complete": self.complete, **more}

    def summary(self, noun: str, where: str) -> str:
        """`Read 48 of 400 messages in #general (Sun 2026-11-22 10:05 to Sun 2026-11-22 10:53).`"""
        shown = len(self.entries)
        if self.complete:
            return f"Read {counted(shown, noun)} {where}."
        of = f"{shown} of {'' if self.has_all else 'more than '}{counted(shown + self.left_out, noun)}"
        return f"Read {of} {where}{' ({} to {})'.format(*self.span) if self.span else ''}."


async def told(context: Context, channel: str, found: Collected, *, of_thread: bool = False) -> Told:
    """What people said; of too much, the newest.

    Args:
        context: the call's surroundings.
        channel: the id of the conversation that the messages are from.
        found: messages as Slack gives them: the newest first, or of a thread the oldest.
        of_thread: whether it is a thread, whose root is kept in any case.
    """
    root, newest_first = (found.entries[:1], found.entries[:0:-1]) if of_thread else ([], found.entries)
    spoken = list(filter(_is_spoken, newest_first))
    recent = list(_newest(spoken))[::-1]
    kept = [*filter(_is_spoken, root), *recent]
    client, directory = client_of(context), Directory.of(context)
    names = await directory.names(client, (user for message in kept for user in _people_in(message)))
    url = await directory.url(client)
    left_out = len(spoken) - len(recent)
    # What Slack held back is older in a channel, and newer in a thread.
    held_back = not found.complete and not of_thread
    reached = recent[:1] if left_out else newest_first[-1:] if held_back else []
    return Told(
        entries=[_entry(context, message, names, link_to(url, channel, message["ts"])) for message in kept],
        left_out=left_out,
        before=str(reached[0]["ts"]) if reached else "",
        has_all=found.complete,
        span=(_at(context, recent[0]), _at(context, recent[-1])) if recent else None,
    )


def read_before(text: str) -> str | None:
    """The timestamp that an earlier result gave for reading on; `None` if there is none. Raises ToolRetry."""
    stamp = text.strip()
    if stamp and not _STAMP.fullmatch(stamp):
        raise ToolRetry("before is not what an earlier result gave. Repeat that, or leave it out.")
    return stamp or None


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
        text = json.dumps((message.get("text") or "")[:_MOST_TEXT_CHARS] + _files(message), ensure_ascii=False)
        room -= len(text) + _AROUND_CHARS + (_THREAD_CHARS if message.get("reply_count") else 0)
        if room < 0:
            return
        yield message


def _people_in(message: Json) -> Iterator[str]:
    if user := message.get("user"):
        yield user
    yield from people_in(message.get("text") or "")


def _entry(context: Context, message: Json, names: Mapping[str, str], link: str) -> dict[str, Any]:
    text = cut(words_of(message.get("text") or "", names), _MOST_TEXT_CHARS)
    entry: dict[str, Any] = {
        "from": _speaker(message, names),
        "at": _at(context, message),
        "text": (text + _files(message)).strip(),
    }
    if replies := message.get("reply_count"):
        entry |= {"replies": replies, "thread": link}
    return entry


def _at(context: Context, message: Json) -> str:
    return local_time(context, float(message["ts"]))


def _files(message: Json) -> str:
    return "".join(f"\n[file: {clean(file.get('name') or 'unnamed')}]" for file in message.get("files") or ())


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
