"""The mark on every message of an answer: which question it answers, which part it is, and its state.

Slack keeps it as message metadata, which people don't see
(https://docs.slack.dev/messaging/message-metadata).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

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
