"""Block Kit, as far as a server looks into it: refusals, ids, and `markdown` blocks translated."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from typing import Any

from bot.playground import limits, markup
from bot.playground.objects import JSON
from bot.playground.workspace import Workspace

MOST_BLOCKS = 50
MOST_MARKDOWN = 12_000
_TABLES = ("table", "data_table")


class BlocksRefused(Exception):
    """Blocks that Slack would refuse: its error string, and a sentence for each fault."""

    def __init__(self, error: str, *messages: str) -> None:
        super().__init__(error)
        self.error = error
        self.messages = messages


def checked(blocks: Any, *, most: int = MOST_BLOCKS) -> list[JSON]:
    """Blocks within Slack's limits. Raises BlocksRefused."""
    if not isinstance(blocks, list) or not all(isinstance(block, dict) for block in blocks):
        raise BlocksRefused("invalid_blocks_format")
    if len(blocks) > most:
        raise BlocksRefused("invalid_blocks", f"no more than {most} items allowed [json-pointer:/blocks]")
    faults = [
        f"{fault} [json-pointer:/blocks/{at}]"
        for at, block in enumerate(blocks)
        for fault in limits.faults(block)
    ]
    if faults:
        raise BlocksRefused("invalid_blocks", *faults)
    if markdown_length(blocks) > MOST_MARKDOWN:
        raise BlocksRefused("msg_blocks_too_long")
    ids = [block["block_id"] for block in blocks if block.get("block_id")]
    if len(ids) != len(set(ids)):
        raise BlocksRefused("invalid_blocks", "block_id must be unique within a message")
    check_tables(translated(blocks))
    return blocks


def check_tables(blocks: Iterable[JSON]) -> None:
    """Refuse a message with a second table, or with too large a one. Raises BlocksRefused.

    The code is the one of Slack's page on tables (https://docs.slack.dev/reference/block-kit/blocks/table-block).
    """
    tables = [block for block in blocks if block["type"] in _TABLES]
    if len(tables) > 1:
        raise BlocksRefused("invalid_attachments", "only_one_table_allowed")
    faults = [fault for table in tables if table["type"] == "table" for fault in limits.table_faults(table)]
    if faults:
        raise BlocksRefused("invalid_blocks", *faults)


def markdown_length(blocks: Iterable[JSON]) -> int:
    """How many characters of Markdown the blocks hold."""
    return sum(len(block["text"]) for block in blocks if block["type"] == "markdown")


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
