"""`chat.startStream`, `chat.appendStream` and `chat.stopStream`: a message written piece by piece.

Sources: https://docs.slack.dev/reference/methods/chat.startStream and its two siblings. Not in them, but seen
by many: a stream takes only the kind of content that it was given first, `markdown_text` or `chunks`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from dataclasses import replace
from typing import Any, Literal, TypeAlias

from bot.playground import limits, markup
from bot.playground.api.call import ApiError, Call, Method, invalid_arguments
from bot.playground.api.content import block_refusals, checked_blocks, chunk_list, metadata, thread_root
from bot.playground.blocks import MOST_BLOCKS, MOST_MARKDOWN, check_tables, with_ids
from bot.playground.objects import JSON, Change, Channel, Message, Stream

Mode: TypeAlias = Literal["text", "chunks"]

_USER_ID = re.compile(r"^[UW][A-Z0-9]{2,}$")
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
    ends_at = call.workspace.clock() + call.workspace.stream_lifetime_s
    stream = _grown(call, Stream(display_mode=mode, ends_at=ends_at))
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
    message, stream = _open_stream(call)
    if stream.stopped:
        raise ApiError("stopped_by_user")
    if not call.text("markdown_text") and not call.arguments.get("chunks"):
        raise ApiError("no_text")
    stream = _grown(call, stream)
    call.workspace.change(message, quiet=True, **_shown(call, stream))
    return {"channel": message.channel, "ts": message.ts}


def stop(call: Call) -> JSON:
    """Finish it."""
    message, stream = _open_stream(call)
    session = call.text("session_status")
    if session and session not in _SESSION_STATES:
        raise invalid_arguments(f"session_status must be one of {', '.join(_SESSION_STATES)}")
    stream = _grown(call, stream)
    if blocks := call.structure("blocks", "invalid_blocks_format"):
        # As many again as came in chunks.
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
    recipient = call.text("recipient_user_id")
    if recipient and not _USER_ID.fullmatch(recipient):
        raise invalid_arguments(
            f"input must match regex pattern: {_USER_ID.pattern} [json-pointer:/recipient_user_id]"
        )
    if channel.is_direct:
        return
    if not recipient:
        raise ApiError("missing_recipient_user_id")
    if not call.text("recipient_team_id"):
        raise ApiError("missing_recipient_team_id")


def _open_stream(call: Call) -> tuple[Message, Stream]:
    message = call.message(call.channel(), "ts")
    if message.user != call.caller.id:
        raise ApiError("message_not_owned_by_app")
    if message.stream is None or not message.is_growing:
        raise ApiError("message_not_in_streaming_state")
    return message, message.stream


def _grown(call: Call, stream: Stream) -> Stream:
    """The stream with the call's `markdown_text` and `chunks` added."""
    text, chunks = call.text("markdown_text"), chunk_list(call)
    if text and chunks:
        raise ApiError("cannot_provide_both_markdown_text_and_chunks")
    mode: Mode | None = "text" if text else "chunks" if chunks else stream.mode
    if stream.mode not in (None, mode):
        raise ApiError("streaming_mode_mismatch")
    if len(text) + sum(_markdown_length(chunk) for chunk in chunks) > MOST_MARKDOWN:
        raise ApiError("msg_too_long")
    stream = replace(stream, mode=mode, markdown=stream.markdown + text)
    for chunk in chunks:
        stream = _with_chunk(call, stream, chunk)
    return stream


def _markdown_length(chunk: JSON) -> int:
    return len(str(chunk.get("text", ""))) if chunk.get("type") == "markdown_text" else 0


def _with_chunk(call: Call, stream: Stream, chunk: JSON) -> Stream:
    match chunk.get("type"):
        case "markdown_text":
            return replace(stream, markdown=stream.markdown + str(chunk.get("text", "")))
        case "plan_update":
            return replace(stream, plan=_short(chunk, "title"))
        case "task_update":
            return replace(stream, tasks=tuple(_with_task(stream.tasks, chunk)))
        case "blocks":
            room = MOST_BLOCKS - len(stream.blocks)
            blocks = checked_blocks(call, chunk.get("blocks"), most=room)
            return replace(stream, blocks=(*stream.blocks, *blocks))
        case unknown:
            raise _invalid_chunks(f"unknown chunk: {unknown}")


def _with_task(tasks: Iterable[JSON], chunk: JSON) -> list[JSON]:
    """The tasks after an update: title and status replace what was there, details and output are appended."""
    task_id = chunk.get("id")
    known = {task["task_id"]: task for task in tasks}
    task = dict(known.get(task_id, {"type": "task_card", "task_id": task_id, "block_id": task_id}))
    task |= {"title": _short(chunk, "title"), "status": chunk.get("status", "pending")}
    for part in ("details", "output"):
        if _short(chunk, part).strip():
            task[part] = markup.from_markdown(_text_of(task.get(part)) + chunk[part])[0]
    if chunk.get("sources"):
        task["sources"] = [*task.get("sources", ()), *chunk["sources"]]
    for fault in limits.faults(task):
        raise _invalid_chunks(fault)
    return list((known | {task_id: task}).values())


def _invalid_chunks(message: str) -> ApiError:
    return ApiError("invalid_chunks", response_metadata={"messages": [f"[ERROR] {message}"]})


def _text_of(rich_text: JSON | None) -> str:
    return markup.to_mrkdwn([rich_text]) if rich_text else ""


def _short(chunk: JSON, name: str) -> str:
    text = str(chunk.get(name) or "")
    if len(text) > limits.MOST_TASK_TEXT:
        raise _invalid_chunks(f"{name} must be at most {limits.MOST_TASK_TEXT} characters")
    return text


def _shown(call: Call, stream: Stream) -> dict[str, Any]:
    """The message's fields as the stream stands now."""
    said = markup.from_markdown(stream.markdown)
    cards = list(stream.tasks)
    if stream.display_mode == "plan" and cards:
        cards = [{"type": "plan", "title": stream.plan or "", "tasks": cards}]
    with block_refusals():
        check_tables([*said, *stream.blocks])
    blocks = with_ids(call.workspace, [*cards, *said, *stream.blocks])
    return {"text": markup.to_mrkdwn(said), "blocks": tuple(blocks), "stream": stream}


METHODS = (
    Method("chat.startStream", start, ("chat:write",), "tier2"),
    Method("chat.appendStream", append, ("chat:write",), "tier4"),
    Method("chat.stopStream", stop, ("chat:write",), "tier2"),
)
