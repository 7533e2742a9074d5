"""The mark on every message of an answer: which question it answers, which part it is, and its state.

Slack keeps it as message metadata, which people don't see
(https://docs.slack.dev/messaging/message-metadata).
"""

from __future__ import annotations

from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, cast

from slack_sdk.web.async_client import AsyncWebClient

from bot.conversation import Question
from bot.slack.content import STOP_ACTION

Json: TypeAlias = Mapping[str, Any]
State = Literal["pending", "closed", "final", "failed", "stopped"]
"""It grows | another one goes on, or people have to decide first | the answer ends with it | so does a failure
| the asker has ended it."""

EVENT_TYPE = "threadloop_answer"


@dataclass(frozen=True, slots=True)
class Marker:
    """What a message of ours says of itself."""

    run_id: str
    question_ts: str
    part: int
    state: State

    def metadata(self) -> dict[str, Any]:
        """The `metadata` argument of chat.postMessage and chat.update."""
        payload = {
            "run_id": self.run_id,
            "question_ts": self.question_ts,
            "part": self.part,
            "state": self.state,
        }
        return {"event_type": EVENT_TYPE, "event_payload": payload}


def read_marker(message: Json) -> Marker | None:
    """The mark of a message, if it carries one."""
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    if metadata.get("event_type") != EVENT_TYPE or "run_id" not in payload:
        return None
    return Marker(
        run_id=str(payload["run_id"]),
        question_ts=str(payload.get("question_ts", "")),
        part=int(payload.get("part", 0)),
        state=cast(State, payload.get("state", "final")),
    )


@dataclass(frozen=True, slots=True)
class Found:
    """What there is of an answer in its thread."""

    messages: Mapping[int, Json]
    """Its messages, by part."""
    streams: tuple[Json, ...]
    """Further messages of it, without a mark: a stream gets one at its end, and a process died before."""


def last_state(messages: Mapping[int, Json]) -> State | None:
    """Where an answer stands whose messages these are, by part."""
    marker = read_marker(messages[max(messages)]) if messages else None
    return marker.state if marker else None


async def find_answer(client: AsyncWebClient, question: Question, me: str) -> Found:
    """Look in the thread for the messages of `me`, the bot's user id, that answer the question."""
    messages: dict[int, Json] = {}
    streams: list[Json] = []
    async for message in behind(client, question, me):
        marker = read_marker(message)
        if marker is not None and marker.run_id == question.run_id:
            messages[marker.part] = message
        elif marker is None and question.run_id in _to_stop(message):
            streams.append(message)
    return Found(messages, tuple(streams))


def _to_stop(message: Json) -> set[str]:
    """The ids of the questions whose answers the Stop buttons of a message end."""
    return {
        str(element.get("value")).partition("#")[0]
        for block in message.get("blocks") or ()
        if block.get("type") == "actions"
        for element in block["elements"]
        if element.get("action_id") == STOP_ACTION
    }


async def behind(client: AsyncWebClient, question: Question, me: str) -> AsyncIterator[Json]:
    """The messages of `me` that stand behind the question in its thread, with their metadata.

    Those of others are left out: any app can put our marks on its messages.
    """
    cursor: str | None = None
    while True:
        page = await client.conversations_replies(
            channel=question.channel,
            ts=question.thread_ts,
            # The answer stands behind the question, wherever that is in a long thread.
            oldest=question.ts,
            include_all_metadata=True,
            limit=200,
            cursor=cursor,
        )
        for message in page["messages"]:
            if message["ts"] > question.ts and message.get("user") == me:
                yield message
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return
