"""The `@tool` decorator, and a tool that is ready to be called."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, TypeVar, overload

from tools._context import Context
from tools._errors import BadTool, ToolRetry
from tools._schema import Signature, read_signature, where
from tools._thread import run_in_thread

_MARK = "__tool_options__"
_TITLE_VALUE_CHARS = 80

Function = TypeVar("Function", bound=Callable[..., object])


@dataclass(frozen=True, slots=True)
class Options:
    """What sets a tool apart from the registry's defaults. `None` means the default."""

    timeout_s: float | None = None
    max_result_chars: int | None = None
    title: str | None = None


@overload
def tool(function: Function, /) -> Function: ...


@overload
def tool(
    *, timeout_s: float | None = None, max_result_chars: int | None = None, title: str | None = None
) -> Callable[[Function], Function]: ...


def tool(
    function: Function | None = None,
    /,
    *,
    timeout_s: float | None = None,
    max_result_chars: int | None = None,
    title: str | None = None,
) -> Function | Callable[[Function], Function]:
    """Offer a function to the model. The function itself stays as it is.

    Args:
        function: a typed function, sync or async, with a docstring.
        timeout_s: seconds that one call may take.
        max_result_chars: characters of a result, beyond which it is cut.
        title: how people see a call, as in `"Checking the weather in {location}"`.
    """

    def mark(function: Function) -> Function:
        setattr(function, _MARK, Options(timeout_s, max_result_chars, title))
        return function

    return mark if function is None else mark(function)


def is_tool(value: object) -> bool:
    """Whether `value` is a function that `@tool` marked."""
    return inspect.isfunction(value) and hasattr(value, _MARK)


@dataclass(frozen=True, slots=True)
class Tool:
    """One function with everything that the model and the registry need to know about it."""

    function: Callable[..., object]
    signature: Signature
    options: Options

    @classmethod
    def of(cls, function: Callable[..., object]) -> Tool:
        """Read a function, marked or not.

        Raises:
            BadTool: its signature, docstring or title will not do.
        """
        made = cls(function, read_signature(function), getattr(function, _MARK, Options()))
        made._check_options()
        return made

    @property
    def name(self) -> str:
        """The name that the model calls it by."""
        return self.function.__name__

    @property
    def schema(self) -> dict[str, Any]:
        """Humanloop's bare form of a tool."""
        return {
            "name": self.name,
            "description": self.signature.description,
            "parameters": self.signature.parameters,
        }

    async def run(self, arguments: dict[str, Any], context: Context) -> object:
        """Call the function with validated arguments; a sync one in a thread of its own."""
        if self.signature.context_parameter:
            arguments = {**arguments, self.signature.context_parameter: context}
        if inspect.iscoroutinefunction(self.function):
            return await self.function(**arguments)
        return await run_in_thread(lambda: self.function(**arguments))

    def title(self, arguments_json: str | None) -> str:
        """A call in words for people; the tool's name if there is no title or the arguments do not fit it."""
        if self.options.title is None:
            return self.name
        try:
            values = self.signature.with_defaults(arguments_json)
        except ToolRetry:
            return self.name
        return self.options.title.format_map({name: _brief(value) for name, value in values.items()})

    def _check_options(self) -> None:
        names = ", ".join(self.signature.arguments.model_fields) or "none"
        try:
            (self.options.title or "").format_map(dict.fromkeys(self.signature.arguments.model_fields, ""))
        except (KeyError, ValueError, IndexError, AttributeError) as error:
            raise BadTool(
                f"{where(self.function)}: the title of {self.name} cannot be filled in ({error!r}). "
                f"It may name the parameters in braces: {names}."
            ) from error
        for option in ("timeout_s", "max_result_chars"):
            value = getattr(self.options, option)
            if value is not None and value <= 0:
                raise BadTool(f"{where(self.function)}: {option} of {self.name} must be more than 0.")


def _brief(value: object) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= _TITLE_VALUE_CHARS else text[: _TITLE_VALUE_CHARS - 1] + "…"
