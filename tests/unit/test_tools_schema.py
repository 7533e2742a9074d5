"""From a function to what a model reads, and back from what the model writes."""

from __future__ import annotations

import json
import math
from collections.abc import AsyncIterator, Callable
from typing import Annotated, Any, Literal

import jsonschema
import pydantic
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import Field

from tools import BadTool, Context, Registry, tool
from tools._framework.schema import read_signature


class Stop(pydantic.BaseModel):
    title: str
    minutes: int = 5


def plan(
    title: str,
    stops: list[Stop],
    context: Context,
    mode: Literal["walk", "drive"] = "walk",
    budget: float | None = None,
    tags: dict[str, int] | None = None,
) -> str:
    """Plan a trip.

    It may have several stops.

    Args:
        title: What the trip
            is called
        stops: Where to stop
        budget: In euros
    """
    return f"{title} {stops} {context} {mode} {budget} {tags}"


def test_name_description_and_parameters_come_from_the_function() -> None:
    [schema] = Registry([plan]).schemas
    assert schema["name"] == "plan"
    assert schema["description"] == "Plan a trip.\n\nIt may have several stops."
    assert schema["strict"] is False  # the tags may have any names
    assert schema["parameters"] == {
        "$defs": {
            "Stop": {
                "type": "object",
                "properties": {"title": {"type": "string"}, "minutes": {"type": "integer", "default": 5}},
                "required": ["title"],
            }
        },
        "type": "object",
        "additionalProperties": False,
        "properties": {
            "title": {"type": "string", "description": "What the trip is called"},
            "stops": {"type": "array", "items": {"$ref": "#/$defs/Stop"}, "description": "Where to stop"},
            "mode": {"type": "string", "enum": ["walk", "drive"], "default": "walk"},
            "budget": {"type": "number", "description": "In euros"},
            "tags": {"type": "object", "additionalProperties": {"type": "integer"}},
        },
        "required": ["title", "stops"],
    }


def test_a_description_has_no_loose_ends() -> None:
    def roll(count: int = 1) -> int:
        """Roll dice.

        Args:
            count: How many
        """
        return count

    assert Registry([roll]).schemas[0]["description"] == "Roll dice."


NUMPY = """
    Roll dice.

    Parameters
    ----------
    count : int
        How many
"""
SPHINX = """
    Roll dice.

    :param count: How many
"""


@pytest.mark.parametrize("docstring", [NUMPY, SPHINX])
def test_parameters_may_be_described_in_numpys_and_sphinx_style(docstring: str) -> None:
    def roll(count: int) -> int:
        return count

    roll.__doc__ = docstring
    [schema] = Registry([roll]).schemas
    assert schema["description"] == "Roll dice."
    assert schema["parameters"]["properties"]["count"]["description"] == "How many"


def test_an_annotation_may_describe_its_parameter() -> None:
    def roll(
        count: Annotated[int, Field(description="How many")], sides: Annotated[int, Field(ge=2)] = 6
    ) -> int:
        """Roll dice.

        Args:
            sides: Of each
        """
        return count * sides

    properties = Registry([roll]).schemas[0]["parameters"]["properties"]
    assert properties["count"]["description"] == "How many"
    assert properties["sides"]["description"] == "Of each (at least 2, default: 6)"


def test_the_weather_tool_has_the_guides_parameters() -> None:
    schema = next(schema for schema in Registry.discover().schemas if schema["name"] == "get_current_weather")
    location, unit = schema["parameters"]["properties"].values()
    assert location == {"type": "string", "description": "The city and state, e.g. San Francisco, CA"}
    assert unit["enum"] == ["celsius", "fahrenheit", None]


def test_every_bundled_schema_is_valid_json_schema() -> None:
    for schema in Registry.discover().schemas:
        jsonschema.Draft202012Validator.check_schema(schema["parameters"])
        assert schema["description"]
        assert all(entry["description"] for entry in schema["parameters"]["properties"].values())


def test_arguments_left_out_are_left_to_the_functions_own_defaults() -> None:
    assert read_signature(plan).validate('{"title": "Rome", "stops": []}') == {"title": "Rome", "stops": []}


@settings(max_examples=200, deadline=None)
@given(
    st.fixed_dictionaries(
        {
            "title": st.text(st.characters(exclude_categories=["Cs"])),
            "stops": st.lists(st.fixed_dictionaries({"title": st.text(max_size=5), "minutes": st.integers()})),
        },
        optional={
            "mode": st.sampled_from(["walk", "drive"]),
            "budget": st.none() | st.floats(allow_nan=False, allow_infinity=False),
        },
    )
)
def test_arguments_make_the_round_trip(arguments: dict[str, Any]) -> None:
    read = read_signature(plan).validate(json.dumps(arguments))
    stops = [stop.model_dump() for stop in read.pop("stops")]
    assert {**read, "stops": stops} == arguments


def undocumented(x: int) -> int:
    return x


def untyped(x) -> int:  # type: ignore[no-untyped-def]  # the missing annotation is what is tested
    """Double."""
    return int(x) * 2


def unsupported(x: threading.Lock) -> int:  # type: ignore[name-defined]  # noqa: F821  # tested: an unknown name
    """Lock."""
    return 1


class Opaque:
    pass


def opaque(x: Opaque) -> int:
    """Take an object."""
    return 1


def callback(x: Callable[[], int]) -> int:
    """Take a function."""
    return 1


def variadic(*numbers: int) -> int:
    """Add."""
    return sum(numbers)


def positional(x: int, /) -> int:
    """Take a number."""
    return x


def reserved(copy: str) -> str:
    """Copy."""
    return copy


def uncolonised(x: int) -> int:
    """Take a number.

    Args:
        x
    """
    return x


def misspelt(x: "int |") -> int:  # type: ignore[valid-type]  # noqa: F722  # tested: an annotation that is no type
    """Take a number."""
    return x  # type: ignore[no-any-return]


def unmatched(x: Annotated[str, Field(pattern="[")]) -> str:
    """Take a word."""
    return x


def uncontexted(context) -> int:  # type: ignore[no-untyped-def]  # as above
    """Take nothing."""
    return 1


def with_field(x: int = Field(3, ge=1)) -> int:
    """Take a number."""
    return x


def with_misfit(x: int = "many") -> int:  # type: ignore[assignment]  # what is tested
    """Take a number."""
    return x


def with_object(x: Any = Opaque) -> int:
    """Take anything."""
    return 1


def with_infinity(x: float = math.inf) -> float:
    """Take a number."""
    return x


async def yielding(x: int) -> AsyncIterator[int]:
    """Take a number."""
    yield x


def misdocumented(x: int) -> int:
    """Take a number.

    Args:
        y: Something else
    """
    return x


@tool(title="Taking {y}")
def mistitled(x: int) -> int:
    """Take a number."""
    return x


@tool(timeout_s=0)
def impatient(x: int) -> int:
    """Take a number."""
    return x


@pytest.mark.parametrize(
    ("function", "message"),
    [
        (undocumented, "undocumented has no docstring"),
        (untyped, "parameter x has no annotation. Write its type: `x: str`"),
        (unsupported, r"an annotation of unsupported cannot be read: .* Import it outside of TYPE_CHECKING"),
        (misspelt, "an annotation of misspelt cannot be read"),
        (unmatched, "unmatched cannot be a tool: .*unclosed character class"),
        (uncontexted, "parameter context has no annotation. Write its type: `context: Context`"),
        (uncolonised, r"Expected a colon in 'x'. Under `Args:` write a line for each parameter"),
        (opaque, "a parameter of opaque has a type that JSON cannot carry"),
        (callback, "a parameter of callback has a type that JSON cannot carry"),
        (variadic, r"\*numbers: .*int.* cannot be filled"),
        (positional, "cannot be filled"),
        (reserved, "parameter copy has a name that pydantic keeps"),
        (with_field, r"the default of x is a Field. .*`x: Annotated\[int, Field\(ge=1\)\] = 3`"),
        (with_misfit, 'the default of x does not fit: it must be a valid integer.* and is "many"'),
        (with_object, "JSON cannot carry the default of x"),
        (with_infinity, "JSON cannot carry the default of x, which is inf"),
        (yielding, "yielding yields. Return a list instead"),
        (misdocumented, "describes no parameter: y"),
        (mistitled, "the title of mistitled cannot be filled in"),
        (impatient, "@tool of impatient: timeout_s must be greater than 0, and is 0"),
    ],
)
def test_a_bad_tool_is_refused_at_start_with_its_file_and_line(
    function: Callable[..., object], message: str
) -> None:
    line = function.__code__.co_firstlineno
    with pytest.raises(BadTool, match=message) as caught:
        Registry([function])
    assert str(caught.value).startswith(f"unit/test_tools_schema.py:{line}: ")


def opens() -> Callable[..., object]:
    def open_door() -> str:
        """Open the door."""
        return "open"

    return open_door


@pytest.mark.parametrize(
    ("option", "message"),
    [
        ({"approval": "allways"}, """approval must be 'never', 'writes' or 'always', and is "allways"\\."""),
        ({"read_only": None}, "read_only must be a valid boolean, and is null"),
        ({"cache_s": -1}, "cache_s must be greater than or equal to 0"),
        ({"cache_by": "all"}, "cache_by must be 'asker' or 'everyone'"),
        ({"timeout_s": "soon"}, "timeout_s must be a valid number"),
        ({"channels": ("#general",)}, 'channels must be a channel\'s id, such as C0123ABCD, and is "#general"'),
        ({"users": "U1"}, 'users must be a list, and is "U1"'),
        ({"needs": "TOKEN"}, "needs must be a list"),
        ({"title": "Opening {door:.2f}"}, "in braces goes a parameter's name and nothing else"),
        ({"title": "Opening {door.name}"}, "in braces goes a parameter's name and nothing else"),
        ({"cache_s": 5, "read_only": False}, "take away cache_s or read_only=False"),
    ],
)
def test_a_wrong_option_is_refused_at_start(option: dict[str, Any], message: str) -> None:
    with pytest.raises(BadTool, match=message):
        Registry([tool(**option)(opens())])


def test_two_tools_of_one_name_are_refused() -> None:
    with pytest.raises(BadTool, match="has a tool called plan too"):
        Registry([plan, plan])
