"""Slack's payloads as questions."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, TypeAlias

from bot.conversation import Question, Source

Json: TypeAlias = Mapping[str, Any]


def from_event(body: Json, source: Source) -> Question:
    """The question in an `app_mention` or `message` event."""
    event = body["event"]
    return Question(
        team=str(body.get("team_id") or event.get("team") or ""),
        channel=event["channel"],
        ts=event["ts"],
        # A post outside a thread starts one.
        thread_ts=event.get("thread_ts") or event["ts"],
        user=event["user"],
        text=event.get("text") or "",
        source=source,
    )


def from_command(body: Json) -> Question:
    """The question behind a slash command. It is no post, so its trigger id stands in for a timestamp."""
    return Question(
        team=body["team_id"],
        channel=body["channel_id"],
        ts=body["trigger_id"],
        thread_ts=body["trigger_id"],
        user=body["user_id"],
        text=body.get("text") or "",
        source="command",
        response_url=body["response_url"],
    )


def from_body(body: Json) -> Question | None:
    """The question in any payload, if it holds one."""
    if "command" in body:
        return from_command(body)
    event = body.get("event") or {}
    if not event.get("user") or not event.get("ts"):
        return None
    return from_event(body, "mention" if event.get("type") == "app_mention" else "message")
