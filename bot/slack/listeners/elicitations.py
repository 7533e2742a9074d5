"""Somebody answers what a running tool asked."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack.content import ACCEPT_ACTION, DECLINE_ACTION, VISIT_ACTION
from bot.slack.forms import form_values, modal
from bot.slack.listeners.services import Services
from bot.storage.elicitations import Asked

_FORM_VIEW = "fill_in"
_GONE = "This is no longer waited for."


def register(app: AsyncApp, services: Services) -> None:
    """Take answers."""
    elicitations = services.elicitations

    @app.action(ACCEPT_ACTION)
    async def accepted(ack: AsyncAck, action: dict[str, Any], body: dict[str, Any]) -> None:
        asked, refusal = await _asked(services, action["value"], body["user"]["id"])
        if asked is not None and asked.form:
            await services.open_modal(body, _form(asked))
        elif asked is not None and not await elicitations.answer(asked.id, "accept", {}):
            refusal = _GONE
        await ack()
        await services.tell(body, refusal)

    @app.action(DECLINE_ACTION)
    async def declined(ack: AsyncAck, action: dict[str, Any], body: dict[str, Any]) -> None:
        asked, refusal = await _asked(services, action["value"], body["user"]["id"])
        if asked is not None and not await elicitations.answer(asked.id, "decline", {}):
            refusal = _GONE
        await ack()
        await services.tell(body, refusal)

    @app.action(VISIT_ACTION)
    async def visited(ack: AsyncAck) -> None:
        await ack()

    @app.view(_FORM_VIEW)
    async def filled_in(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        asked, refusal = await _asked(services, view["private_metadata"], body["user"]["id"])
        state = view["state"]["values"]
        if asked is not None and not await elicitations.answer(
            asked.id, "accept", form_values(asked.form, state)
        ):
            refusal = _GONE
        await (ack(response_action="errors", errors={next(iter(state)): refusal}) if refusal else ack())


async def _asked(services: Services, asked_id: str, user: str) -> tuple[Asked | None, str | None]:
    """What is asked, or why this person has no say in it."""
    asked = await services.elicitations.find(asked_id)
    if asked is None:
        return None, _GONE
    if asked.asker != user:
        return None, f"Only {(await services.directory.person(asked.asker)).name} can answer this."
    return asked, None


def _form(asked: Asked) -> dict[str, Any]:
    return modal(_FORM_VIEW, "Fill in", asked.form, submit="Send", close="Back", remembers=asked.id)
