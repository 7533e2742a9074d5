"""Cards on which people decide, as the people of a test see and use them.

(card,) = await until_asked(scene, ts)
await approve(scene.ada, card)
await deny(scene.ada, card, "Not today")
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from support.bot import Scene

from bot.playground import Person
from bot.slack import approvals, elicitations
from bot.slack.content import APPROVE_ACTION, DENY_ACTION
from bot.slack.text import unescape

Json = dict[str, Any]


@dataclass(frozen=True)
class Card:
    """A card as it is in the thread now."""

    scene: Scene
    channel: str
    message: Json

    @property
    def ts(self) -> str:
        """Its timestamp."""
        return str(self.message["ts"])

    @property
    def text(self) -> str:
        """All that it says."""
        return unescape(self.message["text"])

    @property
    def buttons(self) -> dict[str, Json]:
        """Its buttons, by what they say."""
        rows = [block["elements"] for block in self.message["blocks"] if block["type"] == "actions"]
        return {button["text"]["text"]: button for row in rows for button in row}


def cards(scene: Scene, ts: str, channel: str = "#general", *, kind: str = approvals.EVENT_TYPE) -> list[Card]:
    """The cards in a thread."""
    return [
        Card(scene, channel, message)
        for message in scene.playground.thread(channel, ts)
        if (message.get("metadata") or {}).get("event_type") == kind
    ]


def elicitation_cards(scene: Scene, ts: str, channel: str = "#general") -> list[Card]:
    """The cards in a thread on which a running tool asks something."""
    return cards(scene, ts, channel, kind=elicitations.EVENT_TYPE)


def open_cards(scene: Scene, ts: str, channel: str = "#general") -> list[Card]:
    """The cards in a thread that can still be decided on."""
    return [card for card in cards(scene, ts, channel) if card.buttons]


async def until_asked(scene: Scene, ts: str, channel: str = "#general", *, times: int = 1) -> list[Card]:
    """Wait for so many open cards in a thread."""

    def asked() -> list[Card]:
        found = open_cards(scene, ts, channel)
        return found if len(found) >= times else []

    return await scene.playground.until(asked, what=f"{times} cards to decide on")


async def until_closed(scene: Scene, ts: str, *words: str, channel: str = "#general") -> None:
    """Wait until just so many cards in a thread are closed, with these words in some order."""

    def closed() -> bool:
        texts = [card.text for card in cards(scene, ts, channel) if not card.buttons]
        return len(texts) == len(words) and all(any(w in text for text in texts) for w in words)

    await scene.playground.until(closed, what=f"closed cards that say {words}")


async def until_said(scene: Scene, ts: str, words: str, channel: str = "#general") -> None:
    """Wait for a message with just these words in the answer to a question that starts a thread."""
    await scene.playground.until(
        lambda: words in [unescape(message["text"]) for message in scene.answers(ts, channel)],
        what=f"the answer {words!r}",
    )


async def approve(person: Person, card: Card) -> bool:
    """Press Approve."""
    return await person.press(card.channel, card.ts, APPROVE_ACTION)


async def deny(person: Person, card: Card, reason: str | None = None) -> None:
    """Press Deny, and give a reason in the modal that opens."""
    assert await person.press(card.channel, card.ts, DENY_ACTION)
    await submit(card.scene, person, {"reason": {"type": "plain_text_input", "value": reason}})


async def submit(scene: Scene, person: Person, values: dict[str, Json]) -> Json | None:
    """Submit the modal that is open, whose blocks and elements have the same names."""
    (view,) = modals(scene, person)
    return await person.submit(view["id"], {name: {name: value} for name, value in values.items()})


def modals(scene: Scene, person: Person) -> list[Json]:
    """The modals that somebody has open."""
    views = scene.playground.workspace.views.values()
    return [view for view in views if (view["type"], view["user_id"]) == ("modal", person.id)]
