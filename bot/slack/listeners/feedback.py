"""What people think of an answer: kept as a Humanloop judgment on the question's flow."""

from __future__ import annotations

import logging
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack.content import FEEDBACK_ACTION
from bot.slack.forms import modal
from bot.slack.listeners.services import Services

_log = logging.getLogger(__name__)

_REASON_VIEW = "why_bad"
_REASON_BLOCK = "reason"
_FORM = {
    "required": [_REASON_BLOCK],
    "properties": {
        _REASON_BLOCK: {
            "type": "string",
            "title": "A word or two helps to make the next answer better",
            "maxLength": 2_000,
        }
    },
}


def register(app: AsyncApp, services: Services) -> None:
    """Keep thumbs up and down; ask for a reason after a thumbs down."""

    @app.action(FEEDBACK_ACTION)
    async def rated(ack: AsyncAck, action: dict[str, Any], body: dict[str, Any]) -> None:
        verdict, _, run_id = action["value"].partition(" ")
        if verdict == "bad":
            # First of all: a trigger id is good for three seconds.
            await services.open_modal(body, _ask_for_reason(run_id))
        await ack()
        await _keep(services, run_id, verdict, body["user"]["id"])

    @app.view(_REASON_VIEW)
    async def explained(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        await ack()
        reason = view["state"]["values"][_REASON_BLOCK][_REASON_BLOCK]["value"]
        if reason:
            await _keep(services, view["private_metadata"], "bad", body["user"]["id"], reason)


async def _keep(services: Services, run_id: str, verdict: str, user: str, reason: str | None = None) -> None:
    question = await services.runs.question(run_id)
    if question is not None:
        await services.flows.rate(question, good=verdict == "good", user=user, reason=reason)


def _ask_for_reason(run_id: str) -> dict[str, Any]:
    return modal(_REASON_VIEW, "What was wrong?", _FORM, submit="Send", close="Skip", remembers=run_id)
