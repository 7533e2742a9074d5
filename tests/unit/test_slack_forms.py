"""Forms as MCP servers ask for them, and the modals that Slack takes."""

from __future__ import annotations

import re
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.slack.fillable import fillable
from bot.slack.forms import form_blocks, form_values

Json = dict[str, Any]
_TEXT, _NULL = {"type": "string"}, {"type": "null"}


@pytest.mark.parametrize(
    ("field", "element"),
    [
        ({"anyOf": [_TEXT, _NULL], "default": None}, {"type": "plain_text_input", "multiline": False}),
        ({"type": ["string", "null"]}, {"type": "plain_text_input", "multiline": False}),
        ({"type": "string", "maxLength": None}, {"type": "plain_text_input", "multiline": False}),
        ({"type": "string", "minLength": -1}, {"type": "plain_text_input", "multiline": False}),
        ({"type": "string", "minLength": 9, "maxLength": 1}, {"type": "plain_text_input", "multiline": False}),
        (
            {"type": "string", "maxLength": 9_000, "default": "a" * 4_000},
            {"type": "plain_text_input", "multiline": True, "max_length": 3_000},
        ),
        (
            {"anyOf": [{"type": "integer", "minimum": 0, "maximum": 9.5}, _NULL], "default": 2.0},
            {"type": "number_input", "is_decimal_allowed": False, "min_value": "0", "initial_value": "2"},
        ),
        (
            {"type": "number", "minimum": 1e-7, "maximum": 1e300, "default": -1},
            {"type": "number_input", "is_decimal_allowed": True, "min_value": "0.0000001"},
        ),
        ({"type": "string", "format": "date", "default": "soon"}, {"type": "datepicker"}),
        ({"type": "string", "format": "date", "default": "20261122"}, {"type": "datepicker"}),
        ({"type": "string", "format": "uri", "default": "home"}, {"type": "url_text_input"}),
    ],
)
def test_nulls_and_what_slack_refuses_are_left_out(field: Json, element: Json) -> None:
    (block,) = form_blocks(_fillable({"properties": {"a": field}}))
    assert block["element"] == {"action_id": "a", **element}


@pytest.mark.parametrize(
    "field",
    [
        {"anyOf": [{"type": "string", "enum": ["S", "M"]}, _NULL], "default": "M"},
        {"type": ["string", "null"], "enum": ["S", "M", None], "default": "M"},
        {"oneOf": [{"const": "S"}, {"const": "M"}, _NULL], "default": "M"},
        {"type": "string", "enum": ["S", "M"], "enumNames": [], "default": "M"},
    ],
)
def test_a_choice_that_may_be_left_out_is_a_choice(field: Json) -> None:
    form = _fillable({"properties": {"size": field}})
    (block,) = form_blocks(form)
    assert [option["text"]["text"] for option in block["element"]["options"]] == ["S", "M"]
    assert block["element"]["initial_option"]["text"]["text"] == "M"
    chosen = {"size": {"size": {"selected_option": {"value": "0"}}}}
    assert form_values(form, chosen) == {"size": "S"}


@pytest.mark.parametrize(
    "field",
    [
        {"type": "object", "properties": {"street": _TEXT}},
        {"type": "array", "items": _TEXT},
        {"type": ["string", "integer"]},
        {"anyOf": [_TEXT, {"type": "integer"}]},
        {"$ref": "#/$defs/Address"},
        {"type": "string", "enum": []},
        {"type": "string", "minLength": 4_000},
        True,
    ],
)
def test_what_can_not_be_asked_is_left_out_and_makes_the_form_useless_if_it_is_required(field: Any) -> None:
    properties = {"name": _TEXT, "odd": field}
    assert fillable({"properties": properties}) == {"properties": {"name": _TEXT}, "required": []}
    assert fillable({"properties": {"odd": field}}) == {}
    assert fillable({"properties": properties, "required": ["odd"]}) is None


def test_nothing_to_fill_in_is_no_form() -> None:
    assert fillable({}) == {}
    assert fillable({"type": "object", "properties": {}}) == {}


_scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
_anything = st.recursive(
    _scalars, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=6
)
_words: dict[str, st.SearchStrategy[Any]] = {
    "type": st.sampled_from(["string", "integer", "number", "boolean", "array", "object", ["string", "null"]]),
    "format": st.sampled_from(["date", "date-time", "email", "uri", "uuid"]),
    "enum": st.lists(_scalars, max_size=3),
    "anyOf": st.lists(st.just(_NULL) | st.just(_TEXT) | st.fixed_dictionaries({"const": _scalars}), max_size=3),
    "items": st.fixed_dictionaries({"enum": st.lists(_scalars, max_size=3)}),
    **dict.fromkeys(
        ("default", "title", "enumNames", "minLength", "maxLength", "minimum", "maximum"), _scalars
    ),
}
_fields = st.fixed_dictionaries({}, optional={word: some | _anything for word, some in _words.items()})


@given(st.dictionaries(st.text(max_size=300), _fields | _anything, max_size=4))
def test_whatever_is_asked_for_makes_a_modal_that_slack_takes(properties: Json) -> None:
    for block in form_blocks(_fillable({"properties": properties})):
        assert 0 < len(block["block_id"]) <= 255
        assert 0 < len(block["label"]["text"]) <= 150
        _check(block["element"])


def _check(element: Json) -> None:
    """What https://docs.slack.dev/reference/block-kit/block-elements says of each kind."""
    match element["type"]:
        case "number_input":
            numbers = [element.get(word) for word in ("min_value", "initial_value", "max_value")]
            given = [Decimal(number) for number in numbers if number is not None]
            assert given == sorted(given)
            form = r"-?\d+(\.\d+)?" if element["is_decimal_allowed"] else r"-?\d+"
            assert all(re.fullmatch(form, number) for number in numbers if number is not None)
        case "plain_text_input":
            least, most = element.get("min_length", 0), element.get("max_length", 3_000)
            assert 0 <= least <= most <= 3_000
            assert most > 0
            assert "initial_value" not in element or least <= len(element["initial_value"]) <= most
        case "static_select" | "multi_static_select":
            assert 1 <= len(element["options"]) <= 100
            assert all(0 < len(option["text"]["text"]) <= 75 for option in element["options"])
            assert element.get("initial_options", element["options"])
        case "datepicker":
            assert "initial_date" not in element or date.fromisoformat(element["initial_date"])


def _fillable(form: Json) -> Json:
    made = fillable(form)
    assert made is not None
    return made
