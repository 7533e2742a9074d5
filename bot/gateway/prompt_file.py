"""Humanloop's `.prompt` files: model parameters as YAML, then the messages as blocks of tags.

    ---
    model: gpt-5-mini
    provider: openai
    ---
    <system>
      You are {{persona}}.
    </system>
    <user><text>What is this?</text><image url="https://…" /></user>
    <assistant><tool name="f" id="call_1">{"a": 1}</tool></assistant>
    <tool name="f" id="call_1">result</tool>

Humanloop published no grammar, so this reads its examples leniently: what is not one of the format's
own tags is text, and so is a tag inside a block that can't hold it.
"""

from __future__ import annotations

import re
import textwrap
from typing import Any

import yaml

from bot.gateway.errors import PromptFileError

_FENCE = "---"
_ROLES = ("system", "developer", "user", "assistant", "tool")
_BLOCK = re.compile(rf"<({'|'.join(_ROLES)})((?:\s+[\w-]+=\"[^\"]*\")*)\s*>")
_PART = re.compile(
    r"<text>(?P<text>.*?)</text>"
    r"|<image(?P<image>(?:\s+[\w-]+=\"[^\"]*\")+)\s*/?>(?:\s*</image>)?"
    r"|<tool(?P<call>(?:\s+[\w-]+=\"[^\"]*\")+)\s*>(?P<arguments>.*?)</tool>",
    re.DOTALL,
)
_ATTRIBUTE = re.compile(r"([\w-]+)=\"([^\"]*)\"")


def parse(text: str) -> dict[str, Any]:
    """The prompt object that the file's text stands for: parameters, and its messages as `template`.

    Raises:
        PromptFileError: no front matter, YAML that can't be read, text outside of the blocks, or a
            block that is not closed.
    """
    header, body, first_line = _split(text)
    prompt = _front_matter(header)
    prompt["template"] = _messages(body, first_line)
    return prompt


def _split(text: str) -> tuple[str, str, int]:
    """The front matter, the body, and the number of the body's first line."""
    lines = text.lstrip("\ufeff").splitlines(keepends=True)
    if not lines or lines[0].strip() != _FENCE:
        raise PromptFileError("it must begin with front matter: `---`, `model: …`, `---`.", line=1)
    for index, line in enumerate(lines[1:], start=1):
        if line.strip() == _FENCE:
            return "".join(lines[1:index]), "".join(lines[index + 1 :]), index + 2
    raise PromptFileError("the front matter has no end: add a line `---` after it.", line=1)


def _front_matter(header: str) -> dict[str, Any]:
    try:
        parsed = yaml.safe_load(header)
    except yaml.MarkedYAMLError as error:
        # Line 1 is the fence, and marks count from 0.
        line = error.problem_mark.line + 2 if error.problem_mark else 1
        raise PromptFileError(f"the front matter is not valid YAML: {error.problem}.", line=line) from error
    if not isinstance(parsed, dict) or "model" not in parsed:
        raise PromptFileError("the front matter must name a model: `model: gpt-5-mini`.", line=1)
    return parsed


def _messages(body: str, first_line: int) -> list[dict[str, Any]]:
    messages = []
    position = 0
    while block := _BLOCK.search(body, position):
        _refuse_text(body, position, block.start(), first_line)
        role, attributes = block.group(1), _attributes(block.group(2))
        inner, position = _inner(body, block, first_line)
        messages.append(_message(role, attributes, inner))
    _refuse_text(body, position, len(body), first_line)
    return messages


def _refuse_text(body: str, start: int, end: int, first_line: int) -> None:
    stray = body[start:end]
    if words := stray.strip():
        at = start + stray.index(words[0])
        raise PromptFileError(
            f"text outside of a block: {words.splitlines()[0][:40]!r}. Put it into <system>…</system> "
            "or another message.",
            line=_line(body, at, first_line),
        )


def _inner(body: str, block: re.Match[str], first_line: int) -> tuple[str, int]:
    """A block's inside, and where the text after the block begins.

    An assistant's <tool> and a <tool> message end with the same tag, so the block's own end is the
    first one that leaves nothing open.
    """
    role = block.group(1)
    depth = 1
    for tag in re.compile(rf"<{role}(?:\s[^>]*)?>|</{role}\s*>").finditer(body, block.end()):
        depth += -1 if tag.group().startswith("</") else 1
        if depth == 0:
            return body[block.end() : tag.start()], tag.end()
    closed = re.compile(rf"</{role}\s*>").search(body, block.end())
    if closed is None:
        line = _line(body, block.start(), first_line)
        raise PromptFileError(f"<{role}> is not closed: add </{role}> at its end.", line=line)
    # The text names the tag without closing it, as in "use <user> for names": the first end counts.
    return body[block.end() : closed.start()], closed.end()


def _message(role: str, attributes: dict[str, str], inner: str) -> dict[str, Any]:
    if role == "tool":
        return {"role": "tool", "tool_call_id": attributes.get("id", ""), "content": _dedented(inner)}
    message: dict[str, Any] = {"role": role}
    if "name" in attributes:
        message["name"] = attributes["name"]
    found = [part for part in _PART.finditer(inner) if part["call"] is None or role == "assistant"]
    calls = [_tool_call(part) for part in found if part["call"] is not None]
    parts = [_part(part) for part in found if part["call"] is None]
    message["content"] = parts or (None if calls else _dedented(inner))
    if calls:
        message["tool_calls"] = calls
    return message


def _part(part: re.Match[str]) -> dict[str, Any]:
    if part["image"] is None:
        return {"type": "text", "text": _dedented(part["text"])}
    attributes = _attributes(part["image"])
    image = {key: attributes[key] for key in ("url", "detail") if key in attributes}
    return {"type": "image_url", "image_url": image}


def _tool_call(part: re.Match[str]) -> dict[str, Any]:
    attributes = _attributes(part["call"])
    function = {"name": attributes.get("name", ""), "arguments": part["arguments"].strip()}
    return {"id": attributes.get("id", ""), "type": "function", "function": function}


def _attributes(text: str) -> dict[str, str]:
    return {match[1]: match[2] for match in _ATTRIBUTE.finditer(text)}


def _dedented(text: str) -> str:
    return textwrap.dedent(text.strip("\n")).strip()


def _line(body: str, position: int, first_line: int) -> int:
    return first_line + body.count("\n", 0, position)
