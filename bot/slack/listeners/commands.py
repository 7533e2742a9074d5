"""`/ask`: an answer for the asker alone, with a button that shares it to the channel."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot.slack.content import SHARE_ACTION, shared
from bot.slack.listeners.services import Services
from bot.slack.questions import from_command

COMMAND = "/ask"
_USAGE = "Ask me something: `/ask what time is it in Tokyo?`"


def register(app: AsyncApp, services: Services) -> None:
    """Answer the command, and share its answer when asked to."""
    runs = services.runs

    @app.command(COMMAND)
    async def ask(ack: AsyncAck, body: dict[str, Any]) -> None:
        question = from_command(body)
        if not question.text.strip():
            await ack(_USAGE)
            return
        await runs.submit(question)
        await ack(f"> {question.text}\n_One moment …_")

    @app.action(SHARE_ACTION)
    async def share(ack: AsyncAck, action: dict[str, Any], body: dict[str, Any], respond: AsyncRespond) -> None:
        await ack()
        run_id = action["value"]
        question, outcome = await runs.question(run_id), await runs.outcome(run_id)
        if question is None or outcome is None:
            await respond("I no longer have this answer. Please ask again.", replace_original=False)
            return
        # First take the button away: pressed twice, it would share twice.
        await respond(delete_original=True)
        asker = await services.directory.person(body["user"]["id"])
        for content in shared(question, asker.name, outcome.text, services.secrets):
            await respond(response_type="in_channel", replace_original=False, **content)
