"""A model request in the form of Anthropic's Messages API."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from typing import Any, Literal

from bot.gateway.chat import (
    ImagePart,
    Message,
    NamedTool,
    TextPart,
    Tool,
    ToolCall,
    ToolChoice,
    leading_instructions,
    stable_length,
)
from bot.gateway.errors import GatewayError
from bot.gateway.providers.base import ModelRequest, Parameters

_MAX_TOKENS = 8192  # Anthropic demands a limit; every current model takes this one
_CACHE = {"cache_control": {"type": "ephemeral"}}
_DATA_URL = re.compile(r"data:(image/[\w.+-]+);base64,(.*)", re.DOTALL)
_EFFORTS = {"minimal": "low", "low": "low", "medium": "medium", "high": "high", "xhigh": "xhigh"}
_BEFORE = "(Earlier messages of this conversation are left out.)"

_Json = dict[str, Any]


def request_body(request: ModelRequest) -> _Json:
    """The keyword arguments for the SDK's `messages.create`.

    Cache marks stand at the end of the system prompt (tools come before it), at the end of what the
    thread's next question will repeat, and at the end of the request, which the next turn of this
    question's tool loop repeats: three of the four that Anthropic allows.

    Raises:
        GatewayError: the prompt asks for something that Anthropic does not have.
    """
    given = request.parameters
    first = leading_instructions(request.messages)
    body: _Json = {
        "model": request.model,
        "max_tokens": given.max_tokens or _MAX_TOKENS,
        "messages": _turns(request.messages[first:], stable_length(request.messages) - first),
        **_sampling(given),
    }
    system = [{"type": "text", "text": text} for message in request.messages[:first] if (text := message.text)]
    if system:
        body["system"] = _marked(system)
    if request.tools:
        tools = [_tool(tool) for tool in request.tools]
        body["tools"] = tools if system else _marked(tools)
        body["tool_choice"] = _tool_choice(request.tool_choice)
    return body


def _sampling(given: Parameters) -> _Json:
    if given.response_format is not None:
        raise GatewayError(
            "The prompt sets `response_format`, which Anthropic's models do not have: remove it.",
            status=400,
            code="prompt_invalid",
            origin="anthropic",
        )
    # The SDK has no words for these any more, as newer models refuse them; older ones take them.
    extra = {"temperature": given.temperature, "top_p": given.top_p, **given.other}
    sampling: _Json = {}
    if extra := {key: value for key, value in extra.items() if value is not None}:
        sampling["extra_body"] = extra
    if given.stop:
        sampling["stop_sequences"] = [given.stop] if isinstance(given.stop, str) else list(given.stop)
    if effort := _EFFORTS.get(given.reasoning_effort or ""):
        sampling["output_config"] = {"effort": effort}
    return sampling


def _turns(messages: Sequence[Message], stable: int) -> list[_Json]:
    """The messages as alternating turns: neighbours of one side share a turn, as do parallel tool results."""
    turns: list[_Json] = []
    if messages and messages[0].role == "assistant":
        turns.append({"role": "user", "content": [{"type": "text", "text": _BEFORE}]})
    for position, message in enumerate(messages, start=1):
        blocks = _blocks(message)
        if blocks and position in (stable, len(messages)):
            blocks = _marked(blocks)
        side = _side(message)
        if turns and turns[-1]["role"] == side:
            turns[-1]["content"].extend(blocks)
        elif blocks:
            turns.append({"role": side, "content": blocks})
    return turns


def _side(message: Message) -> Literal["user", "assistant"]:
    # Tool results are the user's; so are instructions amid the chat, which would break the cache
    # of everything after them if they moved up into the system prompt.
    return "assistant" if message.role == "assistant" else "user"


def _blocks(message: Message) -> list[_Json]:
    if message.role == "tool":
        content = _content(message)
        return [{"type": "tool_result", "tool_use_id": message.tool_call_id or "", "content": content}]
    return [*_content(message), *(_tool_use(call) for call in message.tool_calls or ())]


def _content(message: Message) -> list[_Json]:
    parts = message.content if isinstance(message.content, tuple) else (TextPart(message.content or ""),)
    # Anthropic refuses blank text blocks.
    return [_part(part) for part in parts if isinstance(part, ImagePart) or part.text.strip()]


def _part(part: TextPart | ImagePart) -> _Json:
    if isinstance(part, TextPart):
        return {"type": "text", "text": part.text}
    url = part.image_url.url
    if data := _DATA_URL.fullmatch(url):
        return {"type": "image", "source": {"type": "base64", "media_type": data[1], "data": data[2]}}
    return {"type": "image", "source": {"type": "url", "url": url}}


def _tool_use(call: ToolCall) -> _Json:
    return {"type": "tool_use", "id": call.id, "name": call.function.name, "input": _input(call)}


def _input(call: ToolCall) -> _Json:
    try:
        arguments = json.loads(call.function.arguments or "{}")
    except ValueError:
        arguments = None
    # Anthropic demands an object. What a model wrote instead stays readable for it.
    return arguments if isinstance(arguments, dict) else {"not_json": call.function.arguments}


def _tool(tool: Tool) -> _Json:
    schema = tool.parameters or {"type": "object", "properties": {}}
    return {"name": tool.name, "description": tool.description, "input_schema": schema}


def _tool_choice(choice: ToolChoice | None) -> _Json:
    if isinstance(choice, NamedTool):
        return {"type": "tool", "name": choice.function.name}
    return {"type": {"required": "any", "none": "none"}.get(choice or "auto", "auto")}


def _marked(blocks: list[_Json]) -> list[_Json]:
    return [*blocks[:-1], blocks[-1] | _CACHE]
