"""What lies around the code says what the code does: the manifest, .env.example, the README, the image."""

from __future__ import annotations

import ast
import inspect
import itertools
import json
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest
import yaml
from slack_sdk.web.async_client import AsyncWebClient
from support.tool_context import tool_context

from bot.settings import Settings
from bot.slack.listeners.commands import COMMAND
from bot.slack.scopes import SCOPES
from tools import Registry

_ROOT = Path(__file__).parents[2]
_DOCUMENTS = [
    "README.md",
    "CONTRIBUTING.md",
    "CHANGELOG.md",
    *(f"docs/{path.name}" for path in _ROOT.glob("docs/*.md")),
]

_HISTORY = {"channels:history", "groups:history", "im:history", "mpim:history"}
_INFORMATION = {"channels:read", "groups:read", "im:read", "mpim:read"}

# From each method's page under https://docs.slack.dev/reference/methods
_SCOPES_BY_METHOD: dict[str, set[str]] = {
    "agents_sessions_setStatus": {"assistant:write"},
    "apps_connections_open": set(),
    "assistant_search_context": {"search:read.public"},
    "assistant_threads_setStatus": {"assistant:write"},
    "auth_test": set(),
    "chat_appendStream": {"chat:write"},
    "chat_delete": {"chat:write"},
    "chat_deleteScheduledMessage": {"chat:write"},
    "chat_postEphemeral": {"chat:write"},
    "chat_postMessage": {"chat:write"},
    "chat_scheduleMessage": {"chat:write"},
    "chat_scheduledMessages_list": set(),
    "chat_startStream": {"chat:write"},
    "chat_stopStream": {"chat:write"},
    "chat_update": {"chat:write"},
    "conversations_history": _HISTORY,
    "conversations_info": _INFORMATION,
    "conversations_members": _INFORMATION,
    "conversations_open": {"im:write"},
    "conversations_replies": _HISTORY,
    "files_upload_v2": {"files:write"},
    "reactions_add": {"reactions:write"},
    "reactions_remove": {"reactions:write"},
    "usergroups_list": {"usergroups:read"},
    "users_conversations": _INFORMATION,
    "users_info": {"users:read"},
    "users_list": {"users:read"},
    "views_open": set(),
}

# Called by its name: the SDK has no method for it.
_WITHOUT_METHOD = {"assistant.search.context": "assistant_search_context"}
_NO_METHOD_OF_SLACKS = {"api_call"}

# From each event's page under https://docs.slack.dev/reference/events
_SCOPES_BY_EVENT: dict[str, set[str]] = {
    "agent_session_stopped": {"assistant:write"},
    "app_context_changed": {"assistant:write"},
    "app_home_opened": set(),
    "app_mention": {"app_mentions:read"},
    "app_uninstalled": set(),
    "message.channels": {"channels:history"},
    "message.groups": {"groups:history"},
    "message.im": {"im:history"},
    "message.mpim": {"mpim:history"},
    "tokens_revoked": set(),
}

_SCOPES_OF_FEATURES = {"commands": "/ask", "assistant:write": "agent_view", "files:read": "files in threads"}


@pytest.fixture
def manifest() -> dict[str, Any]:
    return _manifest()


# The manifest


def test_the_manifest_offers_the_command_that_the_bot_answers(manifest: dict[str, Any]) -> None:
    assert [command["command"] for command in manifest["features"]["slash_commands"]] == [COMMAND]


def test_the_manifest_subscribes_to_every_event_that_a_listener_takes(manifest: dict[str, Any]) -> None:
    listened = set(_listened_events())
    assert "app_mention" in listened
    assert listened <= {event.partition(".")[0] for event in _events(manifest)}


def test_the_manifest_asks_for_the_scope_of_every_event(manifest: dict[str, Any]) -> None:
    assert set(_events(manifest)) == set(_SCOPES_BY_EVENT)
    assert set().union(*_SCOPES_BY_EVENT.values()) <= _scopes(manifest)


def test_the_manifest_asks_for_the_scope_of_every_web_api_call(manifest: dict[str, Any]) -> None:
    called = set(_called_methods())
    assert called == set(_SCOPES_BY_METHOD), "say in this file which scopes the method needs"
    assert set().union(*_SCOPES_BY_METHOD.values()) <= _scopes(manifest)


def test_the_manifest_asks_for_no_scope_without_a_reason(manifest: dict[str, Any]) -> None:
    needed = set().union(*_SCOPES_BY_METHOD.values(), *_SCOPES_BY_EVENT.values(), _SCOPES_OF_FEATURES)
    assert _scopes(manifest) == needed == SCOPES


def test_the_manifest_lists_nothing_twice(manifest: dict[str, Any]) -> None:
    for names in (_events(manifest), manifest["oauth_config"]["scopes"]["bot"]):
        assert len(names) == len(set(names))


def test_the_manifest_is_for_socket_mode_with_buttons_and_without_what_the_bot_cannot_do(
    manifest: dict[str, Any],
) -> None:
    assert manifest["settings"]["socket_mode_enabled"] is True
    assert manifest["settings"]["interactivity"]["is_enabled"] is True  # the button that shares an answer
    assert manifest["settings"]["token_rotation_enabled"] is False
    assert manifest["settings"]["org_deploy_enabled"] is False
    assert manifest["features"]["app_home"]["messages_tab_read_only_enabled"] is False
    assert "shortcuts" not in manifest["features"]


# The lengths that Slack's schema sets: https://github.com/slackapi/manifest-schema
@pytest.mark.parametrize(
    ("path", "longest"),
    [
        ("display_information.name", 35),
        ("display_information.description", 140),
        ("features.bot_user.display_name", 80),
        ("features.agent_view.agent_description", 300),
        ("features.slash_commands.0.command", 32),
        ("features.slash_commands.0.description", 2000),
        ("features.slash_commands.0.usage_hint", 1000),
        ("features.agent_view.suggested_prompts", 4),
    ],
)
def test_slack_takes_the_lengths_of_the_manifest(manifest: dict[str, Any], path: str, longest: int) -> None:
    value: Any = manifest
    for key in path.split("."):
        value = value[int(key)] if isinstance(value, list) else value[key]
    assert 0 < len(value) <= longest


# .env.example and the configuration table


def test_the_example_lists_every_setting_once() -> None:
    names = [name for name, _ in _example()]
    assert sorted(names) == sorted(name.upper() for name in Settings.model_fields)


def test_every_setting_of_the_example_has_a_comment_of_its_own() -> None:
    lines = _read(".env.example").splitlines()
    for above, line in itertools.pairwise(lines):
        if re.match(r"[A-Z]", line):
            assert above.startswith("# "), line


def test_a_copy_of_the_example_configures_the_defaults(tmp_path: Path) -> None:
    copy = tmp_path / ".env"
    copy.write_text(_read(".env.example"))
    assert Settings(_env_file=copy) == Settings(_env_file=None)


def test_the_readme_lists_every_setting_with_its_default() -> None:
    rows = re.findall(r"^\| `([A-Z_]+)` \| (?:`([^`]*)`)? ?\|", _read("README.md"), re.MULTILINE)
    assert sorted(rows) == sorted(_example())


# The README


async def test_the_readmes_tool_works_as_it_stands() -> None:
    source = _only(re.findall(r"```python\n(.*?)```", _read("README.md"), re.DOTALL))
    module = ModuleType("days_until")
    exec(compile(source, "README.md", "exec"), vars(module))
    registry = Registry([module.days_until])
    async with tool_context() as context:
        outcome = await registry.call("days_until", '{"day": "2026-12-24"}', context)
    assert (outcome.ok, outcome.content) == (True, "32 days")


def test_the_readmes_lines_for_http_belong_into_the_manifest(manifest: dict[str, Any]) -> None:
    lines = yaml.safe_load(_only(re.findall(r"```yaml\n(.*?)```", _read("README.md"), re.DOTALL)))
    assert set(lines["features"]) <= set(manifest["features"])
    assert set(lines["settings"]) <= set(manifest["settings"])
    assert lines["settings"]["socket_mode_enabled"] is False
    assert len(re.findall(r"https://\S+/slack/events", _read("README.md"))) == 3


@pytest.mark.parametrize("document", _DOCUMENTS)
def test_the_documents_name_make_targets_that_exist(document: str) -> None:
    targets = set(re.findall(r"^([a-z]+):", _read("Makefile"), re.MULTILINE))
    assert set(re.findall(r"(?:^|`)make ([a-z]+)", _read(document), re.MULTILINE)) <= targets


@pytest.mark.parametrize("document", _DOCUMENTS)
def test_the_documents_link_to_files_that_exist(document: str) -> None:
    for target in re.findall(r"\]\(([^)#]+)[^)]*\)", _read(document)):
        if "://" not in target:
            assert (_ROOT / document).parent.joinpath(target).exists(), target


# The image


def test_the_image_runs_the_command_that_the_project_installs() -> None:
    scripts = tomllib.loads(_read("pyproject.toml"))["project"]["scripts"]
    assert _instruction("ENTRYPOINT") == [next(iter(scripts))]
    assert _instruction("CMD") == ["run"]


def test_the_image_copies_nothing_that_its_context_leaves_out() -> None:
    kept = {line[1:] for line in _read(".dockerignore").splitlines() if line.startswith("!")}
    copied = [
        source
        for line in re.findall(r"^COPY (?!--from)(.*)$", _read("Dockerfile"), re.MULTILINE)
        for source in line.split()[:-1]
    ]
    assert set(copied) == kept
    assert all((_ROOT / source).exists() for source in copied)


def test_the_images_python_is_one_that_the_project_supports() -> None:
    lowest = tomllib.loads(_read("pyproject.toml"))["project"]["requires-python"].removeprefix(">=")
    for version in re.findall(r"^FROM python:([\d.]+)-slim", _read("Dockerfile"), re.MULTILINE):
        assert _numbers(version) >= _numbers(lowest)


def test_the_image_runs_as_a_user_without_rights() -> None:
    assert re.findall(r"^USER (.*)$", _read("Dockerfile"), re.MULTILINE) == ["10001"]


def _read(path: str) -> str:
    return (_ROOT / path).read_text(encoding="utf-8")


def _manifest() -> dict[str, Any]:
    manifest: dict[str, Any] = yaml.safe_load(_read("manifest.yml"))
    return manifest


def _events(manifest: dict[str, Any]) -> list[str]:
    events: list[str] = manifest["settings"]["event_subscriptions"]["bot_events"]
    return events


def _scopes(manifest: dict[str, Any]) -> set[str]:
    return set(manifest["oauth_config"]["scopes"]["bot"])


def _example() -> list[tuple[str, str]]:
    return re.findall(r"^([A-Z_]+)=(.*)$", _read(".env.example"), re.MULTILINE)


def _only(found: list[str]) -> str:
    assert len(found) == 1
    return found[0]


def _numbers(version: str) -> tuple[int, ...]:
    return tuple(map(int, version.split(".")))


def _instruction(name: str) -> Any:
    return json.loads(_only(re.findall(rf"^{name} (.*)$", _read("Dockerfile"), re.MULTILINE)))


def _nodes() -> Iterator[ast.AST]:
    """All of the code that knows Slack."""
    folders = (_ROOT / "bot/slack", _ROOT / "tools/_slack")
    files = [path for folder in folders for path in sorted(folder.rglob("*.py"))]
    for path in [*files, _ROOT / "bot/commands/doctor.py", _ROOT / "tools/slack.py"]:
        yield from ast.walk(ast.parse(path.read_text(encoding="utf-8")))


def _called_methods() -> Iterator[str]:
    """The Web API methods that are called on a client, or handed on from one, by slack_sdk's names."""
    for node in _nodes():
        if isinstance(node, ast.Constant) and node.value in _WITHOUT_METHOD:
            yield _WITHOUT_METHOD[str(node.value)]
        if isinstance(node, ast.Attribute) and node.attr not in _NO_METHOD_OF_SLACKS:
            method = getattr(AsyncWebClient, node.attr, None)
            if inspect.iscoroutinefunction(method) and not node.attr.startswith("_"):
                yield node.attr


def _listened_events() -> Iterator[str]:
    """The events that are listened to by name; the catch-all for the others goes by a pattern."""
    for node in _nodes():
        if (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "event"
            and isinstance(node.args[0], ast.Constant)
        ):
            yield str(node.args[0].value)
