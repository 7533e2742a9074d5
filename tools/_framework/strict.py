"""JSON Schema in the form that OpenAI calls strict, in which the model cannot write anything that does not fit.

Every object is closed and requires all of its properties; what may be left out may be null instead.
https://platform.openai.com/docs/guides/structured-outputs#supported-schemas
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any, TypeAlias

Json: TypeAlias = dict[str, Any]

# Not every server that speaks this API takes these; what they say goes into the description.
_IN_WORDS = {
    "minimum": "at least {}",
    "exclusiveMinimum": "more than {}",
    "maximum": "at most {}",
    "exclusiveMaximum": "less than {}",
    "multipleOf": "a multiple of {}",
    "minLength": "at least {} characters",
    "maxLength": "at most {} characters",
    "pattern": "fitting the pattern {}",
    "format": "in the format {}",
    "minItems": "at least {} items",
    "maxItems": "at most {} items",
    "default": "default: {}",
}
_KEPT = frozenset({"type", "description", "enum", "properties", "items", "anyOf", "$ref", "$defs"})
_DROPPED = frozenset({"title", "examples", "deprecated", "discriminator", "uniqueItems"})
_NULL = {"type": "null"}


class NotStrict(Exception):
    """The schema says something that has no strict form."""


def strict_form(schema: Json) -> Json | None:
    """`schema` in its strict form, or `None` if it has none: a free-form object, or a rare keyword."""
    try:
        return _strict(schema, schema.get("$defs", {}))
    except (NotStrict, RecursionError):
        # It recurs without end where a type holds itself under a description of its own.
        return None


def _strict(schema: Json, definitions: Json) -> Json:
    if "$ref" in schema:
        return _reference(schema, definitions)
    schema = _renamed(schema)
    if unknown := schema.keys() - _KEPT - _DROPPED - _IN_WORDS.keys() - {"required", "additionalProperties"}:
        raise NotStrict(", ".join(unknown))
    strict = {key: value for key, value in schema.items() if key in _KEPT}
    if notes := ", ".join(_notes(schema)):
        strict["description"] = f"{strict.get('description', '')} ({notes})".lstrip()
    if "anyOf" in schema:
        strict["anyOf"] = [_strict(choice, definitions) for choice in schema["anyOf"]]
    elif schema.get("type") == "object":
        strict |= _closed(schema, definitions)
    elif schema.get("type") == "array":
        strict["items"] = _strict(schema.get("items", {}), definitions)
    elif "type" not in schema:
        raise NotStrict("a value of any type")
    if "$defs" in schema:
        strict["$defs"] = {name: _strict(entry, definitions) for name, entry in schema["$defs"].items()}
    return strict


def _reference(schema: Json, definitions: Json) -> Json:
    beside = {key: value for key, value in schema.items() if key not in ("$ref", "title")}
    if not beside:
        return {"$ref": schema["$ref"]}
    # A reference must stand alone, so what it refers to takes the place of one that does not.
    target = definitions[schema["$ref"].rpartition("/")[2]]
    return _strict({**target, **beside}, definitions)


def _renamed(schema: Json) -> Json:
    renamed = dict(schema)
    if "const" in renamed:
        renamed["enum"] = [renamed.pop("const")]
    if "oneOf" in renamed:
        renamed["anyOf"] = renamed.pop("oneOf")
    return renamed


def _notes(schema: Json) -> Iterator[str]:
    for keyword, words in _IN_WORDS.items():
        value = schema.get(keyword)
        # Null stands for what is left out, so a default of null needs no words.
        if value is not None:
            yield words.format(value if isinstance(value, str) else json.dumps(value, ensure_ascii=False))


def _closed(schema: Json, definitions: Json) -> Json:
    # A type for further properties, or none said, means an object with names of the model's choice.
    if schema.get("additionalProperties") is not False and not schema.get("properties"):
        raise NotStrict("an object with any properties")
    if schema.get("additionalProperties", False) is not False:
        raise NotStrict("an object with further properties")
    required = schema.get("required", [])
    properties = {
        name: _strict(entry, definitions) if name in required else _or_null(_strict(entry, definitions))
        for name, entry in schema.get("properties", {}).items()
    }
    return {"properties": properties, "required": list(properties), "additionalProperties": False}


def _or_null(schema: Json) -> Json:
    if "enum" in schema and None not in schema["enum"]:
        schema = {**schema, "enum": [*schema["enum"], None]}
    match schema:
        case {"anyOf": choices}:
            return schema if _NULL in choices else {**schema, "anyOf": [*choices, _NULL]}
        case {"type": str(kind)} if kind != "null":
            return {**schema, "type": [kind, "null"]}
        case {"$ref": _}:
            return {"anyOf": [schema, _NULL]}
    return schema
