"""An embedded Slack workspace: Web API, Socket Mode, Events and people, without a Slack account.

It imports nothing of the bot but its errors and its way to serve HTTP, so that the bot meets it
only over Slack's protocols.
"""

from bot.playground.api.endpoint import ApiCall
from bot.playground.notice import Ping, Unfurl, clickable
from bot.playground.objects import Change
from bot.playground.person import Person, Speaker, Upload
from bot.playground.seed import Seed
from bot.playground.server import Playground

__all__ = [
    "ApiCall",
    "Change",
    "Person",
    "Ping",
    "Playground",
    "Seed",
    "Speaker",
    "Unfurl",
    "Upload",
    "clickable",
]
