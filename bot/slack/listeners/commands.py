"""`/ask`: an answer for the asker alone, with a button that shares it to the channel."""

from __future__ import annotations

import logging
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp, AsyncRespond

from bot.errors import NotInChannel, SlackError
from bot.runs import Act
from bot.slack.client import slack_errors, without_blind_retries
from bot.slack.content import SHARE_ACTION, shared
from bot.slack.listeners.services import Services
from bot.slack.questions import from_command
from bot.slack.response_url import MOST_USES, ResponseUrl

_log = logging.getLogger(__name__)

COMMAND = "/ask"
_GONE = "I no longer have this answer. Please ask again."
_NOT_SHARED = "Slack did not let me share all of this answer."
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
        run_id = action["value"]
        question = await runs.question(run_id)
        if question is not None:
            # Once, however quickly it is pressed again.
            await runs.acts.once("share", replace(question, response_url=body["response_url"]), run_id)
        await ack()
        if question is None:
            await respond(_GONE, replace_original=False)

    async def share_now(act: Act) -> None:
        question, run_id = act.about, act.key
        url = ResponseUrl(question.response_url or "")
        try:
            outcome = await runs.outcome(run_id)
            if outcome is None:
                await url.send(response_type="ephemeral", replace_original=False, text=_GONE)
                return
            asker = await services.directory.person(question.user)
            compose = partial(shared, question, asker.name, outcome.text, services.secrets)
            await _post(services, question.channel, url, compose)
            await url.send(delete_original=True)
        except SlackError as refused:
            _log.warning("An answer was not shared whole: %s", refused)
            await url.send(response_type="ephemeral", replace_original=False, text=_NOT_SHARED)

    runs.acts.on("share", share_now)


async def _post(
    services: Services, channel: str, url: ResponseUrl, compose: Callable[..., list[dict[str, Any]]]
) -> None:
    """Post to the channel; where the bot is not in it, as much as the URL takes."""
    client = without_blind_retries(services.client)
    try:
        for message in compose():
            with slack_errors():
                await client.chat_postMessage(channel=channel, **message)
    except NotInChannel:
        # One use is left for taking the asker's copy away.
        for message in compose(most_messages=MOST_USES - 1):
            await url.send(response_type="in_channel", replace_original=False, **message)
