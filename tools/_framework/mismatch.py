"""Say to a model, in words, why its arguments do not fit."""

from __future__ import annotations

import json
from typing import Any

import pydantic
from pydantic_core import ErrorDetails

_MOST_ERRORS = 8
_MOST_VALUE_CHARS = 80


def explain(error: pydantic.ValidationError, name: str, parameters: dict[str, Any]) -> str:
    """Which argument is wrong, what was expected, and what came instead."""
    details = error.errors(include_url=False, include_context=False)
    sentences = [_sentence(detail, parameters) for detail in details[:_MOST_ERRORS]]
    if len(details) > _MOST_ERRORS:
        sentences.append(f"and {len(details) - _MOST_ERRORS} more")
    return f"The arguments do not fit {name}: " + "; ".join(sentences) + "."


def _sentence(detail: ErrorDetails, parameters: dict[str, Any]) -> str:
    argument = ".".join(str(part) for part in detail["loc"]) or "the arguments"
    known: dict[str, Any] = parameters.get("properties", {})
    if detail["type"] == "missing":
        description = known.get(argument, {}).get("description")
        return f"{argument} is missing" + (f" ({description.rstrip('.')})" if description else "")
    if detail["type"] == "extra_forbidden":
        return f"{argument} is not an argument, it takes {', '.join(known) or 'none'}"
    expected = detail["msg"][:1].lower() + detail["msg"][1:]
    return f"{argument}: {expected}, but it was {_show(detail['input'])}"


def _show(value: object) -> str:
    text = json.dumps(value, ensure_ascii=False, default=repr)
    return text if len(text) <= _MOST_VALUE_CHARS else text[:_MOST_VALUE_CHARS] + "…"
