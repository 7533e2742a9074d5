"""Somebody writes to the bot in a direct message."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.slack.listeners.services import Services
from bot.slack.questions import from_event, is_a_persons


def register(app: AsyncApp, services: Services) -> None:
    """Answer direct messages."""

    @app.event("message", matchers=[_to_the_bot])
    async def written(body: dict[str, Any], event: dict[str, Any]) -> None:
        question = from_event(body, "message")
        services.tokens.keep(question.run_id, event)
        await services.runs.submit(question)


async def _to_the_bot(event: dict[str, Any]) -> bool:
    """A person's own words in a DM; channels are answered by mention, edits and deletions are not questions."""
    return event.get("channel_type") == "im" and is_a_persons(event)
