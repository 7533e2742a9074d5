"""Which arguments are refused before a server, or a person, sees them."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from tools import ToolRetry
from tools._mcp.arguments import checked_by

SCHEMA = {
    "type": "object",
    "properties": {
        "kind": {"enum": ["quill", "biro"]},
        "n": {"type": "integer", "minimum": 1},
        "tags": {"type": "array", "items": {"type": "string", "maxLength": 5}},
        "shelf": {"type": "object", "required": ["room"]},
        "any": True,
    },
    "required": ["n"],
    "additionalProperties": False,
}


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        ({}, "'n' is a required property"),
        ({"n": "one"}, "n: 'one' is not of type 'integer'"),
        ({"n": 0}, "n: 0 is less than the minimum of 1"),
        ({"n": 1, "kind": "pencil"}, "kind: 'pencil' is not one of"),
        ({"n": 1, "tags": ["a", "bcdefg"]}, "tags.1: 'bcdefg' is too long"),
        ({"n": 1, "shelf": {}}, "shelf: 'room' is a required property"),
        ({"n": 1, "size": 2}, "'size' was unexpected"),
        ({"n": "x" * 500, "kind": 1}, "…"),
    ],
)
def test_what_does_not_fit_is_named(arguments: dict[str, Any], complaint: str) -> None:
    with pytest.raises(ToolRetry) as caught:
        checked_by(SCHEMA)(arguments)
    assert complaint in str(caught.value)
    assert len(str(caught.value)) < 500


@pytest.mark.parametrize(
    "schema",
    [
        {"properties": {"a": {"$ref": "#/$defs/x", "type": "string"}}, "$defs": {"x": True}},
        {"patternProperties": {"^a": {"type": "string"}}, "additionalProperties": False},
        {"properties": {"a": {"prefixItems": [{"type": "string"}], "items": False}}},
        {"properties": {"a": {"pattern": "^(x+x+)+y$"}}},
        {"properties": {"a": {"$ref": "https://pens.example/schema.json"}}},
        {"allOf": [{"$ref": "#"}]},
    ],
)
@pytest.mark.parametrize("value", ["x" * 5_000, ["x"], 1])
def test_what_takes_long_to_look_at_is_left_to_the_server(schema: dict[str, Any], value: object) -> None:
    checked_by({"type": "object", **schema})({"a": value})


KINDS = st.sampled_from(["string", "integer", "array", "object", "null"])
LEAVES = st.one_of(
    st.booleans(),
    st.fixed_dictionaries({}, optional={"type": KINDS, "minimum": st.integers(0, 3), "minItems": st.just(1)}),
)
NAMES = st.sampled_from("abc")
SCHEMAS = st.recursive(
    LEAVES,
    lambda parts: st.fixed_dictionaries(
        {},
        optional={
            "properties": st.dictionaries(NAMES, parts, max_size=2),
            "required": st.lists(NAMES, max_size=2, unique=True),
            "patternProperties": st.dictionaries(NAMES, parts, max_size=2),
            "additionalProperties": parts,
            "items": parts,
            "prefixItems": st.lists(parts, min_size=1, max_size=2),
            "anyOf": st.lists(parts, min_size=1, max_size=2),
            "not": parts,
        },
    ),
    max_leaves=6,
)
VALUES = st.recursive(
    st.none() | st.integers(0, 3) | st.text(max_size=2),
    lambda parts: st.lists(parts, max_size=2) | st.dictionaries(NAMES, parts, max_size=2),
    max_leaves=6,
)


@settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.fixed_dictionaries({"properties": st.dictionaries(NAMES, SCHEMAS)}), st.dictionaries(NAMES, VALUES))
def test_what_the_server_would_take_is_never_refused(schema: dict[str, Any], arguments: dict[str, Any]) -> None:
    if Draft202012Validator(schema).is_valid(arguments):
        checked_by(schema)(arguments)
