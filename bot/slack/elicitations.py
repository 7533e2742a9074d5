"""What a tool asks the asker while it runs: a card in the thread, with buttons or a form in a modal."""

from __future__ import annotations

import asyncio
import hashlib
import json
import logging
import time
from contextlib import suppress
from dataclasses import dataclass
from itertools import count

from bot.conversation import Question, ToolCall
from bot.errors import SlackError, SlackRefused
from bot.slack.client import PacedClient
from bot.slack.content import Body, elicitation_buttons
from bot.slack.delivery import Delivery
from bot.slack.fillable import fillable
from bot.slack.guard import Allowed, guarded, without_secrets
from bot.slack.markdown import compose
from bot.storage.elicitations import Asked, Elicitations
from tools import Elicit, Elicitation, ElicitationAnswer

_log = logging.getLogger(__name__)

EVENT_TYPE = "threadloop_elicitation"

_MOST_CHARS = 2_500
# Of a button (https://docs.slack.dev/reference/block-kit/block-elements/button-element).
_MOST_URL = 3_000
_WORDS = {"accept": "Answered.", "decline": "Declined.", "cancel": "Nobody answered."}


@dataclass(frozen=True, slots=True)
class ElicitationCards:
    """Asks on behalf of running tools.

    A run that waits lends another its place among those that are worked on. It keeps its place in the
    thread, whose later questions are answered after it.
    """

    client: PacedClient
    elicitations: Elicitations
    me: str
    """The bot's own user id."""
    secrets: tuple[str, ...]
    """Configured secrets, which no card may show."""
    wait_s: float
    """How long a person may take, in seconds."""

    def __call__(self, question: Question, call: ToolCall) -> Elicit | None:
        """How this call of a tool may ask; `None` for a slash command, which has no thread."""
        if question.response_url is not None:
            return None
        numbers = count()

        async def elicit(elicitation: Elicitation) -> ElicitationAnswer:
            asked_id = _id(question, call, next(numbers), elicitation)
            return await self._ask(asked_id, question, call, elicitation)

        return elicit

    async def _ask(
        self, asked_id: str, question: Question, call: ToolCall, elicitation: Elicitation
    ) -> ElicitationAnswer:
        form = fillable(elicitation.schema or {})
        if form is None or len(elicitation.url or "") > _MOST_URL:
            _log.warning("What %s asks can't be asked in Slack: declined.", call.name)
            return ElicitationAnswer("decline")
        asked = Asked(asked_id, question.user, elicitation.message, form, action=None, content={})
        is_new = await self.elicitations.ask(asked, time.time())
        delivery = Delivery(self.client, question, self.me)
        text = _described(call, elicitation, Allowed(secrets=self.secrets))
        mark = {"event_type": EVENT_TYPE, "event_payload": {"id": asked_id}}
        foot = elicitation_buttons(asked_id, has_form=bool(form), url=elicitation.url)
        ask = Body(f"<@{question.user}> {text}", foot=(foot,), needs_foot=True)
        ts: str | None = None
        answer = ElicitationAnswer("cancel")
        try:
            if not is_new:
                ts = await _posted(delivery, asked_id)
            ts = ts or await delivery.post_marked(ask, mark)
            answer = await self._answer(asked_id)
        except SlackRefused as refused:
            _log.warning("What %s asks was not shown by Slack: declined. %s", call.name, refused)
            answer = ElicitationAnswer("decline")
        finally:
            await self.elicitations.forget(asked_id)
            if ts is not None:
                with suppress(SlackError):
                    await delivery.change_marked(ts, Body(f"{text}\n\n_{_WORDS[answer.action]}_"), mark)
        return answer

    async def _answer(self, asked_id: str) -> ElicitationAnswer:
        asked: Asked | None = None
        try:
            async with asyncio.timeout(self.wait_s):
                asked = await self.elicitations.answered(asked_id)
        except TimeoutError:
            # In the database: who was quicker than this has been told that their answer counts.
            await self.elicitations.answer(asked_id, "cancel", {})
            asked = await self.elicitations.find(asked_id)
        if asked is None or asked.action is None:
            return ElicitationAnswer("cancel")
        return ElicitationAnswer(asked.action, dict(asked.content) if asked.action == "accept" else None)


def _id(question: Question, call: ToolCall, number: int, elicitation: Elicitation) -> str:
    """The same when a tool that was cut off by a crash asks again: its card is in the thread already."""
    asked = [question.run_id, call.id, number, elicitation.message, elicitation.schema, elicitation.url]
    return hashlib.sha256(json.dumps(asked, default=str).encode()).hexdigest()


def _described(call: ToolCall, elicitation: Elicitation, allowed: Allowed) -> str:
    """What a tool's server says is not ours: it is quoted, and its links are no links."""
    # Before the cut, which could leave half of a secret that nobody knows for one.
    message = without_secrets(elicitation.message, allowed)
    said = message if len(message) <= _MOST_CHARS else f"{message[:_MOST_CHARS]} …"
    quoted = "\n".join(f"> {line}" for line in said.splitlines())
    page = f"\n\nIt wants you to visit {guarded(elicitation.url, allowed)}" if elicitation.url else ""
    text = f"The tool `{call.name}` asks:\n\n{quoted}{page}"
    return "\n".join(compose(text, allowed).messages)


async def _posted(delivery: Delivery, asked_id: str) -> str | None:
    """The card's timestamp, if it is in the thread."""
    marked = await delivery.find_marked(EVENT_TYPE)
    return next((ts for ts, payload in marked.items() if payload.get("id") == asked_id), None)
