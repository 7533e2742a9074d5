"""The schemas of servers' tools: what a model is given of them, and which tools no provider would take."""

from __future__ import annotations

from typing import Any

import pytest

from tools._mcp.parameters import BadParameters, parameters_of


def an_object(**properties: Any) -> dict[str, Any]:
    return {"type": "object", "properties": properties}


TEXT, NUMBER = {"type": "string"}, {"type": "number"}
DEEP: dict[str, Any] = {}
for _ in range(2_000):
    DEEP = {"not": DEEP}


def test_what_every_provider_takes_stays_as_it_is() -> None:
    schema = {
        **an_object(shelf={"$ref": "#/$defs/shelf~1top"}, kind={"anyOf": [TEXT, NUMBER]}),
        "$defs": {"shelf/top": {"type": "array", "items": {"$ref": "#"}}},
        "required": ["shelf"],
    }
    assert parameters_of({"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}) == (schema, "")
    assert parameters_of({"type": "object"}) == (an_object(), "")


def test_an_array_of_anything_says_so() -> None:
    shelves = {"type": ["array", "null"]}
    schema = an_object(pens={"type": "array"}, rooms={"anyOf": [{"type": "array", "items": shelves}]})
    parameters, _ = parameters_of(schema)
    assert parameters["properties"] == {
        "pens": {"type": "array", "items": {}},
        "rooms": {"anyOf": [{"type": "array", "items": {**shelves, "items": {}}}]},
    }


def test_what_only_looks_like_an_array_is_left_alone() -> None:
    schema = an_object(type={"default": {"type": "array"}, "enum": [{"type": "array"}]})
    assert parameters_of(schema) == (schema, "")


def test_variants_become_one_object_and_a_sentence() -> None:
    by_name = {"properties": {"name": TEXT, "how": {"const": "name"}}, "required": ["name"]}
    by_size = {"properties": {"size": NUMBER, "how": {"const": "size"}}, "required": ["size"]}
    parameters, note = parameters_of({**an_object(shelf=TEXT), "oneOf": [by_name, by_size, True]})
    either = {"anyOf": [{"const": "name"}, {"const": "size"}]}
    assert parameters == an_object(name=TEXT, how=either, size=NUMBER, shelf=TEXT)
    assert note.startswith('The arguments must also fit this JSON Schema: {"oneOf":[{"properties":{"name":')


@pytest.mark.parametrize("key", ["not", "enum", "const", "if"])
def test_what_no_provider_takes_at_the_top_is_said_in_words(key: str) -> None:
    value: Any = [{}] if key == "enum" else {}
    parameters, note = parameters_of({**an_object(shelf=TEXT), key: value})
    assert parameters == an_object(shelf=TEXT)
    assert f'"{key}"' in note


@pytest.mark.parametrize(
    ("schema", "complaint"),
    [
        (an_object(n={"type": "int"}), "is wrong"),
        (an_object(n={"$ref": "#/definitions/nowhere"}), "'#/definitions/nowhere', which is not in it"),
        (an_object(n={"items": {"$ref": "https://pens.example/schema.json"}}), "pens.example"),
        (an_object(n={"$ref": "#anchor"}), "#anchor"),
        ({**an_object(), "anyOf": [TEXT, {"properties": {"n": {"$ref": "#/anyOf/0"}}}]}, "#/anyOf/0"),
        (an_object(**{"user name": TEXT}), "an argument called 'user name'"),
        (an_object(**{"x" * 65: TEXT}), "an argument called 'xxx"),
        (an_object(n=DEEP), "nested too deeply"),
    ],
)  # fmt: skip
def test_a_schema_that_no_provider_takes_is_refused(schema: dict[str, Any], complaint: str) -> None:
    with pytest.raises(BadParameters, match=complaint):
        parameters_of(schema)
