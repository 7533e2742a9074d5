"""One message of an answer in the embedded workspace, whose time passes when the test says so."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from support.passing_time import LetPass

from bot.conversation import Question
from bot.playground import Playground, Seed
from bot.slack.client import open_client
from bot.slack.delivery import Delivery
from bot.slack.pacing import Pacer
from bot.slack.part import Part
from bot.slack.status import Abilities
from bot.slack.tiers import limit_of


@dataclass
class Bench:
    """A workspace, a question in it, and what its answer's messages need."""

    playground: Playground
    delivery: Delivery
    let_pass: LetPass
    abilities: Abilities = field(default_factory=Abilities)

    @property
    def pacer(self) -> Pacer:
        return self.delivery.client.pacer

    def part(self) -> Part:
        run_id = self.delivery.question.run_id
        return Part(self.delivery, self.abilities, 0, run_id=run_id)

    async def grown(self, part: Part, text: str) -> None:
        """Let it grow, and again when a change is due."""
        await part.grow(text, ())
        await self.let_pass(10)
        await part.grow(text, ())

    async def use_up(self, method: str, *, but: int = 0) -> None:
        """Have a method called as often as its limit allows, or less often."""
        for _ in range(int(limit_of(method).calls) - but):
            (await self.pacer.turn(method, self.delivery.question.channel)).answered()

    @property
    def shown(self) -> list[str]:
        """The texts of the messages in the question's thread."""
        thread = self.playground.thread("#general", self.delivery.question.ts)
        return [message["text"] for message in thread[1:]]

    def calls(self, method: str) -> list[dict[str, Any]]:
        return [call.arguments for call in self.playground.calls if call.method == method]


@asynccontextmanager
async def bench(let_pass: LetPass, *, streams: bool = False) -> AsyncIterator[Bench]:
    playground = Playground(Seed.default())
    if not streams:
        playground.without("chat.*Stream")
    async with (
        playground.serve(),
        open_client(playground.bot_token, playground.api_url, lambda *_: None) as client,
    ):
        ada = playground.person("ada")
        ts = await ada.say("#general", "@threadloop Anything?", deliver=False)
        room = playground.workspace.channel("#general").id
        question = Question(playground.team_id, room, ts, ts, ada.id, "Anything?", "mention")
        yield Bench(playground, Delivery(client, question, playground.bot_user_id), let_pass)


async def test_a_post_that_was_left_out_is_not_looked_for(let_pass: LetPass) -> None:
    async with bench(let_pass) as at:
        await at.use_up("chat.postMessage", but=1)
        part = at.part()
        await at.grown(part, "Some words. ")
        assert at.shown == []
        await part.close("And more.", (), "final")
        assert at.shown == ["Some words. Some words. And more."]
        assert not at.calls("conversations.replies")


async def test_an_answer_is_shown_before_its_end_where_its_change_will_not_have_to_wait(
    let_pass: LetPass,
) -> None:
    async with bench(let_pass) as at:
        part = at.part()
        await at.grown(part, "Some words. ")
        assert at.shown == ["Some words. Some words."]
        await part.close("And more.", (), "final")
        assert at.shown == ["Some words. Some words. And more."]
        await at.use_up("chat.update", but=2)
        crowded = at.part()
        await at.grown(crowded, "Other words. ")
        assert len(at.shown) == 1
        await crowded.close("And more.", (), "final")
        assert at.shown[1:] == ["Other words. Other words. And more."]
        assert len(at.calls("chat.update")) == 1


async def test_the_change_of_what_could_not_be_posted_is_left_for_others(let_pass: LetPass) -> None:
    async with bench(let_pass) as at:
        await at.use_up("chat.update", but=2)
        at.playground.faults.next("chat.postMessage", error="restricted_action")
        await at.grown(at.part(), "Some words. ")
        assert at.shown == []
        assert at.pacer.open_draft()


async def test_the_changes_of_what_is_closed_are_left_for_others(let_pass: LetPass) -> None:
    async with bench(let_pass) as at:
        await at.use_up("chat.update", but=3)
        part = at.part()
        await at.grown(part, "Some words. ")
        assert not at.pacer.open_draft()
        await part.close("And more.", (), "final")
        assert at.pacer.open_draft()


async def test_what_a_stream_that_ends_early_has_not_shown_is_shown_soon(let_pass: LetPass) -> None:
    async with bench(let_pass, streams=True) as at:
        part = at.part()
        await part.grow("Some words. ", ())
        at.playground.faults.next("chat.appendStream", error="message_not_in_streaming_state")
        await part.grow("And more. ", ())
        assert part.is_behind
        await part.grow("", ())
        await let_pass(10)
        await part.grow("", ())
        assert at.shown == ["Some words. And more."]
        assert not part.is_behind
