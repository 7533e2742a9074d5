"""A server's JSON Schema of a tool's arguments, as a model's provider takes it."""

from __future__ import annotations

from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError


class BadParameters(Exception):
    """A schema that no provider would take. One such tool would fail every request that offers it."""


def parameters_of(schema: dict[str, Any]) -> dict[str, Any]:
    """`schema` without what says nothing to a model. (The SDK has seen that it is one of an object.)

    Raises:
        BadParameters: it is no valid JSON Schema.
    """
    parameters = {"properties": {}, **{key: value for key, value in schema.items() if key != "$schema"}}
    try:
        Draft202012Validator.check_schema(parameters)
    except SchemaError as error:
        raise BadParameters(f"the schema of its arguments is wrong: {error.message}") from error
    return parameters
