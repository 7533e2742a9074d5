"""A server's JSON Schema of a tool's arguments, as the models' providers take it.

OpenAI and Anthropic refuse a whole request for what is valid JSON Schema in one of its tools.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from typing import Any, TypeAlias
from urllib.parse import unquote

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError

from tools._framework.limits import cut

Schema: TypeAlias = dict[str, Any]

_NAME = re.compile(r"[A-Za-z0-9_.-]{1,64}")
_CHOICES = ("anyOf", "oneOf", "allOf")
_NOT_AT_THE_TOP = (*_CHOICES, "not", "enum", "const", "if", "then", "else")
_MOST_NOTE_CHARS = 1_000

# Where a schema holds others: https://json-schema.org/draft/2020-12/json-schema-core#section-10
_HOLDS_ONE = ("additionalProperties", "contains", "else", "if", "items", "not", "propertyNames", "then")
_HOLDS_LIST = (*_CHOICES, "prefixItems")
_HOLDS_NAMED = ("$defs", "definitions", "dependentSchemas", "patternProperties", "properties")


class BadParameters(Exception):
    """A schema that no provider would take. One such tool would fail every request that offers it."""


def parameters_of(schema: Schema) -> tuple[Schema, str]:
    """What a model is given of `schema`, and what has to be said in words of it.

    Servers hold the arguments against the whole schema themselves.

    Raises:
        BadParameters: it is no valid JSON Schema, or has no form that every provider takes.
    """
    try:
        Draft202012Validator.check_schema(schema)
        parameters, note = _plain_at_the_top(_with_items({"properties": {}, **schema}))
        _check(parameters)
    except SchemaError as error:
        raise BadParameters(f"the schema of its arguments is wrong: {error.message}") from error
    except RecursionError as error:
        raise BadParameters("the schema of its arguments is nested too deeply") from error
    return parameters, note


def _check(parameters: Schema) -> None:
    for name in parameters["properties"]:
        if not _NAME.fullmatch(name):
            raise BadParameters(f"not every provider takes an argument called {name!r}")
    for reference in _references(parameters):
        if not _resolves(reference, parameters):
            raise BadParameters(f"the schema of its arguments refers to {reference!r}, which is not in it")


def _with_items(schema: Any) -> Any:
    """`schema` in which every array says something of its items, if only that they may be anything."""
    if not isinstance(schema, dict):
        return schema
    changed = _with_parts(schema, _with_items)
    kind = schema.get("type")
    if kind == "array" or (isinstance(kind, list) and "array" in kind):
        changed.setdefault("items", {})
    return changed


def _plain_at_the_top(schema: Schema) -> tuple[Schema, str]:
    """`schema` with one list of properties, and in words what then is missing from it."""
    missing = {key: schema[key] for key in _NOT_AT_THE_TOP if key in schema}
    plain = {key: value for key, value in schema.items() if key not in ("$schema", *missing)}
    if not missing:
        return plain, ""
    plain["properties"] = _all_properties(schema)
    note = json.dumps(missing, ensure_ascii=False, separators=(",", ":"))
    return plain, cut(f"The arguments must also fit this JSON Schema: {note}", _MOST_NOTE_CHARS)


def _all_properties(schema: Schema) -> Schema:
    """The properties of an object and of its variants; what differs among them may be either."""
    variants: dict[str, list[Any]] = {}
    branches = [branch for key in _CHOICES for branch in schema.get(key, ()) if isinstance(branch, dict)]
    for branch in branches:
        for name, part in branch.get("properties", {}).items():
            found = variants.setdefault(name, [])
            if part not in found:
                found.append(part)
    merged = {name: found[0] if len(found) == 1 else {"anyOf": found} for name, found in variants.items()}
    return {**merged, **schema["properties"]}


def _references(schema: Any) -> list[str]:
    """Every `$ref` in `schema`."""
    found: list[str] = []

    def look(part: Any) -> Any:
        if isinstance(part, dict):
            found.extend(part[key] for key in ("$ref", "$dynamicRef") if key in part)
            _with_parts(part, look)
        return part

    look(schema)
    return found


def _resolves(reference: str, schema: Schema) -> bool:
    """Whether a `$ref` is a pointer to a schema within `schema`: https://www.rfc-editor.org/rfc/rfc6901"""
    start, *way = unquote(reference).split("/")
    if start != "#":
        return False
    found: Any = schema
    for part in way:
        key = part.replace("~1", "/").replace("~0", "~")
        if isinstance(found, list) and key.isdecimal() and int(key) < len(found):
            found = found[int(key)]
        elif isinstance(found, dict) and key in found:
            found = found[key]
        else:
            return False
    return isinstance(found, dict | bool)


def _with_parts(schema: Schema, change: Callable[[Any], Any]) -> Schema:
    """`schema` with each schema that it directly holds changed."""
    changed = dict(schema)
    for key in _HOLDS_ONE:
        if key in schema:
            changed[key] = change(schema[key])
    for key in _HOLDS_LIST:
        if key in schema:
            changed[key] = [change(part) for part in schema[key]]
    for key in _HOLDS_NAMED:
        if key in schema:
            changed[key] = {name: change(part) for name, part in schema[key].items()}
    return changed
