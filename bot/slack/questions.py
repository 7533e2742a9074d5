"""Slack's payloads as questions."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Mapping
from typing import Any, TypeAlias

from bot.conversation import Question, Source
from bot.surrogates import well_formed

Json: TypeAlias = Mapping[str, Any]

_WORDS = (None, "file_share", "thread_broadcast")
_STOP = re.compile(
    r"\s*(?:<@[UW]\w+>[,:]?\s*)?(?:please\s+)?(?:stop|stop it|cancel)(?:\s+please)?[\s.!]*", re.IGNORECASE
)


def is_a_persons(message: Json) -> bool:
    """Whether a person wrote this, in words of their own. A bot that answers bots could go on for ever."""
    return bool(message.get("user")) and not message.get("bot_id") and message.get("subtype") in _WORDS


def is_stop(text: str) -> bool:
    """Whether somebody says that an answer should stop, and nothing else."""
    return bool(_STOP.fullmatch(text))


def is_overheard(body: Json) -> bool:
    """Whether people in a channel talk among themselves. A mention in it comes as an event of its own."""
    event = body.get("event") or {}
    if event.get("type") != "message" or event.get("subtype") not in _WORDS:
        return False
    stops = event.get("thread_ts") and is_stop(event.get("text") or "")
    return event.get("channel_type") != "im" and not stops


def from_event(body: Json, source: Source) -> Question:
    """The question in an `app_mention` or `message` event."""
    event = body["event"]
    return _question(str(body.get("team_id") or event.get("team") or ""), event["channel"], event, source)


def from_message(body: Json, message: Json) -> Question:
    """The question in a message inside an event, such as the new or the old one of a change."""
    return _question(str(body.get("team_id") or ""), body["event"]["channel"], message, "message")


def from_history(team: str, channel: str, message: Json) -> Question:
    """The question in a message of a conversation's history."""
    return _question(team, channel, message, "message")


def _question(team: str, channel: str, message: Json, source: Source) -> Question:
    starts_thread = message.get("thread_ts") in (None, message["ts"])
    edited = message.get("edited")
    return Question(
        team=team,
        channel=channel,
        ts=message["ts"],
        # A post outside a thread starts one.
        thread_ts=message.get("thread_ts") or message["ts"],
        user=message["user"],
        text=well_formed(message.get("text") or ""),
        source=source,
        post=_post(message) if starts_thread else {},
        at=float(edited["ts"]) if edited else None,
    )


def _post(message: Json) -> dict[str, Any]:
    parts = {key: message[key] for key in ("blocks", "files") if message.get(key)}
    post: dict[str, Any] = json.loads(well_formed(json.dumps(parts, ensure_ascii=False)))
    return post


def from_command(body: Json) -> Question:
    """The question behind a slash command. It is no post, so its trigger id stands in for a timestamp."""
    return Question(
        team=body["team_id"],
        channel=body["channel_id"],
        ts=body["trigger_id"],
        thread_ts=body["trigger_id"],
        user=body["user_id"],
        text=well_formed(body.get("text") or ""),
        source="command",
        response_url=body["response_url"],
        at=time.time(),
    )


def from_body(body: Json) -> Question | None:
    """The question in any payload, if it holds one."""
    if "command" in body:
        return from_command(body)
    event = body.get("event") or {}
    if not event.get("user") or not event.get("ts"):
        return None
    return from_event(body, "mention" if event.get("type") == "app_mention" else "message")
