"""The tool calls of an answer as people see them: task cards, and the words of the status line.

A card is a chunk while a message is streamed and a block when it is posted
(https://docs.slack.dev/reference/block-kit/blocks/task-card-block).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sized
from dataclasses import dataclass, replace
from typing import Any, Literal, TypeAlias

from bot.conversation import Link, ToolCall, ToolResult

Json: TypeAlias = Mapping[str, Any]
CardState = Literal["in_progress", "complete", "error"]

# Slack's most for each text of a task_update chunk; a title has room for how far its call is.
_MOST_CHARS = 256
_MOST_TITLE_CHARS = 160
_MOST_PROGRESS_CHARS = 90
_MOST_SOURCES = 5
_MOST_SOURCE_CHARS = 80
# A few steps are a timeline, many a plan.
_PLAN_FROM = 4
CARD_BLOCKS = ("task_card", "plan")
_CONTINUED = "Goes on in the next message."


@dataclass(frozen=True, slots=True)
class Card:
    """One tool call."""

    id: str
    title: str
    state: CardState = "in_progress"
    output: str = ""
    sources: tuple[Link, ...] = ()

    def chunk(self, *, output: bool = True) -> Json:
        """For a stream, where an output is added to what is there: so it is sent once."""
        chunk: dict[str, Any] = {
            "type": "task_update", "id": self.id, "title": self.title, "status": self.state
        }  # fmt: skip
        if self.output and output:
            chunk |= {"output": self.output} | ({"sources": self._sources()} if self.sources else {})
        return chunk

    def block(self) -> Json:
        """For a post."""
        block: dict[str, Any] = {
            "type": "task_card", "task_id": self.id, "title": self.title, "status": self.state
        }  # fmt: skip
        if self.output:
            text = {"type": "text", "text": self.output}
            section = {"type": "rich_text_section", "elements": [text]}
            block["output"] = {"type": "rich_text", "elements": [section]}
        if self.sources:
            block["sources"] = self._sources()
        return block

    def _sources(self) -> list[Json]:
        return [
            {"type": "url", "url": source.url, "text": source.title or source.url} for source in self.sources
        ]


class Tasks:
    """The cards of one answer.

    Args:
        title: a call in words for people, such as "Checking the weather in Boston".
        safe: makes a tool's or a model's words, of at most so many characters, safe to show.
    """

    def __init__(self, title: Callable[[ToolCall], str], safe: Callable[[str, int], str]) -> None:
        self._title = title
        self._safe = safe
        self._cards: dict[str, Card] = {}
        self._titles: dict[str, str] = {}
        self._news: dict[str, None] = {}

    def start(self, call: ToolCall) -> None:
        """A call has begun."""
        self._titles[call.id] = self._safe(self._title(call), _MOST_TITLE_CHARS)
        self._put(Card(call.id, self._titles[call.id]))

    def report(self, call_id: str, progress: str) -> None:
        """A call tells how far it is: shown as its title, which is the part that can be replaced."""
        card = self._cards.get(call_id)
        if card and card.state == "in_progress":
            words = self._safe(progress, _MOST_PROGRESS_CHARS)
            self._put(replace(card, title=f"{self._titles[card.id]} — {words}"))

    def finish(self, call: ToolCall, result: ToolResult) -> None:
        """A call has ended, well or not."""
        if call.id not in self._cards:
            self.start(call)
        output = self._safe(result.summary, _MOST_CHARS)
        card = self._ended(self._cards[call.id], "complete" if result.ok else "error", output)
        sources = tuple(self._link(source) for source in result.sources[:_MOST_SOURCES])
        self._put(replace(card, sources=sources))

    def _link(self, source: Link) -> Link:
        return Link(self._safe(source.title or source.url, _MOST_SOURCE_CHARS), source.url)

    def _put(self, card: Card) -> None:
        self._cards[card.id] = card
        self._news[card.id] = None

    @property
    def has_news(self) -> bool:
        """Whether a card has changed since `take`."""
        return bool(self._news)

    @property
    def running(self) -> bool:
        """Whether a call is under way."""
        return bool(self._running())

    def take(self) -> list[Card]:
        """The cards that have changed since this was asked last."""
        changed, self._news = [self._cards[card_id] for card_id in self._news], {}
        return changed

    def carry_over(self) -> list[Card]:
        """Close the cards of calls under way: they go on in the next message, where they are new."""
        running = self._running()
        self._news = dict.fromkeys([*self._news, *(card.id for card in running)])
        return [self._ended(card, "complete", _CONTINUED) for card in running]

    def give_up(self) -> None:
        """The calls under way are not waited for any more."""
        for card in self._running():
            self._put(self._ended(card, "error"))

    def _ended(self, card: Card, state: CardState, output: str = "") -> Card:
        return replace(card, title=self._titles[card.id], state=state, output=output)

    def doing(self) -> str:
        """What is being done, for the status line: `checking the weather in Boston and calculating 2 + 2`."""
        titles = [self._titles[card.id] for card in self._running()]
        doing = [title[:1].lower() + title[1:] for title in titles]
        words = " and ".join(filter(None, [", ".join(doing[:-1]), *doing[-1:]]))
        return words if len(words) <= _MOST_CHARS else f"working on {len(doing)} things"

    def _running(self) -> list[Card]:
        return [card for card in self._cards.values() if card.state == "in_progress"]


def blocks(cards: Iterable[Card]) -> tuple[Json, ...]:
    """The cards of a posted message; many of them as a plan."""
    cards = list(cards)
    shown = [card.block() for card in cards]
    return ({"type": "plan", "title": plan_title(cards), "tasks": shown},) if is_plan(cards) else tuple(shown)


def is_plan(cards: Sized) -> bool:
    """Whether so many cards are better shown as a plan."""
    return len(cards) >= _PLAN_FROM


def plan_title(cards: Sized) -> str:
    """What stands above them then."""
    return f"{len(cards)} steps"
