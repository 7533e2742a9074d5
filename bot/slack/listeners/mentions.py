"""Somebody mentions the bot in a public or private channel, or in a group DM."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp

from bot.slack.listeners.services import Services
from bot.slack.questions import from_event, is_a_persons


def register(app: AsyncApp, services: Services) -> None:
    """Answer mentions."""

    @app.event("app_mention", matchers=[_by_a_person])
    async def mentioned(body: dict[str, Any], event: dict[str, Any]) -> None:
        question = from_event(body, "mention")
        services.tokens.keep(question.run_id, event)
        await services.runs.submit(question)


async def _by_a_person(event: dict[str, Any]) -> bool:
    return is_a_persons(event)
