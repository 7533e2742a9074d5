"""The mark on every message of an answer: which question it answers, which part it is, and its state.

Slack keeps it as message metadata, which people don't see
(https://docs.slack.dev/messaging/message-metadata).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from slack_sdk.web.async_client import AsyncWebClient

from bot.conversation import Question

State = Literal["pending", "final", "failed"]

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


def read_marker(message: Mapping[str, Any]) -> Marker | None:
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


async def find_answer(client: AsyncWebClient, question: Question) -> dict[int, str]:
    """The timestamps of the messages in the thread that answer the question, by part."""
    parts: dict[int, str] = {}
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
        for reply in page["messages"]:
            marker = read_marker(reply)
            if marker is not None and marker.run_id == question.run_id:
                parts[marker.part] = reply["ts"]
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor:
            return parts
