"""`threadloop tools`: the list, a call from the terminal, and a new tool that works at once."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from support.mcp_servers import scripted

from bot.commands import new_tool
from bot.commands import tools as tools_command
from bot.errors import ToolCallFailed, ToolNotWritten, ToolsUnusable
from bot.settings import Settings

ROOT = Path(__file__).parents[2]

OUTSIDE = '''
from tools import Context, tool

@tool(read_only=False, channels=("C77",), title="Painting {thing}")
def paint(thing: str, context: Context) -> str:
    """Paint something. Twice."""
    return f"{thing} in {context.channel}"

@tool
def fade(thing: str) -> str:
    """Fade."""
    raise OSError(thing)
'''


def settings(**given: Any) -> Settings:
    return Settings(_env_file=None, **given)


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "paint.py").write_text(OUTSIDE)
    return tmp_path


def run(action: str, name: str = "", arguments: str = "", *, yes: bool = False, **given: Any) -> None:
    tools_command.run(settings(**given), action, name, arguments, yes=yes)


def mcp_config(folder: Path, **servers: object) -> Path:
    path = folder / "mcp.json"
    path.write_text(json.dumps({"mcpServers": servers}))
    return path


# The list


def test_the_list_names_each_tool_with_its_approval_its_file_and_what_it_does(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("list", tools_dir=folder)
    lines = {line.split()[0]: line for line in capsys.readouterr().out.splitlines()}
    assert "no        tools/calculator.py:" in lines["calculate"]
    assert "Calculate a sum exactly." in lines["calculate"]
    assert f"asks      {folder.name}/paint.py:4" in lines["paint"]
    assert len({line.index("FROM") for line in lines.values() if "FROM" in line}) == 1


def test_the_list_follows_the_policy(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("tools: {calculate: {approval: always}}")
    run("list", policy_file=file)
    assert "calculate" in capsys.readouterr().out.split("asks")[0]


def test_the_list_holds_the_tools_of_mcp_servers_and_names_those_that_are_away(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("list", mcp_config=mcp_config(tmp_path, pens=scripted(), gone={"command": "/nowhere/server"}))
    out = capsys.readouterr().out
    assert "pens__echo" in out
    assert "Not listed: the MCP server gone is down: " in out


def test_a_wrong_policy_and_a_wrong_tool_are_named(tmp_path: Path) -> None:
    file = tmp_path / "policy.yaml"
    file.write_text("rules: {}")
    with pytest.raises(ToolsUnusable, match=r"policy.yaml:1: rules means nothing here"):
        run("list", policy_file=file)
    (tmp_path / "wrong.py").write_text("")
    with pytest.raises(ToolsUnusable, match=r"wrong.py holds no tool"):
        run("list", tools_dir=tmp_path)


JIRA = '''
from tools import Context, tool

@tool(needs=("JIRA_TOKEN", "JIRA_PASSWORD"), settings=("JIRA_URL",))
def find_ticket(context: Context) -> str:
    """Find a ticket."""
    return " ".join(context.setting(name, "nothing") for name in ("JIRA_TOKEN", "JIRA_URL", "JIRA_USER"))
'''


def test_the_list_says_what_is_not_offered_for_want_of_a_setting(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "jira.py").write_text(JIRA)
    run("list", tools_dir=tmp_path)
    shown = capsys.readouterr().out
    assert "Not offered: find_ticket needs JIRA_TOKEN or JIRA_PASSWORD.\n" in shown
    assert "\nfind_ticket" not in shown


def test_a_tool_outside_has_the_settings_that_it_names(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "jira.py").write_text(JIRA)
    for name in ("JIRA_TOKEN", "JIRA_URL", "JIRA_USER"):
        monkeypatch.setenv(name, f"the_{name.lower()}")
    run("call", "find_ticket", tools_dir=tmp_path)
    assert capsys.readouterr().out == "the_jira_token the_jira_url nothing\n"


# A call


def test_a_call_prints_the_result(capsys: pytest.CaptureFixture[str]) -> None:
    run("call", "calculate", '{"expression": "2 + 2"}')
    assert capsys.readouterr().out == '{"result":"4","summary":"2 + 2 = 4"}\n'


@pytest.mark.parametrize(
    ("name", "arguments", "message"),
    [
        ("calculate", '{"expression": "2 +"}', "is not a complete expression"),
        ("calculate", "2 + 2", "not valid JSON"),
        ("calculat", "{}", "The nearest is calculate"),
        ("fade", '{"thing": "jeans"}', "fade failed with OSError: jeans"),
    ],
)
def test_a_call_without_a_result_fails(folder: Path, name: str, arguments: str, message: str) -> None:
    with pytest.raises(ToolCallFailed, match=message):
        run("call", name, arguments, tools_dir=folder)


def test_a_tool_of_an_mcp_server_is_called(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("call", "pens__echo", '{"n": 1}', yes=True, mcp_config=mcp_config(tmp_path, pens=scripted()))
    assert capsys.readouterr().out == 'echo {"n": 1}\n'


def test_a_tool_that_asks_is_not_called_when_nobody_is_there(folder: Path) -> None:
    with pytest.raises(ToolCallFailed, match="add --yes"):
        run("call", "paint", '{"thing": "door"}', tools_dir=folder)


def test_yes_approves_a_call_in_a_place_the_tool_is_open_to(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run("call", "paint", '{"thing": "door"}', yes=True, tools_dir=folder)
    assert capsys.readouterr().out == "door in C77\n"


@pytest.fixture
def terminal(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """Standard input as a terminal, and what is typed there, to be filled in before it is read."""
    keyboard, screen = os.openpty()
    typed: list[str] = []

    class Typed:
        def isatty(self) -> bool:
            return os.isatty(screen)

        def readline(self) -> str:
            os.write(keyboard, f"{typed.pop(0)}\n".encode())
            return os.read(screen, 100).decode()

    monkeypatch.setattr(sys, "stdin", Typed())
    yield typed
    os.close(keyboard)
    os.close(screen)


def test_a_person_at_the_terminal_is_shown_the_call_and_approves(
    folder: Path, terminal: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    terminal.append("y")
    run("call", "paint", '{"thing": "door"}', tools_dir=folder)
    shown = capsys.readouterr()
    assert 'Painting door\nthing: "door"\nGo ahead? [y/N]' in shown.err
    assert shown.out == "door in C77\n"


@pytest.mark.parametrize("answer", ["", "n", "maybe"])
def test_any_other_answer_makes_no_call(folder: Path, terminal: list[str], answer: str) -> None:
    terminal.append(answer)
    with pytest.raises(ToolCallFailed, match="nobody has approved"):
        run("call", "paint", '{"thing": "door"}', tools_dir=folder)


# A new tool


@pytest.fixture
def checkout(tmp_path: Path) -> Path:
    """A copy of what a checkout holds for a tool."""
    root = tmp_path / "checkout"
    for folder in ("bot", "tools"):
        shutil.copytree(ROOT / folder, root / folder, ignore=shutil.ignore_patterns("__pycache__"))
    (root / "tests/unit").mkdir(parents=True)
    shutil.copy(ROOT / "pyproject.toml", root)
    return root


def python(*arguments: str, root: Path) -> None:
    ended = subprocess.run([sys.executable, "-m", *arguments], cwd=root, capture_output=True, text=True)
    assert ended.returncode == 0, ended.stdout + ended.stderr


def test_a_new_tool_and_its_test_pass_everything_at_once(checkout: Path) -> None:
    name = "say_" + "something_" * 3 + "nice_1"
    paths = new_tool.write_in_checkout(checkout, name, ["calculate"])
    tool, test = (str(path.relative_to(checkout)) for path in paths)
    assert (tool, test) == (f"tools/{name}.py", f"tests/unit/test_tools_{name}.py")
    python("ruff", "format", "--check", tool, test, root=checkout)
    python("ruff", "check", tool, test, root=checkout)
    python("mypy", "--cache-dir", os.devnull, "--follow-imports", "silent", tool, test, root=checkout)
    python("pytest", test, root=checkout)


def test_a_new_tool_outside_has_a_test_beside_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    run("new", "say_hello", tools_dir=tmp_path)
    assert "say_hello.py" in capsys.readouterr().out
    run("call", "say_hello", '{"name": "Ann"}', tools_dir=tmp_path)
    assert "Hello, Ann!" in capsys.readouterr().out
    python("pytest", "--rootdir", str(tmp_path), str(tmp_path / "tests"), root=ROOT)


def test_a_tool_outside_with_a_helper_can_be_tested(tmp_path: Path) -> None:
    run("new", "say_hello", tools_dir=tmp_path)
    (tmp_path / "_words.py").write_text("HELLO = 'Hello'")
    tool = tmp_path / "say_hello.py"
    tool.write_text(
        tool.read_text().replace("from tools import tool", "from tools import tool\nfrom ._words import HELLO")
    )
    python("pytest", "--rootdir", str(tmp_path), str(tmp_path / "tests"), root=ROOT)


@pytest.mark.parametrize("name", ["", "2dice", "_dice", "Dice", "dice!", "../dice", "class", "tool", "x" * 41])
def test_a_name_that_will_not_do_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(ToolNotWritten, match="will not do as a name"):
        run("new", name, tools_dir=tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_nothing_is_written_over(tmp_path: Path) -> None:
    with pytest.raises(ToolNotWritten, match="There is a tool called calculate already"):
        run("new", "calculate", tools_dir=tmp_path)
    (tmp_path / "tests").mkdir()
    (tmp_path / "tests/test_dice.py").write_text("mine")
    with pytest.raises(ToolNotWritten, match=r"test_dice.py is there already"):
        run("new", "dice", tools_dir=tmp_path)
    assert not (tmp_path / "dice.py").exists()
    assert (tmp_path / "tests/test_dice.py").read_text() == "mine"


def test_without_a_checkout_the_folder_has_to_be_named(tmp_path: Path) -> None:
    with pytest.raises(ToolNotWritten, match="set TOOLS_DIR"):
        new_tool.write_in_checkout(tmp_path, "dice", [])
