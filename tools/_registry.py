"""The tools that the model may call, and the one way to call them."""

from __future__ import annotations

import difflib
import importlib
import json
import logging
import pkgutil
import traceback
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from types import ModuleType
from typing import Any

import pydantic_core

from tools._context import Context
from tools._errors import BadTool, ToolError, ToolFailed, ToolRetry
from tools._policy import cut, within
from tools._redaction import redact
from tools._schema import where
from tools._tool import Tool, is_tool

_log = logging.getLogger(__name__)

_MOST_ERROR_CHARS = 2_000
_MOST_FAULT_CHARS = 300
_CORRECT = "Correct this and call the tool again."
_GIVE_UP = "Do not repeat this call. Tell the asker what is missing, or go another way."


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a call gave: the result's text, or `{"error", "advice"}` as JSON for the model to read."""

    content: str
    ok: bool


class Registry:
    """Tools by name, with the limits that hold for those without their own.

    Args:
        functions: the tools, marked with `@tool` or plain.
        timeout_s: seconds that one call may take.
        max_result_chars: characters of one result, beyond which it is cut.

    Raises:
        BadTool: a function cannot be a tool, or two have the same name.
    """

    def __init__(
        self,
        functions: Iterable[Callable[..., object]],
        *,
        timeout_s: float = 20.0,
        max_result_chars: int = 12_000,
    ) -> None:
        self._timeout_s = timeout_s
        self._max_result_chars = max_result_chars
        self._tools = _by_name(functions)

    @classmethod
    def discover(
        cls, *, package: str = "tools", timeout_s: float = 20.0, max_result_chars: int = 12_000
    ) -> Registry:
        """Every function marked with `@tool` in the modules of `package` that have no leading underscore.

        Raises:
            BadTool: a module cannot be imported or holds no tool, or one of its tools is wrong.
        """
        functions = [function for module in _modules(package) for function in _marked(module)]
        return cls(functions, timeout_s=timeout_s, max_result_chars=max_result_chars)

    @property
    def names(self) -> tuple[str, ...]:
        """The tools' names in alphabetical order."""
        return tuple(self._tools)

    @property
    def schemas(self) -> list[dict[str, Any]]:
        """Humanloop's bare tools in alphabetical order: the same bytes for every question."""
        return [tool.schema for tool in self._tools.values()]

    def title(self, name: str, arguments_json: str | None) -> str:
        """A call in words for people, such as "Checking the weather in Boston". Never raises."""
        tool = self._tools.get(name)
        return tool.title(arguments_json) if tool else name

    async def call(self, name: str, arguments_json: str | None, context: Context) -> Outcome:
        """Run one call as the model wrote it. Whatever goes wrong becomes an outcome with `ok=False`.

        Raises:
            asyncio.CancelledError: the caller was cancelled, and nothing else.
        """
        try:
            return await self._run(self._find(name), arguments_json, context)
        except ToolRetry as error:
            return _refusal(str(error), _CORRECT, context)
        except ToolError as error:
            return _refusal(str(error), _GIVE_UP, context)

    async def _run(self, tool: Tool, arguments_json: str | None, context: Context) -> Outcome:
        timeout_s = tool.options.timeout_s or self._timeout_s
        max_chars = tool.options.max_result_chars or self._max_result_chars
        try:
            arguments = tool.signature.validate(arguments_json)
            result = await within(timeout_s, _contained(tool, arguments, context))
            return Outcome(cut(_as_text(result), max_chars), ok=True)
        except ToolError:
            raise
        except Exception as error:
            # A tool may raise anything, and its call still needs a result.
            _log_fault(tool, error, context)
            fault = "".join(traceback.format_exception_only(error)).strip()
            raise ToolFailed(f"{tool.name} failed with {cut(fault, _MOST_FAULT_CHARS)}") from error

    def _find(self, name: str) -> Tool:
        if tool := self._tools.get(name):
            return tool
        near = difflib.get_close_matches(name, self._tools, n=3, cutoff=0.5)
        nearest = f" The nearest is {' or '.join(near)}." if near else ""
        known = ", ".join(self._tools) or "none"
        raise ToolRetry(f"There is no tool called {name[:100]!r}.{nearest} The tools are: {known}.")


def _by_name(functions: Iterable[Callable[..., object]]) -> dict[str, Tool]:
    tools: dict[str, Tool] = {}
    for tool in map(Tool.of, functions):
        if twin := tools.get(tool.name):
            raise BadTool(
                f"{where(tool.function)}: {where(twin.function)} has a tool called {tool.name} too. Rename one."
            )
        tools[tool.name] = tool
    return dict(sorted(tools.items()))


def _modules(package: str) -> Iterator[ModuleType]:
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if module.name.startswith("_"):
            continue
        try:
            yield importlib.import_module(f"{package}.{module.name}")
        except Exception as error:
            raise BadTool(f"{package}/{module.name}.py cannot be imported: {error!r}") from error


def _marked(module: ModuleType) -> list[Callable[..., object]]:
    found = [value for value in vars(module).values() if is_tool(value) and value.__module__ == module.__name__]
    if not found:
        raise BadTool(
            f"{module.__file__} holds no tool. Mark its function with @tool, or begin the file's name with "
            "an underscore if it only serves other tools."
        )
    return found


async def _contained(tool: Tool, arguments: dict[str, Any], context: Context) -> object:
    try:
        return await tool.run(arguments, context)
    except SystemExit as error:
        # In a task it would stop the whole event loop.
        raise ToolFailed("It tried to end the program.") from error


def _as_text(result: object) -> str:
    if isinstance(result, str):
        return _scrubbed(result)
    return pydantic_core.to_json(result, inf_nan_mode="null").decode()


def _scrubbed(text: str) -> str:
    """`text` without lone surrogates, which no later step could encode."""
    return text.encode("utf-8", "replace").decode("utf-8")


def _refusal(message: str, advice: str, context: Context) -> Outcome:
    error = cut(redact(message, context.config), _MOST_ERROR_CHARS)
    return Outcome(_scrubbed(json.dumps({"error": error, "advice": advice}, ensure_ascii=False)), ok=False)


def _log_fault(tool: Tool, error: Exception, context: Context) -> None:
    details = redact("".join(traceback.format_exception(error)), context.config)
    _log.error("%s raised %s in run %s\n%s", tool.name, type(error).__name__, context.run_id, details)
