"""A flat JSON Schema as a modal's inputs, and what was filled in as the schema's own types.

The kinds of fields are those that MCP knows
(https://modelcontextprotocol.io/specification/2025-11-25/client/elicitation#requested-schema). A form that is
not ours goes through `fillable` first, which leaves out what Slack does not take.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, TypeAlias

Json: TypeAlias = Mapping[str, Any]

# Slack's most (https://docs.slack.dev/reference/block-kit/blocks/input-block and its elements).
_MOST_LABEL, _MOST_OPTION, _MOST_OPTIONS = 150, 75, 100
_MOST_TITLE = 24
_MOST_IN_A_LINE = 500
_TEXT_INPUTS = {"email": "email_text_input", "uri": "url_text_input"}


def modal(view: str, title: str, form: Json, *, submit: str, close: str, remembers: str) -> dict[str, Any]:
    """A modal with the form in it; `remembers` comes back with what is filled in."""
    return {
        "type": "modal",
        "callback_id": view,
        "private_metadata": remembers,
        "title": _plain(title, _MOST_TITLE),
        "submit": _plain(submit, _MOST_TITLE),
        "close": _plain(close, _MOST_TITLE),
        "blocks": form_blocks(form),
    }


def form_blocks(form: Json) -> list[dict[str, Any]]:
    """The inputs of the form; each block's id is a property's name, and so is its element's."""
    required = set(form.get("required") or ())
    return [
        {
            "type": "input",
            "block_id": name,
            "optional": name not in required,
            "label": _plain(str(field.get("title") or name), _MOST_LABEL),
            **({"hint": _plain(str(field["description"]), _MOST_LABEL)} if field.get("description") else {}),
            "element": {"action_id": name, **_element(field)},
        }
        for name, field in _fields(form).items()
    ]


def form_values(form: Json, state: Json) -> dict[str, Any]:
    """What was filled into `form_blocks`. What was left empty is left out."""
    fields = _fields(form)
    given = {name: _given(fields[name], block[name]) for name, block in state.items() if name in fields}
    return {name: value for name, value in given.items() if value not in (None, "", [])}


def _fields(form: Json) -> Mapping[str, Json]:
    fields: Mapping[str, Json] = form.get("properties") or {}
    return fields


def _element(field: Json) -> dict[str, Any]:
    if field.get("type") == "array":
        return _select("multi_static_select", _choices(field["items"]), field.get("default", []))
    if choices := _choices(field):
        return _select("static_select", choices, [field["default"]] if "default" in field else [])
    match field.get("type"), field.get("format"):
        case ("integer" | "number") as kind, _:
            element = {"type": "number_input", "is_decimal_allowed": kind == "number"}
            return element | _said(
                field, _decimal, min_value="minimum", max_value="maximum", initial_value="default"
            )
        case _, "date":
            return {"type": "datepicker"} | _said(field, str, initial_date="default")
        case _, "date-time":
            return {"type": "datetimepicker"}
        case _, ("email" | "uri") as kind:
            return {"type": _TEXT_INPUTS[kind]} | _said(field, str, initial_value="default")
    element = {"type": "plain_text_input", "multiline": field.get("maxLength", 0) > _MOST_IN_A_LINE}
    element |= _said(field, int, min_length="minLength", max_length="maxLength")
    return element | _said(field, str, initial_value="default")


def _said(field: Json, form: Callable[[Any], Any], **words: str) -> dict[str, Any]:
    """What the field says, in Slack's words and in this form."""
    return {ours: form(field[theirs]) for ours, theirs in words.items() if theirs in field}


def _decimal(number: float) -> str:
    return f"{Decimal(str(number)):f}"


def _choices(field: Json) -> list[tuple[Any, str]]:
    """The values to choose from, and what people read for them; nothing for a field to write in."""
    match field:
        case {"oneOf": [*choices]}:
            return [(choice["const"], choice["title"]) for choice in choices]
        case {"type": "boolean"}:
            return [(True, "Yes"), (False, "No")]
    return []


def _select(kind: str, choices: Sequence[tuple[Any, str]], chosen: Sequence[Any]) -> dict[str, Any]:
    # A value may be longer than Slack's, or no text: its number stands for it.
    options = [
        {"value": str(number), "text": _plain(label, _MOST_OPTION)}
        for number, (_, label) in enumerate(choices[:_MOST_OPTIONS])
    ]
    initial = [option for option, (value, _) in zip(options, choices, strict=False) if value in chosen]
    element: dict[str, Any] = {"type": kind, "options": options}
    if not initial:
        return element
    if kind == "static_select":
        return element | {"initial_option": initial[0]}
    return element | {"initial_options": initial}


def _given(field: Json, element: Json) -> Any:
    if "selected_options" in element:
        choices = _choices(field["items"])
        return [choices[int(option["value"])][0] for option in element["selected_options"] or ()]
    if "selected_option" in element:
        chosen = element["selected_option"]
        return _choices(field)[int(chosen["value"])][0] if chosen else None
    if seconds := element.get("selected_date_time"):
        return datetime.fromtimestamp(seconds, UTC).isoformat()
    value = element.get("selected_date") or element.get("value")
    if not value:
        return None
    match field.get("type"):
        case "integer":
            return int(value)
        case "number":
            return float(value)
    return value


def _plain(text: str, most: int) -> dict[str, Any]:
    return {"type": "plain_text", "text": text[:most] or "…"}
