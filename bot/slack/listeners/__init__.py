"""What Slack tells the bot: each module registers the listeners for one kind of thing."""

from slack_bolt.async_app import AsyncApp

from bot.slack.listeners import (
    approvals,
    changes,
    commands,
    elicitations,
    feedback,
    mentions,
    messages,
    others,
    retries,
    stops,
)
from bot.slack.listeners.services import Services

__all__ = ["Services", "register"]


def register(app: AsyncApp, services: Services) -> None:
    """Register every listener. Bolt takes the first that matches: stops before words, the catch-all last."""
    for listener in (
        stops,
        mentions,
        messages,
        changes,
        commands,
        retries,
        approvals,
        elicitations,
        feedback,
        others,
    ):
        listener.register(app, services)
