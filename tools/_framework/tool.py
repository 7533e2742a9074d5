"""The `@tool` decorator, and a tool that is ready to be called."""

from __future__ import annotations

import dataclasses
import inspect
import json
import re
from collections.abc import Awaitable, Callable, Collection, Iterator
from dataclasses import dataclass
from types import FunctionType
from typing import Any, Protocol, TypeVar, overload

import pydantic_core
from pydantic import TypeAdapter, ValidationError

from tools._framework.context import Context
from tools._framework.dynamic import DynamicTool
from tools._framework.errors import BadTool, ToolRetry
from tools._framework.limits import brief
from tools._framework.options import Approval, CacheBy, Options
from tools._framework.schema import NAME, Signature, parse_object, read_signature, where
from tools._framework.thread import run_in_thread
from tools._framework.wording import in_plain_words

_PLACE = re.compile(r"\{(\w*)\}")
"""Where a title takes an argument."""
_MARK = "__tool_options__"
_OPTIONS = TypeAdapter(Options)
_NO_FUNCTION = (
    "@tool goes right above a `def`, and takes options by name. To keep results, write @tool(cache_s=60)."
)
_TITLE_VALUE_CHARS = 80
_MOST_REASON_CHARS = 300
# These turn the direction of writing, so that a text reads differently from what it is.
_UNSAFE = dict.fromkeys([0x061C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)])

Function = TypeVar("Function", bound=Callable[..., object])


@overload
def tool(function: Function, /) -> Function: ...


@overload
def tool(
    *,
    title: str | None = None,
    timeout_s: float | None = None,
    max_result_chars: int | None = None,
    read_only: bool = True,
    approval: Approval = "writes",
    check: Callable[..., object] | None = None,
    cache_s: float = 0,
    cache_by: CacheBy = "asker",
    channels: tuple[str, ...] = (),
    users: tuple[str, ...] = (),
    open_to_guests: bool = False,
    needs: tuple[str, ...] = (),
    settings: tuple[str, ...] = (),
) -> Callable[[Function], Function]: ...


def tool(function: Function | None = None, /, **options: Any) -> Function | Callable[[Function], Function]:
    """Offer a function to the model. The function itself stays as it is.

    Args:
        function: a typed function, sync or async, with a docstring.
        options: the fields of `Options`, which says what each means.

    Raises:
        TypeError: it does not stand above a function, or there is no such option.
        BadTool: there is a tool of this name further up in the file.
    """

    marked = Options(**options)

    def mark(function: Function) -> Function:
        if not inspect.isfunction(function):
            raise TypeError(_NO_FUNCTION)
        _check_twin(function)
        setattr(function, _MARK, marked)
        return function

    return mark if function is None else mark(function)


def is_tool(value: object) -> bool:
    """Whether `value` is a function that `@tool` marked.

    Raises:
        TypeError: it was made of one, and is a function no more.
    """
    if not isinstance(inspect.getattr_static(value, _MARK, None), Options):
        return False
    if not inspect.isfunction(value):
        raise TypeError(_NO_FUNCTION)
    return True


def _check_twin(function: FunctionType) -> None:
    """Refuse a second tool of one name in a file, which would take the first one's place without a word."""
    earlier = inspect.unwrap(function).__globals__.get(function.__name__)
    if not is_tool(earlier) or earlier.__qualname__ != function.__qualname__:
        return
    (file, _, line), (twins_file, _, twins_line) = (where(one).rpartition(":") for one in (function, earlier))
    if file == twins_file and line != twins_line:
        raise BadTool(
            f"{where(function)}: {where(earlier)} has a tool called {function.__name__} too. Rename one."
        )


class Arguments(Protocol):
    """Reads what the model gave as arguments."""

    def validate(self, arguments_json: str | None) -> dict[str, Any]:
        """The arguments to run with.

        Raises:
            ToolRetry: they do not fit.
        """

    def shown(self, arguments_json: str | None) -> dict[str, Any]:
        """The arguments for people, defaults included.

        Raises:
            ToolRetry: they do not fit.
        """


@dataclass(frozen=True, slots=True)
class Tool:
    """One tool with everything that the model and the registry need to know about it."""

    name: str
    """The name that the model calls it by."""
    schema: dict[str, Any]
    """Humanloop's bare form of a tool."""
    options: Options
    origin: str
    """Where it is defined, as in `tools/clock.py:12`."""
    arguments: Arguments
    run: Callable[[dict[str, Any], Context], Awaitable[object]]
    """Call it with validated arguments."""
    check: Callable[[dict[str, Any], Context], Awaitable[object]] | None = None
    """Look at a call with validated arguments before a person is asked about it."""

    @classmethod
    def of(cls, function: Callable[..., object]) -> Tool:
        """Read a function, marked or not.

        Raises:
            BadTool: its signature, docstring or options will not do.
        """
        try:
            return cls._of(function)
        except BadTool:
            raise
        except Exception as error:
            # What reads signatures has more ways to refuse one than can be foreseen, a wrong regex for one.
            reason = brief(f"{type(error).__name__}: {error}", _MOST_REASON_CHARS)
            raise BadTool(f"{where(function)}: {function.__name__} cannot be a tool: {reason}") from error

    @classmethod
    def _of(cls, function: Callable[..., object]) -> Tool:
        if inspect.isasyncgenfunction(inspect.unwrap(function)):
            raise BadTool(f"{where(function)}: {function.__name__} yields. Return a list instead.")
        signature = read_signature(function)
        options = _options(function)
        for fault in _faults(options, signature):
            raise BadTool(f"{where(function)}: {fault}")
        schema = {
            "name": signature.name,
            "description": signature.description,
            "parameters": signature.parameters,
            "strict": signature.is_strict,
        }
        run = _runner(function, signature.context_parameter)
        check = _checker(options.check, function, signature) if options.check else None
        return cls(signature.name, schema, options, where(function), signature, run, check)

    @classmethod
    def of_dynamic(cls, made: DynamicTool) -> Tool:
        """Take a tool that was made at run time.

        Raises:
            BadTool: its name or parameters would make a model's provider refuse the whole question.
        """
        if not NAME.fullmatch(made.name) or made.parameters.get("type") != "object":
            raise BadTool(
                f"{made.name!r} of {made.origin}: a name is at most 64 of A-Z a-z 0-9 _ -, and the parameters "
                "are a JSON Schema of the type object."
            )
        schema = {"name": made.name, "description": made.description, "parameters": made.parameters}
        return cls(made.name, schema, made.options, made.origin, AsGiven(made.name, made.check), made.run)

    @property
    def description(self) -> str:
        """What the model reads about it."""
        return str(self.schema["description"])

    def title(self, arguments_json: str | None) -> str:
        """A call in words for people; the tool's name if there is no title or the arguments do not fit it."""
        if self.options.title is None:
            return self.name
        try:
            values = self.arguments.shown(arguments_json)
        except ToolRetry:
            return self.name

        def fill(place: re.Match[str]) -> str:
            return brief(_in_words(values[place[1]]), _TITLE_VALUE_CHARS) if place[1] in values else place[0]

        return _PLACE.sub(fill, self.options.title).strip()

    def describe(self, arguments_json: str | None) -> str:
        """A call in words and with all its arguments, one on each line, defaults included."""
        return describe(self.name, self.title(arguments_json), self.arguments, arguments_json)


def describe(name: str, title: str, arguments: Arguments, arguments_json: str | None) -> str:
    """A call in words and with all its arguments, one on each line."""
    try:
        values = arguments.shown(arguments_json)
    except ToolRetry:
        return f"{name}: {arguments_json}".translate(_UNSAFE)
    # As JSON no value can look like two lines, or like a line of another name.
    lines = [f"{_plain_name(name)}: {_plain_json(value)}" for name, value in values.items()]
    return "\n".join([title, *lines]).translate(_UNSAFE)


@dataclass(frozen=True, slots=True)
class AsGiven:
    """Arguments that somebody else reads, and perhaps checks."""

    name: str
    check: Callable[[dict[str, Any]], None] | None = None

    def validate(self, arguments_json: str | None) -> dict[str, Any]:
        arguments = self.shown(arguments_json)
        if self.check is not None:
            self.check(arguments)
        return arguments

    def shown(self, arguments_json: str | None) -> dict[str, Any]:
        return parse_object(self.name, arguments_json)


def _runner(
    function: Callable[..., object], context_parameter: str | None
) -> Callable[[dict[str, Any], Context], Awaitable[object]]:
    """Call the function with its context; a sync one in a thread of its own."""

    async def run(arguments: dict[str, Any], context: Context) -> object:
        if context_parameter:
            arguments = {**arguments, context_parameter: context}
        if inspect.iscoroutinefunction(function):
            result = await function(**arguments)
        else:
            result = await run_in_thread(lambda: function(**arguments))
        if inspect.isawaitable(result):
            # A decorator's plain function may stand around an async one.
            result = await result
        # What an iterator has to do is done here, and not when its JSON is written.
        return await run_in_thread(lambda: list(result)) if isinstance(result, Iterator) else result

    return run


def _checker(
    check: Callable[..., object], function: Callable[..., object], signature: Signature
) -> Callable[[dict[str, Any], Context], Awaitable[object]]:
    """Call the check with those of the tool's arguments that it takes."""
    taken, own = inspect.signature(check).parameters, inspect.signature(function).parameters
    defaults = {
        name: own[name].default
        for name in taken
        if name in own and own[name].default is not inspect.Parameter.empty
    }
    context_parameter = signature.context_parameter
    run = _runner(check, context_parameter if context_parameter in taken else None)

    def look(arguments: dict[str, Any], context: Context) -> Awaitable[object]:
        given = {name: value for name, value in arguments.items() if name in taken}
        return run({**defaults, **given}, context)

    return look


def _in_words(value: object) -> str:
    """An argument as people would put it into a sentence."""
    match pydantic_core.to_jsonable_python(value, fallback=str):
        case None:
            return ""
        case str(text):
            return text
        case list(entries):
            return ", ".join(map(_in_words, entries))
        case {"name": str(name)} | {"title": str(name)}:
            return name
        case other:
            return json.dumps(other, ensure_ascii=False)


def _plain_name(name: str) -> str:
    # The parameters of a tool that was made at run time may have any names.
    return name if name.isidentifier() else _plain_json(name)


def _plain_json(value: object) -> str:
    text = json.dumps(pydantic_core.to_jsonable_python(value, fallback=str), ensure_ascii=False)
    # What can't be seen is shown as its code.
    return "".join(char if char.isprintable() else json.dumps(char)[1:-1] for char in text)


def _options(function: Callable[..., object]) -> Options:
    """What the decorator was given, held to its types."""
    marked = getattr(function, _MARK, Options())
    try:
        # Not by asdict(), which copies what a check may be a method of.
        given = {each.name: getattr(marked, each.name) for each in dataclasses.fields(marked)}
        return _OPTIONS.validate_python(given)
    except ValidationError as error:
        faults = [f"{fault['loc'][0]} {in_plain_words(fault)}" for fault in error.errors()]
        raise BadTool(f"{where(function)}: @tool of {function.__name__}: {'; '.join(faults)}.") from error


def _faults(options: Options, signature: Signature) -> Iterator[str]:
    """What is wrong with a tool's options."""
    name, parameters = signature.name, signature.arguments.model_fields
    for place in _PLACE.findall(options.title or ""):
        if place not in parameters:
            known = ", ".join(parameters) or "none"
            yield f"the title of {name} cannot be filled in: its parameters are {known}, not {place!r}."
    if "{" in _PLACE.sub("", options.title or ""):
        yield f"the title of {name} cannot be filled in: in braces goes a parameter's name and nothing else."
    if options.cache_s and not options.read_only:
        yield f"{name} writes, so its results cannot be kept: take away cache_s or read_only=False."
    if options.check:
        yield from _faults_of_check(options.check, name, (*parameters, signature.context_parameter))


def _faults_of_check(
    check: Callable[..., object], name: str, parameters: Collection[str | None]
) -> Iterator[str]:
    try:
        taken = inspect.signature(check).parameters
    except (TypeError, ValueError):
        yield f"the check of {name} has no signature to be read: write a function."
        return
    if inspect.isasyncgenfunction(check) or inspect.isgeneratorfunction(check):
        yield f"the check of {name} yields. It is to return, or to raise."
    if strange := [parameter for parameter in taken if parameter not in parameters]:
        yield f"the check of {name} takes {', '.join(strange)}, which {name} does not."
    if any(parameter.kind is inspect.Parameter.POSITIONAL_ONLY for parameter in taken.values()):
        yield f"the check of {name} is given its arguments by name: take away the slash among its parameters."
