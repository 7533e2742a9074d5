"""Where tools come from: the bundled package, installed packages, and a folder outside."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from tools import BadTool, Registry


def write_package(folder: Path, name: str, **modules: str) -> str:
    package = folder / name
    package.mkdir()
    (package / "__init__.py").touch()
    for module, text in modules.items():
        (package / f"{module}.py").write_text(text)
    return name


TEN_LINES = '''
from tools import tool
from tools.calculator import calculate

@tool
def {name}() -> str:
    """Answer."""
    return "pong"
'''


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.syspath_prepend(tmp_path)
    return tmp_path


def test_a_file_is_a_tool_and_an_underscore_hides_it(folder: Path) -> None:
    package = write_package(folder, "pack_one", ping=TEN_LINES.format(name="ping"), _private="raise OSError")
    assert Registry.discover(package=package).names == ("ping",)
    assert "pack_one._private" not in sys.modules


@pytest.mark.parametrize(
    ("name", "modules", "message"),
    [
        ("pack_empty", {"ping": "x = 1"}, r"ping.py holds no tool. Mark its function with @tool"),
        (
            "pack_broken",
            {"ping": "x = 1\n\nimport nothing_such"},
            r"pack_broken/ping.py:3 cannot be imported: ModuleNotFound",
        ),
        (
            "pack_twice",
            {"one": TEN_LINES.format(name="ping"), "two": TEN_LINES.format(name="ping")},
            r"pack_twice/two.py:5: pack_twice/one.py:5 has a tool called ping too",
        ),
        (
            "pack_shadowed",
            {"ping": TEN_LINES.format(name="ping") * 2},
            r"pack_shadowed/ping.py:13: pack_shadowed/ping.py:5 has a tool called ping too",
        ),
        (
            "pack_cached",
            {
                "ping": TEN_LINES.format(name="ping").replace(
                    "@tool", "from functools import cache\n@tool\n@cache"
                )
            },
            r"pack_cached/ping.py:6 cannot be imported: TypeError.*right above a `def`.*@tool\(cache_s=60\)",
        ),
        (
            "pack_cached_outside",
            {
                "ping": TEN_LINES.format(name="ping").replace(
                    "@tool", "from functools import cache\n@cache\n@tool"
                )
            },
            r"ping.py: @tool goes right above a `def`",
        ),
        (
            "pack_title",
            {"ping": TEN_LINES.format(name="ping").replace("@tool", "@tool('Pinging')")},
            r"takes options by name",
        ),
        (
            "pack_exit",
            {"ping": TEN_LINES.format(name="ping") + "\nraise SystemExit(0)"},
            r"pack_exit/ping.py:10 cannot be imported: SystemExit\(0\)",
        ),
    ],
)
def test_a_bad_file_is_named_at_start(folder: Path, name: str, modules: dict[str, str], message: str) -> None:
    write_package(folder, name, **modules)
    with pytest.raises(BadTool, match=message):
        Registry.discover(package=name)


def test_a_syntax_error_is_named_with_its_line(folder: Path) -> None:
    package = write_package(folder, "pack_wrong", ping="x = 1\ny = (\n")
    with pytest.raises(BadTool, match=r"pack_wrong/ping.py:2 cannot be imported: SyntaxError"):
        Registry.discover(package=package)


def test_an_error_in_what_a_tool_imports_is_named_where_the_tool_imports_it(folder: Path) -> None:
    package = write_package(folder, "pack_deep", _inner="\n\nraise OSError", ping="\nimport pack_deep._inner")
    with pytest.raises(BadTool, match=r"pack_deep/ping.py:2 cannot be imported: OSError"):
        Registry.discover(package=package)


# A folder outside


def test_a_folder_outside_brings_its_tools_beside_the_bundled_ones(tmp_path: Path) -> None:
    (tmp_path / "ping.py").write_text(TEN_LINES.format(name="ping"))
    registry = Registry.discover(folder=tmp_path)
    assert {"ping", "calculate"} <= {*registry.names}


def test_files_of_a_folder_outside_may_import_each_other(tmp_path: Path) -> None:
    (tmp_path / "_word.py").write_text("WORD = 'pong'")
    (tmp_path / "ping.py").write_text("from ._word import WORD\n" + TEN_LINES.format(name="ping"))
    assert "ping" in Registry.discover(folder=tmp_path).names


def test_a_file_of_a_folder_outside_does_not_stand_in_for_a_module_of_the_program(tmp_path: Path) -> None:
    (tmp_path / "json.py").write_text(TEN_LINES.format(name="ping"))
    assert "ping" in Registry.discover(folder=tmp_path).names
    assert hasattr(sys.modules["json"], "dumps")


def test_tests_beside_the_tools_are_no_tools(tmp_path: Path) -> None:
    write_package(tmp_path, "tests")
    for name in ("conftest", "test_ping"):
        (tmp_path / f"{name}.py").write_text("raise OSError")
    (tmp_path / "ping.py").write_text(TEN_LINES.format(name="ping"))
    assert "ping" in Registry.discover(folder=tmp_path).names


def test_a_tool_outside_with_the_name_of_a_bundled_one_is_refused_with_both_places(tmp_path: Path) -> None:
    (tmp_path / "sums.py").write_text(
        TEN_LINES.replace("from tools.calculator import calculate\n", "").format(name="calculate")
    )
    message = rf"{tmp_path.name}/sums.py:4: tools/calculator.py:\d+ has a tool called calculate too"
    with pytest.raises(BadTool, match=message):
        Registry.discover(folder=tmp_path)


def test_a_folder_that_is_not_there_is_named_with_its_setting(tmp_path: Path) -> None:
    with pytest.raises(BadTool, match="nowhere is no folder: set TOOLS_DIR"):
        Registry.discover(folder=tmp_path / "nowhere")


# Installed packages


def install(site: Path, name: str, entry_points: str, module: str) -> None:
    """What an installer leaves behind."""
    (site / f"{name}.py").write_text(module)
    info = site / f"{name}-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {name}\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text(f"[threadloop.tools]\n{entry_points}\n")


def test_an_installed_package_offers_a_module_or_a_function(folder: Path) -> None:
    install(folder, "pack_module", "all = pack_module", TEN_LINES.format(name="ping_all"))
    install(folder, "pack_function", "one = pack_function:ping_one", TEN_LINES.format(name="ping_one"))
    assert {"ping_all", "ping_one"} <= {*Registry.discover(installed=True).names}
    assert "ping_all" not in Registry.discover().names


def test_an_installed_package_offers_the_tools_that_it_passes_on(folder: Path) -> None:
    package = write_package(folder, "pack_inner", _ping=TEN_LINES.format(name="ping_inner"))
    install(folder, "pack_outer", f"all = {package}", "")
    (folder / package / "__init__.py").write_text("from pack_inner._ping import ping_inner")
    assert "ping_inner" in Registry.discover(installed=True).names


@pytest.mark.parametrize(
    ("entry_point", "message"),
    [
        ("pack_odd:WORD", "the entry point it = pack_odd:WORD is a str"),
        ("pack_odd:nothing", "the entry point it = pack_odd:nothing cannot be loaded: AttributeError"),
        ("pack_odd", "pack_odd.py holds no tool"),
    ],
)
def test_an_entry_point_that_is_no_tool_is_named(folder: Path, entry_point: str, message: str) -> None:
    install(folder, "pack_odd", f"it = {entry_point}", "WORD = 'pong'")
    with pytest.raises(BadTool, match=message):
        Registry.discover(installed=True)
