"""`threadloop gallery` shows each kind of answer, and Slack takes them all."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from support.bot import buttons_of

from bot.commands import gallery
from bot.playground import Playground, Seed, clickable
from bot.slack.content import (
    ACCEPT_ACTION,
    APPROVE_ACTION,
    DECLINE_ACTION,
    DENY_ACTION,
    RETRY_ACTION,
    VISIT_ACTION,
)
from bot.slack.marker import read_marker

Json = dict[str, Any]


async def test_the_gallery_shows_every_kind_of_answer_and_nothing_that_should_not_be_there() -> None:
    playground = Playground(Seed.default())
    shown: list[str] = []
    async with playground.serve(), gallery.shown(playground, shown.append):
        answers = list(_answers(playground))
        room = playground.workspace.channel("#general")
        last = list(room.top_level())[-1]
        await playground.until(
            lambda: playground.workspace.agent_thread(room.id, last.ts).status == "is thinking…",
            what="the status line",
        )
    refused = [call for call in playground.calls if call.outcome != "ok"]
    assert not refused
    assert len(shown) == len(gallery.EXHIBITS) + 7
    states = {marker.state for message in answers if (marker := read_marker(message))}
    assert states == {"closed", "final", "failed", "stopped"}
    assert sum(call.method == "chat.startStream" for call in playground.calls) >= 2
    # Only who is asked for a decision.
    assert {ping.target for ping in playground.pings} == {playground.person("ada").id}
    assert not playground.unfurled
    # The sources of the steps, the page of a button, and nothing that a text says.
    assert {url for message in answers for url in clickable(message)} == {
        "https://open-meteo.com/", "https://example.com/sign-in",
    }  # fmt: skip
    buttons = {button for message in answers for button in buttons_of(message)}
    assert buttons >= {
        RETRY_ACTION, APPROVE_ACTION, DENY_ACTION, ACCEPT_ACTION, DECLINE_ACTION, VISIT_ACTION,
    }  # fmt: skip
    kinds = {block["type"] for message in answers for block in message.get("blocks") or ()}
    assert kinds >= {
        "rich_text", "table", "plan", "context", "context_actions", "actions",
    }  # fmt: skip


def _answers(playground: Playground) -> Iterator[Json]:
    me = playground.workspace.app.user.id
    for root in playground.workspace.channel("#general").messages.values():
        for message in playground.thread("#general", root.ts)[1:]:
            if message.get("user") == me:
                yield message
