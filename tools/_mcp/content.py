"""What servers return, as something a model can read. All of it is a stranger's text."""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any, TypeAlias

from mcp.types import (
    AudioContent,
    BlobResourceContents,
    CallToolResult,
    ContentBlock,
    EmbeddedResource,
    ImageContent,
    ResourceLink,
    TextContent,
    TextResourceContents,
)

_NOTHING = "It finished without a result."
Contents: TypeAlias = TextResourceContents | BlobResourceContents


def result_of(result: CallToolResult) -> object:
    """A call's result: its structured content if there is any, else its blocks as text."""
    structured: Any = result.structured_content
    match structured:
        case None:
            return text_of(result)
        case {"result": str(text), **others} if not others:
            # How the official SDKs wrap a plain string: it reads better without.
            return text
        case _:
            return structured


def text_of(result: CallToolResult) -> str:
    """A call's blocks as text."""
    return _joined(map(_block, result.content))


def text_of_resource(contents: Iterable[Contents]) -> str:
    """A resource's contents as text."""
    return _joined(map(_contents, contents))


def _joined(parts: Iterable[str]) -> str:
    return "\n\n".join(part for part in parts if part) or _NOTHING


def _block(block: ContentBlock) -> str:
    match block:
        case TextContent(text=text):
            return text
        case ImageContent(data=data, mime_type=kind):
            return f"[image: {kind}, {_size(data)}]"
        case AudioContent(data=data, mime_type=kind):
            return f"[audio: {kind}, {_size(data)}]"
        case ResourceLink(uri=uri):
            return f"[resource: {block.title or block.name} — {uri}]"
        case EmbeddedResource(resource=resource):
            return _contents(resource)


def _contents(contents: Contents) -> str:
    if isinstance(contents, TextResourceContents):
        return contents.text
    return f"[file: {json.dumps(contents.uri)}, {contents.mime_type or 'unknown type'}, {_size(contents.blob)}]"


def _size(base64: str) -> str:
    size = len(base64) * 3 // 4 - base64[-2:].count("=")
    return f"{size} bytes" if size < 10_000 else f"{size // 1_000} kB"
