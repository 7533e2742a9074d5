"""From a typed function to a pydantic model, and from there to JSON Schema and to validated arguments.

The model is the single source: what the language model reads is what its arguments are held to.
"""

from __future__ import annotations

import inspect
import json
import re
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, get_type_hints

import docstring_parser
import pydantic
from pydantic import BaseModel, ConfigDict, Field
from pydantic.fields import FieldInfo
from pydantic_core import to_jsonable_python

from tools._framework.context import Context
from tools._framework.errors import BadTool, ToolRetry
from tools._framework.mismatch import explain
from tools._framework.strict import strict_form
from tools._framework.wording import in_plain_words

# OpenAI and Anthropic both hold a tool's name to this.
NAME = re.compile(r"[A-Za-z0-9_-]{1,64}")
_NAMED = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)


@dataclass(frozen=True, slots=True)
class Signature:
    """What the model is told about a function, and what its arguments are checked with."""

    name: str
    description: str
    parameters: dict[str, Any]
    """JSON Schema of the arguments object, in strict form if it has one."""
    is_strict: bool
    arguments: type[BaseModel]
    context_parameter: str | None

    def validate(self, arguments_json: str | None) -> dict[str, Any]:
        """The arguments the model gave, as the function's own types. Those it left out are left out.

        Raises:
            ToolRetry: not JSON, not an object, or not fitting. The text tells the model what to correct.
        """
        given = self._read(arguments_json)
        return {name: getattr(given, name) for name in given.model_fields_set}

    def shown(self, arguments_json: str | None) -> dict[str, Any]:
        """Like `validate`, with the defaults of the arguments that were left out, for people to see."""
        return dict(self._read(arguments_json))

    def _read(self, arguments_json: str | None) -> BaseModel:
        given = parse_object(self.name, arguments_json)
        try:
            return self._fit(given)
        except pydantic.ValidationError as error:
            raise ToolRetry(explain(error, self.name, self.parameters)) from error

    def _fit(self, given: dict[str, Any]) -> BaseModel:
        try:
            return self.arguments.model_validate(given)
        except pydantic.ValidationError as error:
            # In strict mode a model cannot leave anything out: it says null.
            if not _leave_out_nulls(given, error):
                raise
            return self.arguments.model_validate(given)


def read_signature(function: Callable[..., object]) -> Signature:
    """Read a function's name, docstring and annotations.

    Raises:
        BadTool: one of them is missing, or cannot be told to a model.
    """
    name = function.__name__
    if not NAME.fullmatch(name):
        raise BadTool(f"{where(function)}: a tool's name is at most 64 of A-Z a-z 0-9 _ -, unlike {name!r}.")
    description, documented = _read_docstring(function)
    hints = _read_hints(function)
    context_parameter = next(
        (key for key, hint in hints.items() if hint in (Context, Context | None) and key != "return"), None
    )
    fields = {
        key: _field(function, parameter, hints, documented.get(key))
        for key, parameter in inspect.signature(function).parameters.items()
        if key != context_parameter
    }
    if unknown := documented.keys() - fields.keys() - {context_parameter}:
        raise BadTool(
            f"{where(function)}: the docstring of {name} describes no parameter: {', '.join(unknown)}."
        )
    arguments, parameters = _model(function, fields)
    strict = strict_form(parameters)
    return Signature(name, description, strict or parameters, strict is not None, arguments, context_parameter)


def where(function: Callable[..., object]) -> str:
    """The file and line that define a function, as in `tools/clock.py:12`."""
    code = inspect.unwrap(function).__code__
    path = Path(code.co_filename)
    return f"{path.parent.name}/{path.name}:{code.co_firstlineno}"


def _read_docstring(function: Callable[..., object]) -> tuple[str, dict[str, str]]:
    text = inspect.getdoc(function)
    if not text:
        raise BadTool(
            f"{where(function)}: {function.__name__} has no docstring. The model reads it to know when to "
            "call the tool: say in a sentence what it does, and describe each parameter under `Args:`."
        )
    try:
        parsed = docstring_parser.parse(text, docstring_parser.DocstringStyle.GOOGLE)
        if not parsed.params and (in_other_style := docstring_parser.parse(text)).params:
            parsed = in_other_style
    except docstring_parser.ParseError as error:
        raise BadTool(
            f"{where(function)}: the docstring of {function.__name__} cannot be read: {error} "
            "Under `Args:` write a line for each parameter, as in `city: Where to look`."
        ) from error
    documented = {entry.arg_name: " ".join((entry.description or "").split()) for entry in parsed.params}
    return (parsed.description or "").strip(), documented


def _read_hints(function: Callable[..., object]) -> dict[str, Any]:
    try:
        return get_type_hints(function, include_extras=True)
    except Exception as error:  # an annotation that is text may hold anything
        remedy = " Import it outside of TYPE_CHECKING." if isinstance(error, NameError) else ""
        raise BadTool(
            f"{where(function)}: an annotation of {function.__name__} cannot be read: {error}.{remedy}"
        ) from error


def _field(
    function: Callable[..., object],
    parameter: inspect.Parameter,
    hints: dict[str, Any],
    description: str | None,
) -> tuple[Any, Any]:
    """One parameter as pydantic takes it: its type, and its default and description."""
    name = parameter.name
    if parameter.kind not in _NAMED:
        raise BadTool(f"{where(function)}: the model gives arguments by name, so {parameter} cannot be filled.")
    if name not in hints:
        kind = "Context" if name == "context" else "str"
        raise BadTool(
            f"{where(function)}: parameter {name} has no annotation. Write its type: `{name}: {kind}`."
        )
    if name.startswith("_") or hasattr(BaseModel, name):
        raise BadTool(
            f"{where(function)}: parameter {name} has a name that pydantic keeps for itself; rename it."
        )
    default = ... if parameter.default is inspect.Parameter.empty else parameter.default
    if isinstance(default, FieldInfo):
        raise BadTool(
            f"{where(function)}: the default of {name} is a Field. Put that into the type: "
            f"`{name}: Annotated[int, Field(ge=1)] = 3`."
        )
    # A description that is given, even as None, goes before the annotation's own.
    return hints[name], Field(default, description=description) if description else Field(default)


def _model(function: Callable[..., object], fields: dict[str, Any]) -> tuple[type[BaseModel], dict[str, Any]]:
    config = ConfigDict(extra="forbid", protected_namespaces=())
    try:
        model = pydantic.create_model(function.__name__, __config__=config, **fields)
        _check_defaults(function, model)
        return model, _tidy(model.model_json_schema())
    except (pydantic.errors.PydanticUserError, TypeError) as error:
        reason = str(error).splitlines()[0]
        raise BadTool(
            f"{where(function)}: a parameter of {function.__name__} has a type that JSON cannot carry. "
            f"Take str, int, float, bool, Literal, list, dict, an enum or a pydantic model. ({reason})"
        ) from error


def _check_defaults(function: Callable[..., object], model: type[BaseModel]) -> None:
    """Hold the defaults to their types, as arguments would be."""
    defaults = {name: field.default for name, field in model.model_fields.items() if not field.is_required()}
    for name, default in defaults.items():
        try:
            json.dumps(to_jsonable_python(default), allow_nan=False)
        except ValueError as error:
            raise BadTool(
                f"{where(function)}: JSON cannot carry the default of {name}, which is {default!r}."
            ) from error
    try:
        model.model_validate(defaults)
    except pydantic.ValidationError as error:
        for fault in error.errors():
            if (name := str(fault["loc"][0])) in defaults:
                raise BadTool(
                    f"{where(function)}: the default of {name} does not fit: it {in_plain_words(fault)}."
                ) from error


def _tidy(schema: Any) -> Any:
    """A schema without what only costs tokens: titles, and `null` as a second way to leave something out."""
    if isinstance(schema, list):
        return [_tidy(entry) for entry in schema]
    if not isinstance(schema, dict):
        return schema
    kept = {key: value for key, value in schema.items() if not (key == "title" and isinstance(value, str))}
    kept = _without_null(kept)
    return {key: _tidy_keyword(key, value) for key, value in kept.items()}


def _tidy_keyword(key: str, value: Any) -> Any:
    if key in ("properties", "$defs"):
        # These hold names, not keywords: a parameter may well be called `title`.
        return {name: _tidy(entry) for name, entry in value.items()}
    return value if key in ("default", "const", "enum", "examples") else _tidy(value)


def _without_null(schema: dict[str, Any]) -> dict[str, Any]:
    choices = schema.get("anyOf", [])
    if {"type": "null"} not in choices or schema.get("default", ...) is not None:
        return schema
    rest = [choice for choice in choices if choice != {"type": "null"}]
    kept = {key: value for key, value in schema.items() if key not in ("anyOf", "default")}
    return {**rest[0], **kept} if len(rest) == 1 else {**kept, "anyOf": rest}


def _leave_out_nulls(given: dict[str, Any], error: pydantic.ValidationError) -> bool:
    """Take out the nulls that do not fit; whether there were any."""
    found = [_leave_out_null(given, detail["loc"]) for detail in error.errors(include_url=False)]
    return any(found)


def _leave_out_null(holder: Any, way: tuple[int | str, ...]) -> bool:
    for part in way:
        if isinstance(holder, dict) and part in holder:
            if holder[part] is None:
                del holder[part]
                return True
            holder = holder[part]
        elif isinstance(holder, list) and isinstance(part, int):
            holder = holder[part]
        # Any other part names one type of a union, and not a place in the arguments.
    return False


def parse_object(name: str, text: str | None) -> dict[str, Any]:
    """The arguments object as the model wrote it; nothing at all counts as an empty one.

    Raises:
        ToolRetry: it is not JSON, or not an object.
    """
    if text is None or not text.strip():
        return {}
    try:
        parsed = json.loads(text)
    except RecursionError as error:
        raise ToolRetry(f"The arguments for {name} are nested too deeply.") from error
    except ValueError as error:
        raise ToolRetry(f"The arguments for {name} are not valid JSON: {error}.") from error
    if not isinstance(parsed, dict):
        raise ToolRetry(f"The arguments for {name} must be a JSON object, and were {_kind(parsed)}.")
    return parsed


def _kind(value: object) -> str:
    if value is None:
        return "null"
    kinds: dict[type, str] = {
        list: "an array",
        str: "a string",
        bool: "a boolean",
        int: "a number",
        float: "a number",
    }
    return kinds[type(value)]
