"""What a post says: `text`, `blocks`, `attachments` or `markdown_text`, with Slack's rules for each."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from bot.playground import blocks as block_kit
from bot.playground import markup
from bot.playground.api.call import ApiError, Call, invalid_arguments
from bot.playground.objects import JSON

MOST_TEXT = 40_000
MOST_MARKDOWN = block_kit.MOST_MARKDOWN
_MOST_ATTACHMENTS = 100
_MOST_METADATA = 16_000


@dataclass(frozen=True, slots=True)
class Content:
    """What a message shows: the fields of a Message that say so."""

    text: str
    blocks: tuple[JSON, ...]
    attachments: tuple[JSON, ...] = ()
    composed: bool = False

    @property
    def fields(self) -> dict[str, Any]:
        """As arguments for a Message."""
        return {
            "text": self.text,
            "blocks": self.blocks,
            "attachments": self.attachments,
            "composed": self.composed,
        }


def content(call: Call, *, may_be_empty: bool = False) -> Content:
    """The content that a call's arguments give; a text that is too long is cut. Raises ApiError."""
    text, blocks = call.text("text"), call.structure("blocks", "invalid_blocks_format")
    attachments = call.structure("attachments", "invalid_attachments") or []
    if markdown := call.text("markdown_text"):
        if text or blocks:
            raise ApiError("markdown_text_conflict")
        return from_markdown(call, markdown)
    if not isinstance(attachments, list) or len(attachments) > _MOST_ATTACHMENTS:
        raise ApiError("too_many_attachments" if isinstance(attachments, list) else "invalid_attachments")
    if not (text or blocks or attachments or may_be_empty):
        raise ApiError("no_text")
    text = text[:MOST_TEXT]
    return Content(text, _blocks(call, blocks, text), tuple(attachments), composed=bool(blocks))


def from_markdown(call: Call, markdown: str) -> Content:
    """Markdown as Slack keeps it: rich text, and `text` in mrkdwn."""
    if len(markdown) > MOST_MARKDOWN:
        raise ApiError("msg_too_long")
    blocks = markup.from_markdown(markdown)
    with block_refusals():
        block_kit.check_tables(blocks)
    return Content(markup.to_mrkdwn(blocks), tuple(block_kit.with_ids(call.workspace, blocks)))


@contextmanager
def block_refusals() -> Iterator[None]:
    """Turn BlocksRefused into Slack's answer."""
    try:
        yield
    except block_kit.BlocksRefused as refused:
        details = {"response_metadata": {"messages": [f"[ERROR] {each}" for each in refused.messages]}}
        raise ApiError(refused.error, **(details if refused.messages else {})) from refused


def checked_blocks(call: Call, blocks: Any, *, most: int = block_kit.MOST_BLOCKS) -> tuple[JSON, ...]:
    """Blocks that Slack would take, as it keeps them. Raises ApiError."""
    with block_refusals():
        kept = block_kit.translated(block_kit.checked(blocks, most=most))
    return tuple(block_kit.with_ids(call.workspace, kept))


def unfurls(call: Call) -> bool:
    """Whether Slack may fetch the links of a post.

    Before it has fetched one it can't know whether it is media, so both arguments must say no
    (https://docs.slack.dev/messaging/unfurling-links-in-messages).
    """
    return any(name not in call.arguments or call.flag(name) for name in ("unfurl_links", "unfurl_media"))


def metadata(call: Call) -> JSON | None:
    """The `metadata` argument: an event type and a flat payload."""
    given = call.structure("metadata", "invalid_metadata_format")
    if given is None:
        return None
    if not isinstance(given, dict) or not isinstance(given.get("event_type"), str):
        raise ApiError("invalid_metadata_format")
    if not isinstance(given.get("event_payload"), dict):
        raise ApiError("invalid_metadata_schema")
    if len(str(given)) > _MOST_METADATA:
        raise ApiError("metadata_too_large")
    if call.acts_as == "user":
        raise ApiError("metadata_must_be_sent_from_app")
    return given


def thread_root(call: Call, channel_messages: dict[str, Any], name: str = "thread_ts") -> str | None:
    """The root of the thread that an argument names, also where it names a reply."""
    wanted = call.text(name)
    if not wanted:
        return None
    message = channel_messages.get(wanted)
    if message is None:
        raise ApiError("thread_not_found")
    return str(message.thread_ts or wanted)


def _blocks(call: Call, blocks: Any, text: str) -> tuple[JSON, ...]:
    if blocks:
        return checked_blocks(call, blocks)
    # A post without blocks is shown with the rich text that its text amounts to.
    return tuple(block_kit.with_ids(call.workspace, markup.from_mrkdwn(text)))


def chunk_list(call: Call) -> list[JSON]:
    """The `chunks` argument of the stream methods."""
    chunks = call.structure("chunks", "invalid_chunks") or []
    if not isinstance(chunks, list) or not all(isinstance(chunk, dict) for chunk in chunks):
        raise invalid_arguments("chunks must be a list of objects")
    return chunks
