"""Blocks in words: the `text` that Slack gives a message made of blocks."""

from __future__ import annotations

from bot.playground.inline import escape
from bot.playground.objects import JSON

_MARKS = {"bold": "*", "italic": "_", "strike": "~", "code": "`"}


def to_mrkdwn(blocks: list[JSON]) -> str:
    """The `text` that Slack gives a message made of these blocks."""
    return "\n".join(_block_text(block) for block in blocks).strip()


def _block_text(block: JSON) -> str:
    if block["type"] == "table":
        return "\n".join(" | ".join(_block_text(cell).strip() for cell in row) for row in block["rows"])
    if block["type"] == "rich_text":
        return "".join(_element_text(element) for element in block.get("elements", ()))
    text = block.get("text", "")
    return str(text.get("text", "") if isinstance(text, dict) else text)


def _element_text(element: JSON) -> str:
    kind = element.get("type")
    if kind == "rich_text_list":
        return _list_text(element)
    text = "".join(_leaf_text(leaf) for leaf in element.get("elements", ()))
    if kind == "rich_text_preformatted":
        return f"```\n{text}\n```\n"
    if kind == "rich_text_quote":
        return "".join(f"&gt; {line}\n" for line in text.split("\n"))
    return text


def _list_text(element: JSON) -> str:
    ordered, indent = element.get("style") == "ordered", "    " * element.get("indent", 0)
    items = enumerate(element.get("elements", ()), 1)
    return "".join(
        f"{indent}{f'{number}.' if ordered else '•'} {_element_text(item)}\n" for number, item in items
    )


def _leaf_text(leaf: JSON) -> str:
    match leaf.get("type"):
        case "text":
            text = escape(leaf["text"])
        case "link":
            text = f"<{leaf['url']}|{escape(leaf['text'])}>" if "text" in leaf else f"<{leaf['url']}>"
        case "emoji":
            text = f":{leaf['name']}:"
        case "user":
            text = f"<@{leaf['user_id']}>"
        case "channel":
            text = f"<#{leaf['channel_id']}>"
        case "usergroup":
            text = f"<!subteam^{leaf['usergroup_id']}>"
        case "date":
            text = f"<!date^{leaf['timestamp']}^{leaf.get('format', '')}|{escape(leaf.get('fallback', ''))}>"
        case "broadcast":
            text = f"<!{leaf['range']}>"
        case _:
            text = ""
    core = text.rstrip()
    for style, mark in _MARKS.items():
        if leaf.get("style", {}).get(style) and core:
            core = f"{mark}{core}{mark}"
    return core + text[len(text.rstrip()) :]
