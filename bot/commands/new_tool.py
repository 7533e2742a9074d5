"""The file of a new tool and the file of its test, to begin from."""

from __future__ import annotations

import keyword
import re
from collections.abc import Collection
from pathlib import Path
from string import Template

from bot.errors import ToolNotWritten

_NAME = re.compile(r"[a-z][a-z0-9_]{0,39}")
"""Short enough that an import of it fits on a line."""
_TAKEN = frozenset({"annotations", "greeting", "load_folder", "schema", "tool"})
"""What the files below call something else."""

EXAMPLE = '{"name": "Ann"}'
"""Arguments that a new tool takes."""

_TOOL = Template('''"""Say here what this file offers."""

from __future__ import annotations

from tools import tool


@tool(title="Greeting {name}")
def $name(name: str, greeting: str = "Hello") -> dict[str, str]:
    """Greet somebody. The model reads this line to know when to call the tool.

    Args:
        name: Whom to greet
        greeting: How to greet
    """
    return {"summary": f"{greeting}, {name}!"}
''')

_TEST = Template('''"""The tool $name."""

from __future__ import annotations
$imports

def test_it_greets_by_name() -> None:
    assert $name("Ann") == {"summary": "Hello, Ann!"}


def test_the_model_is_told_of_every_argument() -> None:
    [schema] = Registry([$name]).schemas
    assert list(schema["parameters"]["properties"]) == ["name", "greeting"]
''')

_IN_CHECKOUT = Template("""
from tools import Registry
from tools.$name import $name
""")

_IN_FOLDER = Template("""
from pathlib import Path

from tools import Registry, load_folder

$name = load_folder(Path(__file__).parents[1])["$name"]
""")


def write_in_folder(folder: Path, name: str, existing: Collection[str]) -> tuple[Path, Path]:
    """Write a tool and a test that passes into a folder for tools from outside; return where they are.

    Args:
        folder: TOOLS_DIR.
        name: the tool's name, which its file gets as well.
        existing: the names that are taken.

    Raises:
        ToolNotWritten: the name will not do, or a file is in the place.
    """
    return _write(name, existing, folder / f"{name}.py", folder / f"tests/test_{name}.py", _IN_FOLDER)


def write_in_checkout(root: Path, name: str, existing: Collection[str]) -> tuple[Path, Path]:
    """Like `write_in_folder`, beside the bundled tools of the checkout at `root`.

    Raises:
        ToolNotWritten: as there, or `root` is no checkout.
    """
    if not (root / "pyproject.toml").exists():
        raise ToolNotWritten("There is no checkout to write into: set TOOLS_DIR to a folder for your tools.")
    test = root / f"tests/unit/test_tools_{name}.py"
    return _write(name, existing, root / f"tools/{name}.py", test, _IN_CHECKOUT)


def _write(
    name: str, existing: Collection[str], tool: Path, test: Path, imports: Template
) -> tuple[Path, Path]:
    _check(name, existing)
    for path in (tool, test):
        if path.exists():
            raise ToolNotWritten(f"{path} is there already, and is left as it is.")
    test.parent.mkdir(parents=True, exist_ok=True)
    tool.write_text(_TOOL.substitute(name=name), encoding="utf-8")
    test.write_text(_TEST.substitute(name=name, imports=imports.substitute(name=name)), encoding="utf-8")
    return tool, test


def _check(name: str, existing: Collection[str]) -> None:
    if not _NAME.fullmatch(name) or keyword.iskeyword(name) or name in _TAKEN:
        raise ToolNotWritten(
            f"{name!r} will not do as a name: begin with a letter, and take up to 40 of a-z 0-9 _, "
            "but no word of Python's own. Best is a verb and a noun, as in roll_dice."
        )
    if name in existing:
        raise ToolNotWritten(f"There is a tool called {name} already.")
