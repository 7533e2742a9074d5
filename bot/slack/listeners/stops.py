"""The asker stops an answer: with Slack's own Stop, with the button, or with the word in the thread."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Collection
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.conversation import Question
from bot.errors import SlackError
from bot.runs import Act
from bot.slack.content import STOP_ACTION
from bot.slack.listeners.services import Services
from bot.slack.questions import from_event, is_a_persons, is_stop
from bot.slack.reply import show_stopped

_log = logging.getLogger(__name__)


def register(app: AsyncApp, services: Services) -> None:
    """Cancel what the asker stops, and say so. Register this before whatever takes words for questions."""
    runs = services.runs

    async def stop(questions: Collection[Question], said: float) -> None:
        # None waits until Slack has shown of another that it was stopped.
        await asyncio.gather(*(services.decisions.end(question, before=said) for question in questions))
        for question in questions:
            # What was asked anew since goes on.
            if not await services.decisions.is_open(question):
                await say_stopped(question)

    async def say_stopped(question: Question) -> None:
        try:
            await show_stopped(services.delivery(question))
        except SlackError as refused:
            _log.warning("That an answer was stopped can't be shown: %s", refused)

    async def asked_by(user: str, thread: str) -> list[Question]:
        open_questions = [*await runs.working_on(thread), *await services.decisions.waited_for(thread)]
        return [question for question in open_questions if question.user == user]

    async def stops_something(body: dict[str, Any], event: dict[str, Any]) -> bool:
        if not (event.get("thread_ts") and is_a_persons(event) and is_stop(event.get("text") or "")):
            return False
        # A mention comes as two events, maybe to two replicas, and both may come again: when the later one
        # comes there may be nothing left to stop. The first is known by then.
        words = from_event(body, "message")
        services.note_stop(words)
        return not await runs.unknown([words]) or bool(await asked_before(words))

    async def asked_before(words: Question) -> list[Question]:
        return [question for question in await asked_by(words.user, words.thread) if question.ts < words.ts]

    async def stop_before(act: Act) -> None:
        await stop(act.found, float(act.about.ts))

    async def stop_one(act: Act) -> None:
        await stop(act.found, float(act.key.rpartition("#")[2]))

    async def say_cancelled(act: Act) -> None:
        if await runs.endings.at_rest(act.about):
            await say_stopped(act.about)

    # What is stopped is not found any more, should a crash come before this is shown.
    runs.acts.on("stop", stop_before, find=asked_before)
    runs.acts.on("end", stop_one)
    runs.acts.on("cancelled", say_cancelled)

    @app.event("agent_session_stopped")
    async def session_stopped(body: dict[str, Any], event: dict[str, Any]) -> None:
        thread_ts = event.get("thread_ts") or ""
        for question in await asked_by(event["user"], _thread(body, event["channel"], thread_ts)):
            if question.ts < event["event_ts"]:
                await runs.acts.once("end", question, f"{question.run_id}#{event['event_ts']}")

    @app.event("app_mention", matchers=[stops_something])
    @app.event("message", matchers=[stops_something])
    async def said_stop(body: dict[str, Any]) -> None:
        words = from_event(body, "message")
        if await runs.unknown([words]):
            await runs.acts.once("stop", words, words.run_id)

    @app.action(STOP_ACTION)
    async def pressed_stop(ack: AsyncAck, action: dict[str, Any], body: dict[str, Any]) -> None:
        question = await runs.question(action["value"])
        if question is None:
            await ack()
        elif question.user != body["user"]["id"]:
            await ack()
            asker = await services.directory.person(question.user)
            await services.tell(body, f"Only {asker.name} can stop this answer.")
        else:
            if await services.decisions.is_open(question):
                await runs.acts.once("end", question, f"{question.run_id}#{action['action_ts']}")
            await ack()


def _thread(body: dict[str, Any], channel: str, thread_ts: str) -> str:
    return f"{body.get('team_id')}:{channel}:{thread_ts}"
