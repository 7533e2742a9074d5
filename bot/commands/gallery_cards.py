"""The gallery's cards: what asks a person before the bot goes on."""

from __future__ import annotations

import asyncio
import json
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass
from typing import Any

from bot.agent.interfaces import Steps
from bot.conversation import Question, ToolCall
from bot.slack.approvals import ApprovalCards
from bot.slack.client import PacedClient
from bot.slack.elicitations import ElicitationCards
from bot.slack.people import Directory
from bot.storage import open_database
from bot.storage.approvals import Approvals
from bot.storage.elicitations import Elicitations
from tools import Elicitation, Registry

_LASTS_S = 24 * 3600.0
_CALLS = (
    ("post_message", {"channel": "#ops", "text": "Lunch at noon?"}),
    ("post_message_later", {"channel": "#general", "when": "tomorrow 9 am", "text": "Good morning!"}),
    ("remind_me", {"when": "friday 17:00", "text": "Close the books."}),
)
_FORM = {
    "type": "object",
    "properties": {"project": {"type": "string", "title": "Project"}},
    "required": ["project"],
}
_ASKED = (
    Elicitation("Which project is it for?", schema=_FORM),
    Elicitation("Shall I overwrite the file?"),
    Elicitation("Please sign in.", url="https://example.com/sign-in"),
)


@dataclass(frozen=True, slots=True)
class Cards:
    """Puts cards under a question."""

    approvals: Approvals
    _approval_cards: ApprovalCards
    _elicitation_cards: ElicitationCards

    async def approval(self, question: Question, steps: Steps) -> None:
        """What tools would do: one approved, one denied, one undecided."""
        calls = [ToolCall(f"call_{n}", name, json.dumps(given)) for n, (name, given) in enumerate(_CALLS)]
        await self._approval_cards.open(question, steps, calls)
        yes, no, _ = await self.approvals.of_run(steps.run_id)
        await self._approval_cards.close(question, yes, "Approved by Ada")
        await self._approval_cards.close(question, no, "Denied by Ada: Not that early.")

    @asynccontextmanager
    async def elicitation(self, question: Question) -> AsyncIterator[Sequence[asyncio.Future[Any]]]:
        """What tools ask, as long as the block lasts: a form, a yes or no, a page to visit."""
        elicit = self._elicitation_cards(question, ToolCall("call_0", "files__write", "{}"))
        assert elicit is not None  # noqa: S101 — only a slash command has no thread
        asking = [asyncio.ensure_future(elicit(asked)) for asked in _ASKED]
        try:
            yield asking
        finally:
            for task in asking:
                task.cancel()
            for task in asking:
                with suppress(asyncio.CancelledError):
                    await task


@asynccontextmanager
async def open_cards(client: PacedClient, team: str, me: str) -> AsyncIterator[Cards]:
    """Cards that are remembered as long as the block lasts. `team` and `me` are Slack's ids."""
    with tempfile.TemporaryDirectory() as folder:
        async with open_database(f"sqlite:///{folder}/gallery.db") as engine:
            approvals = Approvals(engine)
            directory = Directory(client, team)
            cards = ApprovalCards(
                client, approvals, Registry.discover(), directory, me, expire_s=_LASTS_S, secrets=()
            )
            asking = ElicitationCards(client, Elicitations(engine), me, (), _LASTS_S)
            yield Cards(approvals, cards, asking)
