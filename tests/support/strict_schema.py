"""OpenAI's rules for a schema in strict mode, as a check of its own, and values that fit such a schema.

https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

_KEYWORDS = {
    "type", "description", "enum", "properties", "required", "additionalProperties", "items", "anyOf", "$ref",
    "$defs",
}  # fmt: skip
_TYPES = {"string", "number", "integer", "boolean", "object", "array", "null"}
_MOST_PROPERTIES = 5_000
_MOST_ENUM_VALUES = 1_000
_MOST_LEVELS = 10
_MOST_NAME_CHARS = 120_000


def violations(schema: dict[str, Any]) -> list[str]:
    """Every rule that a tool's parameters break, each with the place."""
    found = list(_violations(schema, "root", 1, schema.get("$defs", {})))
    if schema.get("type") != "object":
        found.append("root: must be an object, and not a choice")
    nodes = list(_nodes(schema))
    if sum(len(node.get("properties", {})) for node in nodes) > _MOST_PROPERTIES:
        found.append("root: too many properties")
    if sum(len(node.get("enum", [])) for node in nodes) > _MOST_ENUM_VALUES:
        found.append("root: too many enum values")
    names = [text for node in nodes for key in ("properties", "$defs", "enum") for text in node.get(key, ())]
    if sum(len(str(name)) for name in names) > _MOST_NAME_CHARS:
        found.append("root: too long names")
    return found


def _violations(schema: Any, place: str, level: int, definitions: dict[str, Any]) -> Iterator[str]:
    if not isinstance(schema, dict):
        yield f"{place}: is no schema"
        return
    for keyword in schema.keys() - _KEYWORDS:
        yield f"{place}: {keyword} is not supported"
    if level > _MOST_LEVELS:
        yield f"{place}: too deep"
    if "$ref" in schema:
        if schema.keys() != {"$ref"}:
            yield f"{place}: a reference has siblings"
        if schema["$ref"].removeprefix("#/$defs/") not in definitions:
            yield f"{place}: the reference leads nowhere"
        return
    types = schema.get("type", [])
    types = [types] if isinstance(types, str) else types
    if not types and "anyOf" not in schema:
        yield f"{place}: has no type"
    if unknown := set(types) - _TYPES:
        yield f"{place}: unknown types {unknown}"
    if "object" in types:
        if schema.get("additionalProperties") is not False:
            yield f"{place}: is open to further properties"
        if set(schema.get("required", ())) != set(schema.get("properties", {})):
            yield f"{place}: not all properties are required"
    if "array" in types and "items" not in schema:
        yield f"{place}: has no items"
    for name, entry in _below(schema):
        yield from _violations(entry, f"{place}.{name}", level + ("object" in types), definitions)


def _below(schema: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    yield from schema.get("properties", {}).items()
    yield from schema.get("$defs", {}).items()
    yield from ((f"anyOf[{index}]", choice) for index, choice in enumerate(schema.get("anyOf", ())))
    if "items" in schema:
        yield "items", schema["items"]


def _nodes(schema: dict[str, Any]) -> Iterator[dict[str, Any]]:
    yield schema
    for _, entry in _below(schema):
        yield from _nodes(entry)


_TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
_BY_TYPE: dict[str, st.SearchStrategy[Any]] = {
    "string": _TEXT,
    "integer": st.integers(-(2**53), 2**53),
    "number": st.floats(allow_nan=False, allow_infinity=False),
    "boolean": st.booleans(),
    "null": st.none(),
}


def values(schema: dict[str, Any], definitions: dict[str, Any] | None = None) -> st.SearchStrategy[Any]:
    """Whatever a model can write under a strict schema."""
    known = schema.get("$defs", {}) if definitions is None else definitions
    if "$ref" in schema:
        return st.deferred(lambda: values(known[schema["$ref"].removeprefix("#/$defs/")], known))
    if "enum" in schema:
        return st.sampled_from(schema["enum"])
    if "anyOf" in schema:
        return st.one_of([values(choice, known) for choice in schema["anyOf"]])
    types = [schema["type"]] if isinstance(schema["type"], str) else schema["type"]
    return st.one_of([_of_type(kind, schema, known) for kind in types])


def _of_type(kind: str, schema: dict[str, Any], known: dict[str, Any]) -> st.SearchStrategy[Any]:
    if kind == "array":
        return st.lists(values(schema["items"], known), max_size=3)
    if kind == "object":
        return st.fixed_dictionaries(
            {name: values(entry, known) for name, entry in schema["properties"].items()}
        )
    return _BY_TYPE[kind]
