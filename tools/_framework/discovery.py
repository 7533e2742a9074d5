"""Find the functions that are tools: in the bundled modules, in installed packages, and in a folder outside."""

from __future__ import annotations

import hashlib
import importlib
import importlib.metadata
import importlib.util
import inspect
import pkgutil
import re
import sys
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, TypeAlias

from tools._framework.errors import BadTool
from tools._framework.tool import is_tool

ENTRY_POINTS = "threadloop.tools"
"""The group of entry points that installed packages offer tools by: each is a module or a function."""

_NOT_TOOLS = re.compile(r"_.*|test_.*|conftest|tests")

Function: TypeAlias = Callable[..., object]


def in_package(package: str) -> Iterator[Function]:
    """Every marked function in the modules of `package` that have no leading underscore, and are no tests.

    Raises:
        BadTool: a module cannot be imported, or holds no tool.
    """
    for module in pkgutil.iter_modules(importlib.import_module(package).__path__):
        if not _NOT_TOOLS.fullmatch(module.name):
            yield from _marked(_load(f"{package}.{module.name}"))


def in_folder(folder: Path) -> Iterator[Function]:
    """Every marked function in the Python files of a folder that have no leading underscore.

    The folder becomes a package under a name of its own, so that its files may import each other
    (`from ._prices import price_of`) and cannot stand in for modules of the program.

    Raises:
        BadTool: there is no such folder, a file cannot be imported, or one holds no tool.
    """
    if not folder.is_dir():
        raise BadTool(f"{folder} is no folder: set TOOLS_DIR to the one with your tools, or unset it.")
    name = f"_tools_of_{hashlib.sha256(bytes(folder.resolve())).hexdigest()[:12]}"
    package = ModuleType(name, f"The tools in {folder}.")
    package.__path__ = [str(folder.resolve())]
    sys.modules[name] = package
    yield from in_package(name)


def load_folder(folder: Path) -> dict[str, Callable[..., Any]]:
    """The tools of a folder by name, as the bot loads them: for their tests.

    Raises:
        BadTool: as `in_folder` says.
    """
    return {function.__name__: function for function in in_folder(folder)}


def in_installed_packages() -> Iterator[Function]:
    """Every tool that an installed package offers by an entry point of the group `threadloop.tools`.

    Raises:
        BadTool: an entry point cannot be loaded, or is no tool.
    """
    for point in sorted(importlib.metadata.entry_points(group=ENTRY_POINTS), key=lambda point: point.name):
        source = f"the entry point {point.name} = {point.value}"
        try:
            found = point.load()
        except BadTool:
            raise
        except (Exception, SystemExit) as error:
            raise BadTool(f"{source} cannot be loaded: {error!r}") from error
        if inspect.ismodule(found):
            yield from _marked(found)
        elif inspect.isfunction(found):
            yield found
        else:
            raise BadTool(
                f"{source} is a {type(found).__name__}. Name a function, or a module with marked ones."
            )


def _load(name: str) -> ModuleType:
    try:
        return importlib.import_module(name)
    except BadTool:
        raise
    except (Exception, SystemExit) as error:
        raise BadTool(f"{_place(name, error)} cannot be imported: {error!r}") from error


def _place(name: str, error: BaseException) -> str:
    """The file and line of the module called `name` at which its import failed."""
    spec = importlib.util.find_spec(name)
    path = Path(spec.origin if spec and spec.origin else name)
    shown = f"{path.parent.name}/{path.name}"
    if isinstance(error, SyntaxError) and error.filename == str(path):
        return f"{shown}:{error.lineno}"
    lines = [frame.lineno for frame in traceback.extract_tb(error.__traceback__) if frame.filename == str(path)]
    return f"{shown}:{lines[-1]}" if lines else shown


def _marked(module: ModuleType) -> list[Function]:
    try:
        found = [value for value in vars(module).values() if is_tool(value) and _is_of(value, module)]
    except TypeError as error:
        raise BadTool(f"{module.__file__}: {error}") from error
    if not found:
        raise BadTool(
            f"{module.__file__} holds no tool. Mark its function with @tool, or begin the file's name with "
            "an underscore if it only serves other tools."
        )
    return found


def _is_of(function: Function, module: ModuleType) -> bool:
    """Whether a module defines a function, or a package passes on what is defined within it."""
    return function.__module__ == module.__name__ or function.__module__.startswith(f"{module.__name__}.")
