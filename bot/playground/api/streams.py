"""`chat.startStream`, `chat.appendStream` and `chat.stopStream`: a message written piece by piece.

Sources: https://docs.slack.dev/reference/methods/chat.startStream and its two siblings.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from bot.playground import markup
from bot.playground.api.call import ApiError, Call, Method, invalid_arguments
from bot.playground.api.content import MOST_MARKDOWN, checked_blocks, chunk_list, metadata, thread_root
from bot.playground.blocks import with_ids
from bot.playground.objects import JSON, Change, Channel, Message, Stream

_MOST_TASK_TEXT = 256
_TASK_STATES = ("pending", "in_progress", "complete", "error")
_SESSION_STATES = ("processing", "active", "suspended", "closed")


def start(call: Call) -> JSON:
    """Begin a message that grows."""
    channel = call.member_channel()
    _need_recipient(call, channel)
    root = thread_root(call, channel.messages)
    if root is None and channel.kind != "channel":
        raise ApiError("invalid_thread_ts")
    mode: Any = call.text("task_display_mode", "timeline")
    if mode not in ("timeline", "plan", "dense"):
        raise invalid_arguments("task_display_mode must be one of timeline, plan, dense")
    stream = _grown(call, Stream(display_mode=mode))
    draft = Message(
        channel=channel.id,
        ts=call.workspace.next_ts(),
        user=call.caller.id,
        text="",
        thread_ts=root,
        bot_id=call.caller.bot_id,
        app_id=call.caller.app_id,
    )
    message = call.workspace.post(replace(draft, **_shown(call, stream)))
    return {"channel": channel.id, "ts": message.ts}


def append(call: Call) -> JSON:
    """Add to such a message."""
    message = _open_stream(call)
    if not call.text("markdown_text") and not call.arguments.get("chunks"):
        raise ApiError("no_text")
    assert message.stream is not None  # noqa: S101 - _open_stream has made sure
    stream = _grown(call, message.stream)
    call.workspace.change(message, quiet=True, **_shown(call, stream))
    return {"channel": message.channel, "ts": message.ts}


def stop(call: Call) -> JSON:
    """Finish it."""
    message = _open_stream(call)
    assert message.stream is not None  # noqa: S101 - _open_stream has made sure
    session = call.text("session_status")
    if session and session not in _SESSION_STATES:
        raise invalid_arguments(f"session_status must be one of {', '.join(_SESSION_STATES)}")
    stream, blocks = _grown(call, message.stream), call.structure("blocks", "invalid_blocks_format")
    if blocks:
        stream = replace(stream, blocks=(*stream.blocks, *checked_blocks(call, blocks)))
    told = metadata(call)
    changed = call.workspace.change(
        message,
        quiet=True,
        metadata=message.metadata if told is None else told,
        **_shown(call, replace(stream, open=False)),
    )
    if session:
        root = message.thread_ts or message.ts
        call.workspace.agent_thread(message.channel, root).session = session
        call.workspace.announce(Change("session", message.channel, text=session, thread_ts=root))
    return {
        "channel": message.channel,
        "ts": message.ts,
        "message": call.shapes.message(changed, metadata=True),
    }


def _need_recipient(call: Call, channel: Channel) -> None:
    if channel.is_direct:
        return
    if not call.text("recipient_user_id"):
        raise ApiError("missing_recipient_user_id")
    if not call.text("recipient_team_id"):
        raise ApiError("missing_recipient_team_id")


def _open_stream(call: Call) -> Message:
    message = call.message(call.channel(), "ts")
    if message.user != call.caller.id:
        raise ApiError("message_not_owned_by_app")
    if message.stream is None or not message.stream.open:
        raise ApiError("message_not_in_streaming_state")
    return message


def _grown(call: Call, stream: Stream) -> Stream:
    """The stream with the call's `markdown_text` and `chunks` added."""
    text, chunks = call.text("markdown_text"), chunk_list(call)
    if text and chunks:
        raise ApiError("markdown_text_conflict")
    if len(text) > MOST_MARKDOWN:
        raise ApiError("msg_too_long")
    stream = replace(stream, markdown=stream.markdown + text)
    for chunk in chunks:
        stream = _with_chunk(call, stream, chunk)
    return stream


def _with_chunk(call: Call, stream: Stream, chunk: JSON) -> Stream:
    match chunk.get("type"):
        case "markdown_text":
            if len(str(chunk.get("text", ""))) > MOST_MARKDOWN:
                raise ApiError("msg_too_long")
            return replace(stream, markdown=stream.markdown + str(chunk.get("text", "")))
        case "plan_update":
            return replace(stream, plan=_short(chunk, "title"))
        case "task_update":
            return replace(stream, tasks=tuple(_with_task(stream.tasks, chunk)))
        case "blocks":
            return replace(stream, blocks=(*stream.blocks, *checked_blocks(call, chunk.get("blocks"))))
        case unknown:
            raise ApiError(
                "invalid_chunks", response_metadata={"messages": [f"[ERROR] unknown chunk: {unknown}"]}
            )


def _with_task(tasks: Iterable[JSON], chunk: JSON) -> list[JSON]:
    """The tasks after an update: title and status replace what was there, details and output are appended."""
    task_id, status = chunk.get("id"), chunk.get("status", "pending")
    if not task_id or status not in _TASK_STATES:
        raise ApiError("invalid_chunks")
    known = {task["task_id"]: task for task in tasks}
    task = dict(known.get(task_id, {"type": "task_card", "task_id": task_id, "block_id": task_id}))
    task |= {"title": _short(chunk, "title"), "status": status}
    for part in ("details", "output"):
        if _short(chunk, part):
            task[part] = markup.from_markdown(_text_of(task.get(part)) + chunk[part])[0]
    if chunk.get("sources"):
        task["sources"] = [*task.get("sources", ()), *chunk["sources"]]
    return list((known | {task_id: task}).values())


def _text_of(rich_text: JSON | None) -> str:
    return markup.to_mrkdwn([rich_text]) if rich_text else ""


def _short(chunk: JSON, name: str) -> str:
    text = str(chunk.get(name) or "")
    if len(text) > _MOST_TASK_TEXT:
        raise ApiError(
            "invalid_chunks",
            response_metadata={"messages": [f"[ERROR] {name} must be at most {_MOST_TASK_TEXT} characters"]},
        )
    return text


def _shown(call: Call, stream: Stream) -> dict[str, Any]:
    """The message's fields as the stream stands now."""
    said = markup.from_markdown(stream.markdown)
    cards = list(stream.tasks)
    if stream.display_mode == "plan" and cards:
        cards = [{"type": "plan", "title": stream.plan or "", "tasks": cards}]
    blocks = with_ids(call.workspace, [*cards, *said, *stream.blocks])
    return {"text": markup.to_mrkdwn(said), "blocks": tuple(blocks), "stream": stream}


METHODS = (
    Method("chat.startStream", start, ("chat:write",), "tier2"),
    Method("chat.appendStream", append, ("chat:write",), "tier4"),
    Method("chat.stopStream", stop, ("chat:write",), "tier2"),
)
