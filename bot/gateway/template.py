"""A prompt's template messages, filled from the request's `inputs`."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from bot.gateway.chat import Content, ImagePart, Message, TextPart
from bot.gateway.errors import GatewayError

# The SDK's own rule for what a variable is (humanloop.prompt_utils).
_VARIABLE = re.compile(r"{{\s?([A-Za-z_\d.\[\]]+)\s?}}")


def populate(template: Sequence[Message], inputs: Mapping[str, Any]) -> tuple[Message, ...]:
    """The template's messages with every `{{variable}}` replaced. Values are put in as they are.

    Raises:
        GatewayError: `inputs` lacks a variable; all that lack are named.
    """
    missing = sorted({name for message in template for name in _names(message) if inputs.get(name) is None})
    if missing:
        names = ", ".join(f"`{name}`" for name in missing)
        raise GatewayError(
            f"The prompt needs inputs that the request lacks: {names}.", status=400, code="prompt_invalid"
        )
    return tuple(replace(message, content=_filled(message.content, inputs)) for message in template)


def _names(message: Message) -> list[str]:
    return _VARIABLE.findall(message.text)


def _filled(content: Content, inputs: Mapping[str, Any]) -> Content:
    def fill(text: str) -> str:
        return _VARIABLE.sub(lambda match: str(inputs[match[1]]), text)

    if isinstance(content, tuple):
        return tuple(_filled_part(part, fill) for part in content)
    return None if content is None else fill(content)


def _filled_part(part: TextPart | ImagePart, fill: Callable[[str], str]) -> TextPart | ImagePart:
    return TextPart(fill(part.text)) if isinstance(part, TextPart) else part
