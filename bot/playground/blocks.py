"""Block Kit, as far as a server looks into it: limits, ids, and `markdown` blocks translated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from bot.playground import markup
from bot.playground.objects import JSON
from bot.playground.workspace import Workspace

MOST_BLOCKS = 50
MOST_MARKDOWN = 12_000
_MOST_TABLE_ROWS, _MOST_TABLE_COLUMNS, _MOST_TABLE_TEXT = 100, 20, 10_000
_MESSAGE_BLOCKS = frozenset(
    {
        *("actions", "alert", "auth_provider", "card", "carousel", "container", "context", "context_actions"),
        *("data_table", "divider", "file", "header", "image", "input", "markdown", "plan", "rich_text"),
        *("section", "table", "task_card", "video"),
    }
)


class BlocksRefused(Exception):
    """Blocks that Slack would refuse: its error string, and a sentence for each fault."""

    def __init__(self, error: str, *messages: str) -> None:
        super().__init__(error)
        self.error = error
        self.messages = messages


def checked(blocks: Any) -> list[JSON]:
    """Blocks within Slack's limits. Raises BlocksRefused."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise BlocksRefused("invalid_blocks_format")
    if len(blocks) > MOST_BLOCKS:
        raise BlocksRefused(
            "invalid_blocks", f"no more than {MOST_BLOCKS} items allowed [json-pointer:/blocks]"
        )
    faults = [
        f"{fault} [json-pointer:/blocks/{at}]" for at, block in enumerate(blocks) for fault in _faults(block)
    ]
    if faults:
        raise BlocksRefused("invalid_blocks", *faults)
    if sum(len(block["text"]) for block in blocks if block["type"] == "markdown") > MOST_MARKDOWN:
        raise BlocksRefused("msg_blocks_too_long")
    if sum(block["type"] == "table" for block in translated(blocks)) > 1:
        raise BlocksRefused("invalid_blocks", "only_one_table_allowed")
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    if len(ids) != len(set(ids)):
        raise BlocksRefused("invalid_blocks", "block_id must be unique within a message")
    return blocks


def translated(blocks: Iterable[JSON]) -> list[JSON]:
    """The blocks with each `markdown` block turned into the blocks that Slack keeps."""
    kept = list[JSON]()
    for block in blocks:
        kept += markup.from_markdown(block["text"]) if block["type"] == "markdown" else [block]
    return kept


def with_ids(workspace: Workspace, blocks: Iterable[JSON]) -> list[JSON]:
    """The blocks, each with the `block_id` and `action_id`s that Slack gives where the sender gave none."""
    return [_with_ids(workspace, block) for block in blocks]


def _with_ids(workspace: Workspace, block: JSON) -> JSON:
    block = block if block.get("block_id") else {**block, "block_id": workspace.new_id("b")}
    if block["type"] not in ("actions", "context_actions"):
        return block
    elements = [
        each if each.get("action_id") else {**each, "action_id": workspace.new_id("a")}
        for each in block.get("elements", ())
    ]
    return {**block, "elements": elements}


def actions(blocks: Iterable[JSON]) -> Iterator[tuple[JSON, JSON]]:
    """Every interactive element, with the block it stands in."""
    for block in blocks:
        for element in (*block.get("elements", ()), block.get("accessory"), block.get("element")):
            if isinstance(element, dict) and "action_id" in element:
                yield block, element


def _faults(block: JSON) -> Iterator[str]:
    kind = block.get("type")
    if kind not in _MESSAGE_BLOCKS:
        yield f"unsupported type: {kind}"
    elif kind == "section":
        yield from _section_faults(block)
    elif kind == "header":
        yield from _text_faults(block.get("text"), 150)
    elif kind == "markdown" and not isinstance(block.get("text"), str):
        yield "missing required field: text"
    elif kind == "table":
        yield from _table_faults(block)
    elif kind == "actions" and not 1 <= len(block.get("elements", ())) <= 25:
        yield "must provide between 1 and 25 elements"
    elif kind == "context_actions" and not 1 <= len(block.get("elements", ())) <= 5:
        yield "must provide between 1 and 5 elements"
    elif kind == "context" and not 1 <= len(block.get("elements", ())) <= 10:
        yield "must provide between 1 and 10 elements"


def _section_faults(block: JSON) -> Iterator[str]:
    if not block.get("text") and not block.get("fields"):
        yield "must provide text or fields"
    if block.get("text"):
        yield from _text_faults(block["text"], 3000)


def _text_faults(text: Any, most: int) -> Iterator[str]:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        yield "missing required field: text"
    elif not text["text"]:
        yield "must be more than 0 characters"
    elif len(text["text"]) > most:
        yield f"must be less than {most + 1} characters"


def _table_faults(block: JSON) -> Iterator[str]:
    rows = block.get("rows") or []
    if not 1 <= len(rows) <= _MOST_TABLE_ROWS:
        yield f"must have between 1 and {_MOST_TABLE_ROWS} rows"
    if any(len(row) > _MOST_TABLE_COLUMNS for row in rows):
        yield f"must have no more than {_MOST_TABLE_COLUMNS} columns"
    if len(markup.to_mrkdwn([{"type": "table", "rows": rows}])) > _MOST_TABLE_TEXT:
        yield f"must have no more than {_MOST_TABLE_TEXT} characters"
