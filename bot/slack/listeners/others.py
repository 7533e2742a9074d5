"""What no other listener takes, and what goes wrong in the ones that do."""

from __future__ import annotations

import logging
import re
from typing import Any

from slack_bolt import BoltResponse
from slack_bolt.async_app import AsyncApp

from bot.conversation import Question
from bot.errors import RunError, Unexpected
from bot.slack.content import Body, failure, new_message
from bot.slack.listeners.services import Services
from bot.slack.questions import from_body
from bot.slack.response_url import ResponseUrl

_log = logging.getLogger(__name__)


def register(app: AsyncApp, services: Services) -> None:
    """Acknowledge every other event, and turn a listener's failure into a sentence. Register this last."""

    @app.event(re.compile(".*"))
    async def ignored() -> None:
        """Acknowledged, since Slack would deliver it again otherwise."""

    @app.error
    async def failed(error: Exception, body: dict[str, Any]) -> BoltResponse:
        fault = error if isinstance(error, RunError) else Unexpected(f"{type(error).__name__}: {error}")
        question = from_body(body)
        run_id = question.run_id if question else None
        _log.error("A listener failed: %s", fault, exc_info=error, extra={"run": run_id})
        if question is not None:
            await _tell(services, question, failure(fault, question.run_id))
        # Acknowledged: the asker was told, and a redelivery would be answered twice.
        return BoltResponse(status=200)


async def _tell(services: Services, question: Question, text: str) -> None:
    if question.response_url is not None:
        await ResponseUrl(question.response_url).send(response_type="ephemeral", **new_message(text))
        return
    await services.delivery(question).post(0, Body(text), "failed")
