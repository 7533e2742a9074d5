"""A workspace for the tools that use Slack, and the contexts of the people who ask there."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from dataclasses import replace
from typing import Any

from support.patience import patient_workspace
from support.slack_app import client_of
from support.tool_context import NOON, tool_context

from bot.playground import Playground, Seed
from bot.playground.action_tokens import action_token
from tools import Asker, Context

_SEED = """
app: {handle: threadloop, name: Threadloop}
users:
  - {handle: ada, name: Ada Lovelace, tz: Europe/London, title: Analyst, email: ada@secret.example}
  - {handle: grace, name: Grace Hopper, display_name: Amazing Grace, tz: America/New_York}
  - {handle: linus, name: Linus Torvalds, tz: America/Los_Angeles}
  - {handle: gina, name: Gina Guest, guest: true}
  - {handle: sam, name: Sam Stranger, stranger: true}
  - {handle: deploybot, name: Deploy Bot, bot: true}
channels:
  - {name: general, members: [ada, grace, linus, gina, deploybot, threadloop]}
  - {name: lounge, members: [grace, threadloop]}
  - {name: random, members: [ada]}
  - {name: partners, members: [ada, sam, threadloop]}
  - {name: ops, private: true, members: [ada, grace, threadloop]}
"""


class Clock:
    """A workspace's clock, which tests set. It begins at noon of a Sunday."""

    def __init__(self) -> None:
        self.now = NOON.timestamp()

    def __call__(self) -> float:
        return self.now


def acme(clock: Clock) -> Playground:
    """People, a guest and a stranger; `#random` is without the bot, `#ops` private, `#partners` shared."""
    return patient_workspace(Seed.parse(_SEED, name="acme"), clock=clock)


@contextlib.asynccontextmanager
async def asking(
    playground: Playground, who: str, where: str = "#general", question: str = "Hi!", **more: Any
) -> AsyncIterator[Context]:
    """The context of a question that `who` has just asked in a channel, or in direct messages: `where="dm"`."""
    person = playground.person(who)
    room = await person.open_dm() if where == "dm" else playground.workspace.channel(where).id
    ts = await person.say(room, question, deliver=False)
    message = playground.workspace.channels[room].messages[ts]
    async with tool_context() as context:
        changed: dict[str, Any] = {
            "asker": Asker(
                person.id,
                person.user.real_name,
                person.user.tz,
                is_guest=person.user.is_restricted,
                is_external=person.user.is_stranger,
            ),
            "channel": room,
            "run_id": f"{playground.team_id}:{room}:{ts}",
            "call_id": "call_1",
            "slack": client_of(playground),
            "action_token": action_token(playground.workspace, message),
        }
        yield replace(context, **(changed | more))
