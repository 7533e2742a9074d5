"""The forms that tools ask for, as those that people can fill in in Slack.

They come from MCP servers, which write JSON Schema as their libraries do: with nulls for what may be left out,
and with limits and defaults for which Slack would refuse the whole modal.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import date
from itertools import zip_longest
from types import MappingProxyType
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]

# Slack's most (https://docs.slack.dev/reference/block-kit/blocks/input-block and its elements).
_MOST_INPUTS = 100
_MOST_NAME = 255
_MOST_TEXT = 3_000
# More digits than this are no limit that anybody means.
_MOST_NUMBER = 1e15
_NULL = {"type": "null"}


def fillable(form: Json) -> dict[str, Any] | None:
    """The form with what can be asked in a modal, for `forms`; empty if that is nothing.

    Choices are `oneOf` with `const` and `title`, and whatever Slack would refuse is left out. `None` if
    something is required that can't be asked.
    """
    properties, required = form.get("properties") or {}, form.get("required") or []
    if not isinstance(properties, Mapping) or not isinstance(required, list):
        return None
    fields = {name: _field(field) for name, field in properties.items() if 0 < len(name) <= _MOST_NAME}
    asked = {name: field for name, field in fields.items() if field}
    if len(asked) > _MOST_INPUTS or any(name not in asked for name in required):
        return None
    return {"properties": asked, "required": required} if asked else {}


def _field(given: Any) -> dict[str, Any] | None:
    """A field in the words of Slack's inputs; `None` if there is none for it."""
    if not isinstance(given, Mapping):
        return None
    field = _without_null(given)
    asks = _choice(field) if field.keys() & {"enum", "oneOf", "anyOf"} else _entry(field)
    return _kept(title=field.get("title"), description=field.get("description"), **asks) if asks else None


def _without_null(field: Json) -> Json:
    """The field without null: what may be null may as well be left out."""
    kinds = field.get("type")
    if isinstance(kinds, list) and len(others := [kind for kind in kinds if kind != "null"]) == 1:
        field = {**field, "type": others[0]}
    for word in ("anyOf", "oneOf"):
        if isinstance(branches := field.get(word), list) and _NULL in branches:
            others = [branch for branch in branches if branch != _NULL]
            rest = {key: value for key, value in field.items() if key != word}
            is_one = len(others) == 1 and isinstance(others[0], Mapping)
            field = {**others[0], **rest} if is_one else {**rest, word: others}
    return field


def _choice(field: Json) -> dict[str, Any] | None:
    choices, default = _choices(field), field.get("default")
    is_there = any(choice["const"] == default for choice in choices)
    return _kept(oneOf=choices, default=default if is_there else None) if choices else None


def _choices(field: Json) -> list[dict[str, Any]]:
    """What there is to choose from; nothing if that is more than plain values."""
    match field:
        case {"enum": [*values]}:
            names = field.get("enumNames")
            named = zip_longest(values, names[: len(values)] if isinstance(names, list) else ())
            pairs = [(value, name) for value, name in named if value is not None]
        case {"oneOf": [*given]} | {"anyOf": [*given]} if all(isinstance(each, Mapping) for each in given):
            pairs = [(each.get("const"), each.get("title")) for each in given]
        case _:
            return []
    are_plain = all(isinstance(value, str | int | float) for value, _ in pairs)
    return [{"const": value, "title": str(name or value)} for value, name in pairs] if are_plain else []


def _entry(field: Json) -> dict[str, Any] | None:
    default = field.get("default")
    match field.get("type", "string" if field.keys().isdisjoint({"$ref", "allOf", "not"}) else None):
        case "boolean":
            return _kept(type="boolean", default=default if isinstance(default, bool) else None)
        case "array":
            items = field.get("items")
            choices = _choices(items) if isinstance(items, Mapping) else []
            several = {"type": "array", "items": {"oneOf": choices}}
            return _kept(**several, default=default if isinstance(default, list) else None) if choices else None
        case "integer" | "number" as kind:
            return _number(kind, field)
        case "string":
            return _text(field)
    return None


def _number(kind: str, field: Json) -> dict[str, Any]:
    words = ("minimum", "maximum", "default")
    least, most, default = (_finite(field.get(word), whole=kind == "integer") for word in words)
    if least is not None and most is not None and least > most:
        least = most = None
    fits = default is not None and (least is None or least <= default) and (most is None or default <= most)
    return _kept(type=kind, minimum=least, maximum=most, default=default if fits else None)


def _finite(value: Any, *, whole: bool) -> float | None:
    is_number = isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < _MOST_NUMBER
    if not is_number or (whole and value != int(value)):
        return None
    return int(value) if whole else value


def _text(field: Json) -> dict[str, Any] | None:
    kind, default = str(field.get("format")), field.get("default")
    default = default if isinstance(default, str) and len(default) <= _MOST_TEXT else ""
    if kind in _FORMATS:
        return _kept(type="string", format=kind, default=default if _FORMATS[kind](default) else None)
    given = (_finite(field.get(word), whole=True) for word in ("minLength", "maxLength"))
    least, most = (length if length is not None and length > 0 else None for length in given)
    if least is not None and least > _MOST_TEXT:
        return None
    if most is not None and most < (least or 1):
        least = most = None
    most = most and min(most, _MOST_TEXT)
    fits = default and (least or 1) <= len(default) <= (most or _MOST_TEXT)
    return _kept(type="string", minLength=least, maxLength=most, default=default if fits else None)


def _is_day(text: str) -> bool:
    try:
        return date.fromisoformat(text).isoformat() == text
    except ValueError:
        return False


_FORMATS: Mapping[str, Callable[[str], bool]] = MappingProxyType(
    {
        "date": _is_day,
        "date-time": lambda _: False,
        "email": lambda text: "@" in text,
        "uri": lambda text: text.startswith(("https://", "http://")),
    }
)
"""What Slack has inputs for, and which texts may stand in them at first."""


def _kept(**words: Any) -> dict[str, Any]:
    """The words that are said."""
    return {word: value for word, value in words.items() if value is not None}
