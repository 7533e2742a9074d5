"""The file of MCP servers: what it may hold, and what is said when it is wrong."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from support.mcp_servers import configured

from tools._mcp import BadMcpConfig, McpConfig, McpServers
from tools._mcp.config import Http, ServerConfig, Stdio

ROOT = Path(__file__).parents[2]
ENVIRONMENT = {"TOKEN": "abc", "EMPTY": "", "TWO_LINES": "hunter2hunter2\n"}


def the_server(folder: Path, **entry: object) -> ServerConfig:
    (server,) = configured(folder, {"pens": entry}, ENVIRONMENT).servers
    return server


def test_servers_of_both_kinds_are_read(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        {
            "files": {"command": "npx", "args": ["-y", "x"], "env": {"A": "b"}, "cwd": "/tmp"},
            "wiki": {"type": "http", "url": "https://wiki.example/mcp", "headers": {"X-Key": "k"}},
            "other": {"url": "http://other.example/mcp"},
            "off": {"command": "${UNSET}", "disabled": True},
        },
    )
    assert [server.transport for server in config.servers] == [
        Stdio(command="npx", args=["-y", "x"], env={"A": "b"}, cwd="/tmp"),
        Http(url="https://wiki.example/mcp", headers={"X-Key": "k"}),
        Http(url="http://other.example/mcp"),
    ]
    assert config.disabled == ("off",)


@pytest.mark.parametrize("kind", ["http", "streamable-http", "streamableHttp"])
def test_http_goes_by_several_names(tmp_path: Path, kind: str) -> None:
    assert isinstance(the_server(tmp_path, type=kind, url="http://x.example").transport, Http)


def test_what_is_a_shells_is_left_to_it(tmp_path: Path) -> None:
    script = "exec pens $TOKEN $$"
    assert the_server(tmp_path, command="sh", args=["-c", script]).transport == Stdio(
        command="sh", args=["-c", script]
    )


def test_what_other_programs_approve_is_ignored_with_a_warning(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    entry: dict[str, Any] = {"command": "x", "autoApprove": ["read"], "alwaysAllow": [], "timeout": 30}
    assert the_server(tmp_path, **entry).transport == Stdio(command="x", timeout=30)
    (record,) = caplog.records
    assert 'the server "pens": autoApprove is ignored' in record.getMessage()


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("Bearer ${TOKEN}", "Bearer abc"),
        ("${TOKEN}${TOKEN:-x}", "abcabc"),
        ("${UNSET:-a:b/c}", "a:b/c"),
        ("${UNSET:-}", ""),
        ("${EMPTY}", ""),
        ("${EMPTY:-default}", "default"),
        ("$ {TOKEN} $token a$TOKEN $TOKEN!", "$ {TOKEN} $token a$TOKEN $TOKEN!"),
    ],
)
def test_variables_are_filled_in(tmp_path: Path, written: str, meant: str) -> None:
    assert the_server(tmp_path, command="x", args=[written]).transport == Stdio(command="x", args=[meant])
    assert the_server(tmp_path, command="x", env={"A": written}).transport == Stdio(
        command="x", env={"A": meant}
    )


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"command": "x", "env": {"A": "${UNSET}"}}, "env.A needs the variable UNSET, which is not set"),
        ({"command": "x", "args": ["a", "${UNSET}"]}, "args[1] needs the variable UNSET"),
        ({}, "command is missing"),
        ({"type": "http"}, "url is missing"),
        ({"url": "ftp://x"}, "url must begin with http:// or https://"),
        (
            {"command": "x", "arg": []},
            "arg is not a key of this kind of server, which are: type, timeout, command, args, env, cwd",
        ),
        ({"command": "x", "env": {"PORT": 80}}, "env.PORT is wrong: input should be a valid string"),
        ({"command": "x", "args": "-y"}, "args is wrong: input should be a valid list"),
        ({"command": ""}, "command is wrong: string should have at least 1 character"),
        ({"command": "x", "disabled": "yes"}, "disabled must be true or false"),
        ({"type": "sse", "url": "http://x"}, 'type "sse" is the HTTP transport of 2024'),
        ({"type": 5, "url": "http://x"}, 'type must be "stdio" or "http", and it is 5'),
        (
            {"url": "http://x", "headers": {"X-Key": "${TWO_LINES}"}},
            "headers.X-Key begins or ends with a blank or a line's end",
        ),
        ({"command": "x", "args": ["${TOKEN-x}"]}, "args[0] holds ${, and not in the form ${NAME} or"),
        ({"url": "http://x", "headers": {"A": "${input:key}"}}, "headers.A holds ${, and not in the form"),
        (
            {"url": "http://x", "headers": {"A": "Bearer $TOKEN"}},
            "headers.A holds $TOKEN, which is not filled in",
        ),
        ({"command": "x", "env": {"A": "$TOKEN"}}, "env.A holds $TOKEN"),
        ({"command": "x", "timeout": 30_000}, "timeout is in seconds, and at most 3600"),
        ({"command": "x", "timeout": 0}, "timeout is in seconds, and more than 0"),
        ("npx", 'must be an object, with a "command" or a "url"'),
    ],
)
def test_a_wrong_entry_is_named_with_its_key(tmp_path: Path, entry: object, complaint: str) -> None:
    with pytest.raises(BadMcpConfig) as caught:
        configured(tmp_path, {"pens": entry}, ENVIRONMENT)
    assert str(caught.value).startswith(f'{tmp_path / "mcp.json"}: the server "pens": ')
    assert complaint in str(caught.value)
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ('{\n  "mcpServers": {\n    "a": {"command": "x",}\n}}', "servers.json, line 3, column "),
        ("[]", 'there is no "mcpServers" object in it'),
        ('{"mcpServers": {"pens": {"command": "x"}, "pens": {}}}', '"pens" is there twice'),
        ('{"servers": {}}', 'there is no "mcpServers" object in it'),
        (b"\xff", "cannot be read"),
    ],
)
def test_a_wrong_file_is_named_with_the_line(tmp_path: Path, text: str | bytes, complaint: str) -> None:
    path = tmp_path / "servers.json"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises(BadMcpConfig) as caught:
        McpConfig.load(path, {})
    assert str(path) in str(caught.value)
    assert complaint in str(caught.value)


def test_a_missing_file_is_named(tmp_path: Path) -> None:
    with pytest.raises(BadMcpConfig, match=r"nowhere\.json cannot be read"):
        McpConfig.load(tmp_path / "nowhere.json", {})


@pytest.mark.parametrize("names", [["My pens", "My_pens"], ["a.b", "a b"]])
def test_two_servers_never_share_a_prefix(tmp_path: Path, names: list[str]) -> None:
    with pytest.raises(BadMcpConfig, match=json.dumps(names[0])):
        configured(tmp_path, {name: {"command": "x"} for name in names})


@pytest.mark.parametrize("name", ["", "___", "日本", "x" * 41])
def test_a_name_that_gives_no_prefix_is_refused(tmp_path: Path, name: str) -> None:
    with pytest.raises(BadMcpConfig, match="its name must have 1 to 40"):
        configured(tmp_path, {name: {"command": "x"}})


def test_secrets_are_not_in_what_is_printed_of_a_configuration(tmp_path: Path) -> None:
    config = configured(
        tmp_path,
        {
            "a": {"command": "x", "env": {"KEY": "${TOKEN}"}},
            "b": {"url": "http://x", "headers": {"K": "${TOKEN}"}},
        },
        {"TOKEN": "hunter2"},
    )
    assert "hunter2" not in repr(config)


def test_the_sdk_is_imported_only_where_there_are_servers() -> None:
    program = "import tools._mcp, sys; sys.exit('mcp' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", program], cwd=ROOT, check=False).returncode == 0


async def test_secrets_are_what_is_named_so_and_is_no_word_that_people_use(tmp_path: Path) -> None:
    env = {"API_KEY": "k-123456", "DB_PASSWORD": "postgres", "PIN_SECRET": "1234", "HOME_PAGE": "wiki-2026"}
    entry = {"command": "npx", "env": env}
    assert McpServers(configured(tmp_path, {"pens": entry}, ENVIRONMENT)).secrets == ("k-123456",)
