"""The token in the event of a person's message, by which an app may search as that person while it answers.

Slack sends it as `assistant_thread.action_token` (https://docs.slack.dev/apis/web-api/real-time-search-api).
"""

from __future__ import annotations

from bot.playground.objects import Message, User
from bot.playground.workspace import Workspace, slack_id


def action_token(workspace: Workspace, message: Message) -> str:
    """The token of the person who wrote `message`; the same for each event about it."""
    return f"{message.ts}.{slack_id('t', workspace.team, message.channel, message.ts)}"


def bearer(workspace: Workspace, token: str) -> User | None:
    """The person for whom `token` stands, or `None` if no message carries it."""
    ts = token.rpartition(".")[0]
    written = (channel.messages.get(ts) for channel in workspace.channels.values())
    author = next((m.user for m in written if m is not None and action_token(workspace, m) == token), None)
    return workspace.users.get(author or "")
