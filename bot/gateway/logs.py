"""What a log is made of: its ids, its file and version, and what of a request is fit to be kept."""

from __future__ import annotations

import hashlib
import json
import re
import uuid
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

FileType = Literal["prompt", "tool", "flow", "evaluator"]

_FILE_PREFIX: dict[FileType, str] = {"prompt": "pr_", "tool": "tl_", "flow": "fl_", "evaluator": "ev_"}
_VERSION_PREFIX: dict[FileType, str] = {"prompt": "prv_", "tool": "tlv_", "flow": "flv_", "evaluator": "evv_"}
_IMAGE_DATA = re.compile(r"data:(image/[\w.+-]+);base64,([A-Za-z0-9+/=]*)")
_NEVER_STORED = frozenset({"provider_api_keys", "prompt", "stream"})  # a prompt is stored as its version
_PAYLOADS = frozenset({"messages", "inputs", "output", "output_message", "error"})


@dataclass(frozen=True, slots=True)
class File:
    """A prompt, tool, flow or evaluator by its path, in one version: Humanloop logs belong to one."""

    type: FileType
    path: str
    id: str
    version_id: str
    content: dict[str, Any] = field(repr=False)

    @property
    def name(self) -> str:
        """The last part of the path."""
        return self.path.rpartition("/")[2]


@dataclass(frozen=True, slots=True)
class Log:
    """One stored event: a model call, a tool call, a flow around them, or a judgment."""

    id: str
    file: File
    body: dict[str, Any] = field(repr=False)
    trace_parent_id: str | None = None
    trace_id: str | None = None
    """The root of the trace; a flow's own id where it has no parent."""
    evaluates: str | None = None
    """An evaluator log's subject."""
    status: Literal["complete", "incomplete"] | None = None
    created_at: datetime = field(default_factory=lambda: datetime.now(UTC))


def new_log_id() -> str:
    """An id for a log that came without one."""
    return f"log_{uuid.uuid4().hex}"


def file_of(kind: FileType, path: str | None, file_id: str | None, content: dict[str, Any]) -> File:
    """The file that a request names. Its version is a hash of its content."""
    where = path or file_id or kind
    canonical = json.dumps(content, sort_keys=True, separators=(",", ":"), default=str)
    return File(
        type=kind,
        path=where,
        id=file_id or _FILE_PREFIX[kind] + _digest(where),
        version_id=_VERSION_PREFIX[kind] + _digest(canonical),
        content=content,
    )


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:22]


def storable(body: dict[str, Any], *, save: bool = True) -> dict[str, Any]:
    """The part of a request's JSON that is kept: never keys, no image data, without `save` no payload."""
    dropped = _NEVER_STORED if save else _NEVER_STORED | _PAYLOADS
    return {key: without_images(value) for key, value in body.items() if key not in dropped}


def without_images(value: Any) -> Any:
    """The same JSON with a note in place of every image's data."""
    if isinstance(value, str):
        return _IMAGE_DATA.sub(_image_note, value) if "data:image/" in value else value
    if isinstance(value, dict):
        return {key: without_images(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [without_images(item) for item in value]
    return value


def _image_note(match: re.Match[str]) -> str:
    return f"[{match[1]}, about {len(match[2]) * 3 // 4} bytes, not stored]"
