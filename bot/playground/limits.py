"""Block Kit's limits: what Slack finds wrong with a block (https://docs.slack.dev/reference/block-kit/blocks)."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType
from typing import Any, TypeAlias

from bot.playground.objects import JSON
from bot.playground.wording import to_mrkdwn

Faults: TypeAlias = Iterator[str]

MOST_TASK_TEXT = 256
_TASK_STATES = ("pending", "in_progress", "complete", "error")
_MOST_ID = 255
_MOST_TEXT = 3_000
_MOST_LABEL, _MOST_VALUE, _MOST_URL = 75, 2_000, 3_000
_MOST_ROWS, _MOST_COLUMNS, _MOST_TABLE_TEXT = 100, 20, 10_000
_MOST_TASKS = 50
_RICH_TEXT_ELEMENTS = ("rich_text_list", "rich_text_preformatted", "rich_text_quote", "rich_text_section")
_RICH_TEXT_LEAVES = MappingProxyType(
    {
        **{"text": "text", "link": "url", "emoji": "name", "date": "timestamp", "color": "value"},
        **{"user": "user_id", "usergroup": "usergroup_id", "channel": "channel_id", "broadcast": "range"},
        "team": "team_id",
    }
)
"""The leaves of rich text, each with the field that it needs."""


def faults(block: JSON) -> Faults:
    """A sentence for each fault of a block, as Slack puts it in `response_metadata.messages`."""
    kind = str(block.get("type"))
    if kind not in _CHECKS:
        yield f"unsupported type: {kind}"
        return
    yield from _id_faults(block, "block_id")
    yield from _CHECKS[kind](block)


def table_faults(block: JSON) -> Faults:
    """What is wrong with the size of a table, given as such or made from Markdown."""
    rows = block["rows"]
    if not 1 <= len(rows) <= _MOST_ROWS:
        yield f"must have between 1 and {_MOST_ROWS} rows"
    if any(len(row) > _MOST_COLUMNS for row in rows):
        yield f"must have no more than {_MOST_COLUMNS} columns"
    if sum(len(_cell_text(cell)) for row in rows for cell in row) > _MOST_TABLE_TEXT:
        yield f"must have no more than {_MOST_TABLE_TEXT} characters"


def _no_faults(_: JSON) -> Faults:
    yield from ()


def _section(block: JSON) -> Faults:
    fields = _objects(block, "fields")
    if not block.get("text") and not fields:
        yield "must provide text or fields"
    if block.get("text"):
        yield from _text(block["text"], _MOST_TEXT)
    if len(fields) > 10:
        yield "no more than 10 items allowed in fields"
    for field in fields:
        yield from _text(field, 2_000)
    if isinstance(block.get("accessory"), dict):
        yield from _element(block["accessory"])


def _header(block: JSON) -> Faults:
    yield from _plain(block.get("text"), 150)


def _markdown(block: JSON) -> Faults:
    if not isinstance(block.get("text"), str) or not block["text"]:
        yield "missing required field: text"


def _context(block: JSON) -> Faults:
    yield from _count(block, "elements", 10)
    for element in _objects(block, "elements"):
        if element.get("type") in ("plain_text", "mrkdwn"):
            yield from _text(element, _MOST_TEXT)


def _actions(block: JSON) -> Faults:
    yield from _elements(block, 25)


def _context_actions(block: JSON) -> Faults:
    yield from _elements(block, 5)
    for element in _objects(block, "elements"):
        if element.get("type") not in ("feedback_buttons", "icon_button"):
            yield f"unsupported type in context_actions: {element.get('type')}"


def _table(block: JSON) -> Faults:
    rows = block.get("rows")
    if not isinstance(rows, list):
        yield "missing required field: rows"
        return
    # Only sound cells can be measured.
    yield from [fault for row in rows for fault in _row(row)] or table_faults(block)


def _row(row: Any) -> Faults:
    if not isinstance(row, list):
        yield "a row must be a list of cells"
        return
    for cell in map(_object, row):
        if cell.get("type") == "rich_text":
            yield from _rich_text(cell)
        elif cell.get("type") not in ("raw_text", "raw_number"):
            yield f"unsupported type of cell: {cell.get('type')}"
        else:
            yield from _required(cell, "text", _MOST_TABLE_TEXT)


def _image(block: JSON) -> Faults:
    if not block.get("image_url") and not block.get("slack_file"):
        yield "must provide image_url or slack_file"
    yield from _length(block.get("image_url", ""), "image_url", _MOST_URL)
    yield from _required(block, "alt_text", 2_000)


def _plan(block: JSON) -> Faults:
    yield from _required(block, "title", MOST_TASK_TEXT)
    tasks = _objects(block, "tasks")
    if len(tasks) > _MOST_TASKS:
        yield f"no more than {_MOST_TASKS} items allowed in tasks"
    for task in tasks:
        yield from _task_card(task)


def _task_card(block: JSON) -> Faults:
    yield from _required(block, "task_id", _MOST_ID)
    yield from _required(block, "title", MOST_TASK_TEXT)
    if block.get("status") not in _TASK_STATES:
        yield f"status must be one of {', '.join(_TASK_STATES)}"
    for part in ("details", "output"):
        if part in block:
            yield from _only_rich_text(_object(block[part]), part)
    for source in _objects(block, "sources"):
        if source.get("type") != "url" or not source.get("url") or not source.get("text"):
            yield "a source must be of type url, with url and text"


def _rich_text(block: JSON) -> Faults:
    if not isinstance(block.get("elements"), list):
        yield "missing required field: elements"
    for element in _objects(block, "elements"):
        if element.get("type") not in _RICH_TEXT_ELEMENTS:
            yield f"unsupported type in rich_text: {element.get('type')}"
        if not isinstance(element.get("indent", 0), int):
            yield "indent must be a number"
        for part in _objects(element, "elements"):
            # A list's items are sections; what else has elements has leaves.
            leaves = _objects(part, "elements") if element.get("type") == "rich_text_list" else [part]
            for leaf in leaves:
                yield from _leaf(leaf)


def _only_rich_text(block: JSON, name: str) -> Faults:
    if block.get("type") == "rich_text":
        yield from _rich_text(block)
    else:
        yield f"{name} must be of type rich_text"


def _leaf(leaf: JSON) -> Faults:
    kind = str(leaf.get("type"))
    if kind not in _RICH_TEXT_LEAVES:
        yield f"unsupported type in rich_text: {kind}"
    elif kind == "date":
        if not isinstance(leaf.get("timestamp"), int):
            yield "missing required field: timestamp"
    elif not isinstance(leaf.get(_RICH_TEXT_LEAVES[kind]), str) or not leaf[_RICH_TEXT_LEAVES[kind]]:
        yield f"missing required field: {_RICH_TEXT_LEAVES[kind]}"


def _input(block: JSON) -> Faults:
    yield from _plain(block.get("label"), 2_000)
    if isinstance(block.get("element"), dict):
        yield from _element(block["element"])
    else:
        yield "missing required field: element"


_CHECKS: Mapping[str, Callable[[JSON], Faults]] = MappingProxyType(
    {
        **dict.fromkeys(("alert", "auth_provider", "card", "carousel", "container", "data_table"), _no_faults),
        **dict.fromkeys(("divider", "file", "video"), _no_faults),
        **{"actions": _actions, "context": _context, "context_actions": _context_actions, "header": _header},
        **{"image": _image, "input": _input, "markdown": _markdown, "plan": _plan, "rich_text": _rich_text},
        **{"section": _section, "table": _table, "task_card": _task_card},
    }
)


def _elements(block: JSON, most: int) -> Faults:
    yield from _count(block, "elements", most)
    elements = _objects(block, "elements")
    for element in elements:
        yield from _element(element)
    ids = [element["action_id"] for element in elements if element.get("action_id")]
    if len(ids) != len(set(ids)):
        yield "action_id must be unique within a block"


def _element(element: JSON) -> Faults:
    yield from _id_faults(element, "action_id")
    match element.get("type"):
        case "button" | "icon_button":
            yield from _plain(element.get("text"), _MOST_LABEL)
            yield from _length(element.get("value", ""), "value", _MOST_VALUE)
            yield from _length(element.get("url", ""), "url", _MOST_URL)
        case "feedback_buttons":
            for side in ("positive_button", "negative_button"):
                yield from _feedback(element.get(side), side)
        case None:
            yield "missing required field: type"


def _feedback(button: Any, side: str) -> Faults:
    if not isinstance(button, dict):
        yield f"missing required field: {side}"
        return
    yield from _plain(button.get("text"), _MOST_LABEL)
    yield from _required(button, "value", _MOST_VALUE)
    yield from _length(button.get("accessibility_label", ""), "accessibility_label", _MOST_LABEL)


def _count(block: JSON, name: str, most: int) -> Faults:
    if not 1 <= len(_objects(block, name)) <= most:
        yield f"must provide between 1 and {most} {name}"


def _id_faults(holder: JSON, name: str) -> Faults:
    yield from _length(holder.get(name, ""), name, _MOST_ID)


def _required(holder: JSON, name: str, most: int) -> Faults:
    if not isinstance(holder.get(name), str) or not holder[name]:
        yield f"missing required field: {name}"
    else:
        yield from _length(holder[name], name, most)


def _length(text: Any, name: str, most: int) -> Faults:
    if not isinstance(text, str):
        yield f"{name} must be a string"
    elif len(text) > most:
        yield f"{name} must be less than {most + 1} characters"


def _plain(text: Any, most: int) -> Faults:
    yield from _text(text, most)
    if isinstance(text, dict) and text.get("type") != "plain_text":
        yield "must be of type plain_text"


def _text(text: Any, most: int) -> Faults:
    if not isinstance(text, dict) or not isinstance(text.get("text"), str):
        yield "missing required field: text"
    elif not text["text"]:
        yield "must be more than 0 characters"
    elif len(text["text"]) > most:
        yield f"must be less than {most + 1} characters"


def _object(value: Any) -> JSON:
    """The value, or an empty object in the place of something else, which then lacks whatever is required."""
    return value if isinstance(value, dict) else {}


def _objects(holder: JSON, name: str) -> list[JSON]:
    values = holder.get(name)
    return [_object(value) for value in values] if isinstance(values, list) else []


def _cell_text(cell: JSON) -> str:
    return to_mrkdwn([cell]) if cell["type"] == "rich_text" else str(cell["text"])
