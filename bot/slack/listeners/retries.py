"""Somebody presses Retry under a failure."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack.content import RETRY_ACTION
from bot.slack.listeners.services import Services


def register(app: AsyncApp, services: Services) -> None:
    """Go on from where the run failed. The button works once: a second press begins the same run."""

    @app.action(RETRY_ACTION)
    async def retry(ack: AsyncAck, action: dict[str, Any]) -> None:
        await services.runs.retry(action["value"])
        await ack()
