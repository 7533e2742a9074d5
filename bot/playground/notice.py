"""What is noticed of the app's messages: whom they ping, what Slack fetches for them, what can be clicked."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias

from bot.playground import markup
from bot.playground.objects import JSON, Change, Message
from bot.playground.workspace import Workspace

PingKind: TypeAlias = Literal["user", "broadcast", "usergroup"]
_PINGED: dict[str, tuple[PingKind, str]] = {
    "user": ("user", "user_id"),
    "broadcast": ("broadcast", "range"),
    "usergroup": ("usergroup", "usergroup_id"),
}


@dataclass(frozen=True, slots=True)
class Ping:
    """A notification that a message of the app caused."""

    channel: str
    ts: str
    kind: PingKind
    target: str
    """The id of a user or a usergroup, or the range of a broadcast, such as `here`."""


@dataclass(frozen=True, slots=True)
class Unfurl:
    """A URL that Slack fetched because a message of the app shows it."""

    channel: str
    ts: str
    url: str


class Notice:
    """Looks at each message of the app when it is posted, changed, or grows.

    What was noticed once of a message isn't noticed again. A `text` beside blocks counts, too: notifications
    are made of it.
    """

    def __init__(self, workspace: Workspace) -> None:
        self.pings: list[Ping] = []
        self.unfurled: list[Unfurl] = []
        self._app = workspace.app

    def on_change(self, change: Change) -> None:
        """Note what a change makes people, or Slack, notice."""
        message = change.message
        if message is None or message.bot_id != self._app.user.bot_id:
            return
        if change.kind in ("posted", "changed", "ephemeral", "ephemeral_changed"):
            self._note(message)

    def _note(self, message: Message) -> None:
        elements = list(_elements(_body(message)))
        for element in elements:
            if element["type"] in _PINGED:
                kind, field = _PINGED[element["type"]]
                _add(self.pings, Ping(message.channel, message.ts, kind, str(element.get(field))))
        for url in _fetched(message, elements):
            _add(self.unfurled, Unfurl(message.channel, message.ts, url))


def clickable(message: JSON) -> list[str]:
    """The URLs that a click on a message, as the API shows it, can open: links, sources, and buttons."""
    shown = {**message, "text": ""} if message.get("blocks") else message
    return [str(element["url"]) for element in _elements(shown) if _is_clickable(element)]


def _is_clickable(element: JSON) -> bool:
    return element["type"] in ("link", "url", "button") and bool(element.get("url"))


def _fetched(message: Message, elements: Iterable[JSON]) -> Iterator[str]:
    for element in elements:
        if element["type"] == "image" and element.get("image_url"):
            yield str(element["image_url"])
        elif element["type"] == "link" and _is_previewed(element, message):
            yield str(element["url"])


def _is_previewed(link: JSON, message: Message) -> bool:
    written = str(link.get("text", link["url"]))
    # Slack keeps no message that only one person sees, and so has nothing to show previews under.
    return message.unfurls and message.visible_to is None and written not in _last_word(message)


def _last_word(message: Message) -> str:
    """What the next append may go on with: a link in it isn't whole yet."""
    if message.stream is None or not message.is_growing or message.stream.markdown[-1:].isspace():
        return ""
    *_, last = message.stream.markdown.split() or [""]
    return last


def _body(message: Message) -> JSON:
    # Where the blocks were made from the text, or the text from them, they say it all.
    text = message.text if message.composed or not message.blocks else ""
    return {"text": text, "blocks": message.blocks, "attachments": message.attachments}


def _elements(message: JSON) -> Iterator[JSON]:
    """Everything with a type that a message shows, mrkdwn read into rich text."""
    yield from _within(markup.from_mrkdwn(message.get("text") or ""))
    yield from _within(message.get("blocks") or ())
    for attachment in message.get("attachments") or ():
        texts = (attachment.get(name) for name in ("pretext", "text", "fallback"))
        yield from _within([{"type": "mrkdwn", "text": text} for text in texts if text])
        yield from _within(attachment.get("blocks") or ())


def _within(shown: Any) -> Iterator[JSON]:
    if isinstance(shown, list | tuple):
        for each in shown:
            yield from _within(each)
    elif isinstance(shown, dict):
        if shown.get("type") == "mrkdwn":
            yield from _within(markup.from_mrkdwn(str(shown.get("text", ""))))
            return
        if isinstance(shown.get("type"), str):
            yield shown
        for value in shown.values():
            yield from _within(value)


def _add(noticed: list[Any], what: Ping | Unfurl) -> None:
    if what not in noticed:
        noticed.append(what)
