"""Strict mode: schemas that hold a model to them, and how null means that something is left out."""

from __future__ import annotations

import contextlib
import json
from datetime import date
from enum import Enum
from typing import Annotated, Any, Literal

import jsonschema
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field
from support.strict_schema import values, violations

from tools import Registry, ToolRetry
from tools._framework.schema import read_signature
from tools._framework.tool import Tool

BUNDLED = Registry.discover(
    config={"SEARXNG_URL": "http://127.0.0.1", "TAVILY_API_KEY": "key", "BRAVE_API_KEY": "key"}
).tools


class Size(Enum):
    SMALL = "small"
    LARGE = "large"


class Box(pydantic.BaseModel):
    label: str
    size: Size = Size.SMALL
    inside: list[Box] = []  # pydantic copies it


class Crate(pydantic.BaseModel):
    weight: float = 1.5


def pack(
    boxes: list[Box],
    day: date,
    first: Annotated[Box | Crate, Field(description="What comes first")] = Crate(),  # noqa: B008  # frozen enough
    mode: Literal["air", "sea"] = "air",
    kind: Literal["only"] = "only",
    count: Annotated[int, Field(ge=1, lt=10)] = 1,
    insured_for: float | None = 100.0,
    note: str | None = None,
) -> str:
    """Pack.

    Args:
        day: When
        count: How many
    """
    return f"{boxes} {day} {first} {mode} {kind} {count} {insured_for} {note}"


def free(labels: dict[str, str]) -> str:
    """Take anything."""
    return str(labels)


def anything(value: Any) -> str:
    """Take anything at all."""
    return str(value)


class Open(pydantic.BaseModel):
    model_config = pydantic.ConfigDict(extra="allow")
    name: str


def opened(value: Open) -> str:
    """Take an object with more."""
    return str(value)


@pytest.mark.parametrize("tool", BUNDLED, ids=lambda tool: tool.name)
def test_every_bundled_schema_is_valid_and_strict(tool: Tool) -> None:
    jsonschema.Draft202012Validator.check_schema(tool.schema["parameters"])
    assert tool.schema["strict"] is True
    assert violations(tool.schema["parameters"]) == []


@pytest.mark.parametrize("tool", BUNDLED, ids=lambda tool: tool.name)
@settings(max_examples=60, deadline=None)
@given(data=st.data())
def test_what_a_model_can_write_for_a_bundled_tool_is_read_or_explained(
    tool: Tool, data: st.DataObject
) -> None:
    written = data.draw(values(tool.schema["parameters"]))
    required = tool.schema["parameters"]["required"]
    assert {*written} == {*required}
    with contextlib.suppress(ToolRetry):  # what strict mode cannot say, such as a range, the tool holds itself
        read = tool.arguments.shown(json.dumps(written))
        assert {*read} == {*written}
        for name, value in written.items():
            assert read[name] == value or value is None or not isinstance(value, str | int | float)


def test_a_rich_signature_has_a_strict_form() -> None:
    [schema] = Registry([pack]).schemas
    assert schema["strict"] is True
    assert violations(schema["parameters"]) == []
    properties = schema["parameters"]["properties"]
    assert schema["parameters"]["required"] == list(properties)
    assert properties["day"] == {"type": "string", "description": "When (in the format date)"}
    assert properties["count"] == {
        "type": ["integer", "null"],
        "description": "How many (at least 1, less than 10, default: 1)",
    }
    assert properties["kind"]["enum"] == ["only", None]
    assert {"type": "null"} in properties["first"]["anyOf"]


@settings(max_examples=200, deadline=None)
@given(values(Registry([pack]).schemas[0]["parameters"]))
def test_strict_arguments_make_the_round_trip(written: dict[str, Any]) -> None:
    written["day"] = "2026-11-22"
    written["count"] = None
    read = read_signature(pack).shown(json.dumps(written))
    assert read["mode"] == (written["mode"] or "air")
    assert read["insured_for"] == written["insured_for"]
    assert len(read["boxes"]) == len(written["boxes"])
    for box, given_box in zip(read["boxes"], written["boxes"], strict=True):
        assert box.size is (Size.SMALL if given_box["size"] is None else Size(given_box["size"]))


def test_null_means_left_out_where_the_type_takes_no_null() -> None:
    read = read_signature(pack).validate(
        json.dumps(
            {"boxes": [{"label": "a", "size": None, "inside": None}], "day": "2026-11-22", "mode": None}
            | {"first": {"weight": None}, "insured_for": None, "count": None}
        )
    )
    assert read["boxes"] == [Box(label="a")]
    assert read["first"] == Crate()
    assert "mode" not in read
    assert "count" not in read
    assert read["insured_for"] is None  # here null is a value of its own


def test_null_for_what_must_be_there_counts_as_missing() -> None:
    with pytest.raises(ToolRetry, match=r"day is missing \(When"):
        read_signature(pack).validate('{"boxes": [], "day": null}')


@pytest.mark.parametrize("function", [free, anything, opened])
def test_a_free_form_argument_makes_the_tool_not_strict(function: Any) -> None:
    [schema] = Registry([function]).schemas
    assert schema["strict"] is False
    jsonschema.Draft202012Validator.check_schema(schema["parameters"])


def test_a_type_that_holds_itself_under_its_own_description_is_not_strict() -> None:
    class Node(pydantic.BaseModel):
        next: Annotated[Node | None, Field(description="What follows")] = None

    def walk(start: Annotated[Node, Field(description="Where")]) -> str:
        """Walk."""
        return str(start)

    walk.__annotations__["start"] = Annotated[Node, Field(description="Where")]
    Node.model_rebuild(_types_namespace={"Node": Node})
    [schema] = Registry([walk]).schemas
    jsonschema.Draft202012Validator.check_schema(schema["parameters"])
    assert not schema["strict"] or violations(schema["parameters"]) == []


@pytest.mark.parametrize(
    ("schema", "broken"),
    [
        ({"type": "object", "properties": {}, "required": [], "additionalProperties": True}, "open to further"),
        (
            {"type": "object", "properties": {"a": {"type": "string"}}, "additionalProperties": False},
            "required",
        ),
        ({"anyOf": [{"type": "null"}]}, "must be an object"),
        ({"type": "object", "additionalProperties": False, "default": {}}, "default is not supported"),
    ],
)
def test_the_check_itself_finds_what_is_wrong(schema: dict[str, Any], broken: str) -> None:
    assert any(broken in violation for violation in violations(schema))
