"""What Slack tells the bot: each module registers the listeners for one kind of thing."""

from slack_bolt.async_app import AsyncApp

from bot.runs import Runs
from bot.slack.listeners import changes, commands, mentions, messages, others, retries
from bot.slack.people import Directory


def register(app: AsyncApp, runs: Runs, directory: Directory) -> None:
    """Register every listener. Bolt takes the first that matches, so the catch-all comes last."""
    mentions.register(app, runs)
    messages.register(app, runs)
    changes.register(app, runs)
    commands.register(app, runs, directory)
    retries.register(app, runs)
    others.register(app)
