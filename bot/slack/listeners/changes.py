"""Somebody edits or deletes a question.

Slack sends both as `message` events with a subtype, for the bot's own messages too
(https://docs.slack.dev/reference/events/message/message_changed).
"""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext
from slack_sdk.web.async_client import AsyncWebClient

from bot.runs import Runs
from bot.slack.questions import from_message, is_a_persons
from bot.slack.reply import withdraw


def register(app: AsyncApp, runs: Runs) -> None:
    """Answer an edited question anew and drop a deleted one, as long as it is not answered."""

    @app.event("message", matchers=[_changes_words])
    async def edited(
        body: dict[str, Any], event: dict[str, Any], context: AsyncBoltContext, client: AsyncWebClient
    ) -> None:
        new, old = event["message"], event["previous_message"]
        question = from_message(body, new)
        mention = f"<@{context.bot_user_id}>"
        if event.get("channel_type") != "im" and mention not in new["text"]:
            # No longer meant for the bot.
            if await runs.cancel(question.run_id):
                await withdraw(client, question)
        elif not await runs.restart(question, new["edited"]["ts"]) and mention not in old.get("text", ""):
            await runs.submit(question)

    @app.event("message", matchers=[_deletes])
    async def deleted(body: dict[str, Any], event: dict[str, Any], client: AsyncWebClient) -> None:
        question = from_message(body, event["previous_message"])
        if await runs.cancel(question.run_id):
            await withdraw(client, question)


async def _changes_words(event: dict[str, Any]) -> bool:
    """A person's edit; Slack also sends a change when it unfurls a link."""
    if event.get("subtype") != "message_changed":
        return False
    new, old = event.get("message") or {}, event.get("previous_message") or {}
    return is_a_persons(new) and "edited" in new and new.get("text") != old.get("text")


async def _deletes(event: dict[str, Any]) -> bool:
    return event.get("subtype") == "message_deleted" and is_a_persons(event.get("previous_message") or {})
