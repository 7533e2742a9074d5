"""Somebody approves or denies a tool call."""

from __future__ import annotations

from typing import Any

from slack_bolt.async_app import AsyncAck, AsyncApp

from bot.slack.approvals import Press
from bot.slack.content import APPROVE_ACTION, DENY_ACTION
from bot.slack.forms import modal
from bot.slack.listeners.services import Services

_DENY_VIEW = "why_denied"
_REASON = "reason"
_FORM = {"properties": {_REASON: {"type": "string", "title": "Why not? I will go by it.", "maxLength": 500}}}


def register(app: AsyncApp, services: Services) -> None:
    """Take decisions."""
    decisions = services.decisions

    @app.action(APPROVE_ACTION)
    async def approved(ack: AsyncAck, action: dict[str, Any], body: dict[str, Any]) -> None:
        refusal = await decisions.decide(_press(action, body), approve=True)
        await ack()
        await services.tell(body, refusal)

    @app.action(DENY_ACTION)
    async def denied(ack: AsyncAck, action: dict[str, Any], body: dict[str, Any]) -> None:
        refusal = await decisions.may_decide(_press(action, body))
        if refusal is None:
            await services.open_modal(body, _ask_why(action["value"]))
        await ack()
        await services.tell(body, refusal)

    @app.view(_DENY_VIEW)
    async def explained(ack: AsyncAck, body: dict[str, Any], view: dict[str, Any]) -> None:
        reason = view["state"]["values"][_REASON][_REASON].get("value")
        press = Press.of(view["private_metadata"], body["user"]["id"])
        refusal = await decisions.decide(press, approve=False, reason=reason)
        await (ack(response_action="errors", errors={_REASON: refusal}) if refusal else ack())


def _press(action: dict[str, Any], body: dict[str, Any]) -> Press:
    return Press.of(action["value"], body["user"]["id"], body["container"].get("message_ts"))


def _ask_why(value: str) -> dict[str, Any]:
    return modal(_DENY_VIEW, "Deny", _FORM, submit="Deny", close="Back", remembers=value)
