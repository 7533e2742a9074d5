"""`files.*`: descriptions, and the two-step upload."""

from __future__ import annotations

from dataclasses import replace

from bot.playground.api.call import ApiError, Call, Method
from bot.playground.api.content import checked_blocks, thread_root
from bot.playground.markup import from_mrkdwn
from bot.playground.objects import JSON, Channel, File, Message
from bot.playground.storage import guessed_type


def info(call: Call) -> JSON:
    """Describe a file."""
    file = _file(call, call.required("file", "file_not_found"))
    return {"file": call.shapes.file(file), "comments": [], "response_metadata": {"next_cursor": ""}}


def list_(call: Call) -> JSON:
    """Page by page, newest first, as the method has always paged: by number, without a cursor."""
    wanted, user = call.text("channel"), call.text("user")
    files = [
        file
        for file in reversed(call.workspace.files.values())
        if _is_visible(call, file)
        and (not wanted or wanted in file.shared_in)
        and (not user or file.user == user)
    ]
    count, number = call.number("count", 100, most=1000), call.number("page", 1, most=100_000)
    chosen = files[(number - 1) * count : number * count]
    paging = {"count": count, "total": len(files), "page": number, "pages": -(-len(files) // count)}
    return {"files": [call.shapes.file(file) for file in chosen], "paging": paging}


def get_upload_url(call: Call) -> JSON:
    """Begin an upload: where the bytes go."""
    name = call.required("filename")
    length = call.number("length", 0, most=1_000_000_000)
    if not length:
        raise ApiError("missing_argument")
    workspace = call.workspace
    file = File(
        id=workspace.new_id("F"),
        name=name,
        title=name,
        mimetype=guessed_type(name),
        user=call.caller.id,
        created=int(workspace.clock()),
        size=length,
    )
    workspace.files[file.id] = file
    return {"upload_url": f"{workspace.url}/upload/v1/{file.id}", "file_id": file.id}


def complete_upload(call: Call) -> JSON:
    """End an upload, and share the files in a channel if one is named, with a comment or blocks above them."""
    given = call.structure("files", "invalid_arguments")
    if not isinstance(given, list) or not given:
        raise ApiError("invalid_arguments")
    files = [_completed(call, entry) for entry in given]
    wanted = call.text("channel_id") or call.text("channels").split(",")[0]
    if wanted:
        channel = call.workspace.channels.get(wanted)
        if channel is None:
            raise ApiError("channel_not_found")
        files = _share(call, channel, files)
    return {"files": [call.shapes.file(file) for file in files]}


def _completed(call: Call, entry: JSON) -> File:
    file = _file(call, str(entry.get("id")))
    if file.id not in call.workspace.contents:
        raise ApiError("file_not_found")
    file = replace(file, title=entry.get("title") or file.name)
    call.workspace.files[file.id] = file
    return file


def _share(call: Call, channel: Channel, files: list[File]) -> list[File]:
    workspace = call.workspace
    if call.caller.id not in channel.members:
        raise ApiError("not_in_channel")
    files = [replace(file, shared_in=(*file.shared_in, channel.id)) for file in files]
    workspace.files |= {file.id: file for file in files}
    text, blocks = call.text("initial_comment"), call.structure("blocks", "invalid_blocks_format")
    said = from_mrkdwn(text) if text else blocks or []  # a comment goes before blocks
    workspace.post(
        Message(
            channel=channel.id,
            ts=workspace.next_ts(),
            user=call.caller.id,
            text=text,
            blocks=checked_blocks(call, said),
            thread_ts=thread_root(call, channel.messages),
            subtype="file_share",
            bot_id=call.caller.bot_id,
            app_id=call.caller.app_id,
            files=tuple(files),
        )
    )
    return files


def _file(call: Call, file_id: str) -> File:
    file = call.workspace.files.get(file_id)
    if file is None or not _is_visible(call, file):
        raise ApiError("file_not_found")
    return file


def _is_visible(call: Call, file: File) -> bool:
    rooms = [call.workspace.channels[room] for room in file.shared_in]
    return file.user == call.caller.id or any(
        room.kind == "channel" or call.caller.id in room.members for room in rooms
    )


METHODS = (
    Method("files.info", info, ("files:read",), "tier4"),
    Method("files.list", list_, ("files:read",), "tier3"),
    Method("files.getUploadURLExternal", get_upload_url, ("files:write",), "tier4"),
    Method("files.completeUploadExternal", complete_upload, ("files:write",), "tier4"),
)
