"""Hold the arguments of a call against the schema that its server gave, before a person is asked about them."""

from __future__ import annotations

from collections.abc import Callable
from itertools import islice
from typing import Any

from jsonschema import Draft202012Validator
from jsonschema.exceptions import ValidationError

from tools._framework.errors import ToolRetry
from tools._framework.limits import brief

# What takes no longer than the arguments are long. A stranger's patterns, references and variants could hold up
# the event loop for hours; the server checks them itself.
_LIMITS = (
    "const", "enum", "exclusiveMaximum", "exclusiveMinimum", "maxItems", "maxLength", "maximum", "minItems",
    "minLength", "minimum", "required", "type",
)  # fmt: skip
_MOST_FAULTS = 8
_MOST_FAULT_CHARS = 200


def checked_by(schema: dict[str, Any]) -> Callable[[dict[str, Any]], None]:
    """What raises `ToolRetry` for arguments that certainly do not fit a valid `schema` of an object."""
    validator = Draft202012Validator(_simple(schema))

    def check(arguments: dict[str, Any]) -> None:
        faults = [*islice(validator.iter_errors(arguments), _MOST_FAULTS)]
        if faults:
            raise ToolRetry(f"The arguments do not fit: {'; '.join(map(_in_words, faults))}.")

    return check


def _simple(schema: Any) -> Any:
    """`schema` without what may take long. It refuses nothing that the whole one would take."""
    if not isinstance(schema, dict) or "$ref" in schema:
        return schema is not False
    simple = {key: schema[key] for key in _LIMITS if key in schema}
    if "properties" in schema:
        simple["properties"] = {name: _simple(part) for name, part in schema["properties"].items()}
    if "items" in schema and "prefixItems" not in schema:
        simple["items"] = _simple(schema["items"])
    if schema.get("additionalProperties") is False and "patternProperties" not in schema:
        simple["additionalProperties"] = False
    return simple


def _in_words(fault: ValidationError) -> str:
    place = ".".join(map(str, fault.absolute_path))
    return brief(f"{place}: {fault.message}" if place else fault.message, _MOST_FAULT_CHARS)
