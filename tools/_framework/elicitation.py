"""Ask the person something while a tool runs.

The shapes follow MCP, whose servers ask this way:
https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias


@dataclass(frozen=True, slots=True)
class Elicitation:
    """A question to the person: a small form, or a page to visit."""

    message: str
    schema: Mapping[str, Any] | None = None
    """JSON Schema of the form: a flat object of strings, numbers, booleans and enums. `None`: a yes or no."""
    url: str | None = None
    """The page where the person does the rest. There is no form then."""


@dataclass(frozen=True, slots=True)
class ElicitationAnswer:
    """What the person did: filled the form in, said no, or went away."""

    action: Literal["accept", "decline", "cancel"]
    content: Mapping[str, Any] | None = None
    """The form's values, if it was accepted."""


Elicit: TypeAlias = Callable[[Elicitation], Awaitable[ElicitationAnswer]]
