"""Somebody edits or deletes a question.

Slack sends both as `message` events with a subtype, for the bot's own messages too
(https://docs.slack.dev/reference/events/message/message_changed).
"""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncApp, AsyncBoltContext

from bot.runs import Act
from bot.slack.delivery import withdraw
from bot.slack.listeners.services import Services
from bot.slack.questions import from_message, is_a_persons, is_stop


def register(app: AsyncApp, services: Services) -> None:
    """Answer an edited question anew and drop a deleted one, as long as it is not answered."""
    runs, decisions = services.runs, services.decisions

    @app.event("message", matchers=[_changes_words])
    async def edited(body: dict[str, Any], event: dict[str, Any], context: AsyncBoltContext) -> None:
        new, old = event["message"], event["previous_message"]
        question, revision = from_message(body, new), new["edited"]["ts"]
        mention = f"<@{context.bot_user_id}>"
        is_mentioned = mention in new["text"]
        is_new = is_mentioned and mention not in old.get("text", "")
        is_in_thread = bool(new.get("thread_ts"))
        if is_in_thread and is_stop(old.get("text", "")) and is_stop(new["text"]):
            return
        is_meant = is_mentioned or event.get("channel_type") == "im"
        if not is_meant or (is_in_thread and is_stop(new["text"])):
            # No longer a question to the bot.
            if await decisions.is_open(question):
                await runs.acts.once("drop", question, f"{question.run_id}#{revision}")
        elif is_new or await decisions.is_open(question):
            # The mention itself may be heard, too: Slack sends one for each edit.
            await runs.revise(question, revision, is_new=is_new)

    @app.event("message", matchers=[_deletes])
    async def deleted(body: dict[str, Any], event: dict[str, Any]) -> None:
        question = from_message(body, event["previous_message"])
        if await decisions.is_open(question):
            await runs.acts.once("delete", question, question.run_id)

    async def drop(act: Act) -> None:
        # By now it may have been edited once more, and be meant for the bot again.
        await decisions.end_former(act.about)
        if not await decisions.is_open(act.about):
            await withdraw(services.delivery(act.about))

    async def delete(act: Act) -> None:
        await decisions.end(act.about)
        await withdraw(services.delivery(act.about))

    runs.acts.on("drop", drop)
    runs.acts.on("delete", delete)


async def _changes_words(event: dict[str, Any]) -> bool:
    """A person's edit; Slack also sends a change when it unfurls a link."""
    if event.get("subtype") != "message_changed":
        return False
    new, old = event.get("message") or {}, event.get("previous_message") or {}
    return is_a_persons(new) and "edited" in new and new.get("text") != old.get("text")


async def _deletes(event: dict[str, Any]) -> bool:
    """Somebody's deletion. The root of a thread is changed to a tombstone instead."""
    is_deleted = event.get("subtype") == "message_deleted"
    is_buried = (event.get("message") or {}).get("subtype") == "tombstone"
    return (is_deleted or is_buried) and is_a_persons(event.get("previous_message") or {})
