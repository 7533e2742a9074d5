"""The configuration: what is read, and what a half-set one says."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.errors import SettingsError
from bot.settings import load


def test_without_any_variable_the_bot_lives_in_the_embedded_workspace_and_answers_offline() -> None:
    settings = load()
    assert settings.mode == "embedded"
    assert settings.provider_and_model() == ("mock", "offline")


@pytest.mark.parametrize(
    ("variables", "mode"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xapp-1"}, "socket"),
        ({"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_SIGNING_SECRET": "s"}, "http"),
    ],
)
def test_slacks_tokens_choose_the_mode(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], mode: str
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load().mode == mode


@pytest.mark.parametrize(
    ("variables", "words"),
    [
        ({"SLACK_BOT_TOKEN": "xoxb-1"}, ["SLACK_APP_TOKEN is not", "Basic Information"]),
        ({"SLACK_APP_TOKEN": "xapp-1"}, ["SLACK_BOT_TOKEN is not", "OAuth & Permissions"]),
        ({"SLACK_SIGNING_SECRET": "s"}, ["SLACK_BOT_TOKEN is not", "OAuth & Permissions"]),
        (
            {"SLACK_BOT_TOKEN": "xapp-1", "SLACK_APP_TOKEN": "xapp-1"},
            ["SLACK_BOT_TOKEN should begin with xoxb-"],
        ),
        (
            {"SLACK_BOT_TOKEN": "xoxb-1", "SLACK_APP_TOKEN": "xoxb-1"},
            ["SLACK_APP_TOKEN should begin with xapp-"],
        ),
        ({"PORT": "many"}, ["PORT", ".env.example"]),
        ({"MODEL": "gpt"}, ["MODEL", "provider/name"]),
        ({"MODEL": "acme/gpt"}, ["acme", "openai, anthropic, mock"]),
        ({"MODEL": "anthropic/claude-sonnet-5-5"}, ["needs ANTHROPIC_API_KEY"]),
    ],
    ids=[
        "no-app-token",
        "no-bot-token",
        "no-bot-token-for-http",
        "swapped",
        "bot-twice",
        "port",
        "model",
        "provider",
        "no-key",
    ],
)
def test_a_wrong_configuration_names_the_variable_and_the_remedy(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], words: list[str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError) as caught:
        load()
    assert all(word in str(caught.value) for word in words)


@pytest.mark.parametrize(
    ("variables", "chosen"),
    [
        ({"OPENAI_API_KEY": "k"}, None),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:11434/v1"}, None),
        ({"HUMANLOOP_BASE_URL": "http://127.0.0.1:8000/v5"}, None),
        ({"ANTHROPIC_API_KEY": "k"}, ("anthropic", "claude-sonnet-5-5")),
        ({"OPENAI_BASE_URL": "http://127.0.0.1:1/v1", "MODEL": "openai/llama3:8b"}, ("openai", "llama3:8b")),
        ({"OPENAI_API_KEY": "k", "MODEL": "openai/org/model"}, ("openai", "org/model")),
    ],
)
def test_the_model_is_chosen_by_name_or_by_whose_key_is_there(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str], chosen: tuple[str, str] | None
) -> None:
    """`None` leaves the choice to the prompt file."""
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert load().provider_and_model() == chosen


def test_the_environment_wins_over_the_env_file_and_an_empty_value_counts_as_unset(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("PORT=4000\nTOOL_TURNS=3\nSLACK_BOT_TOKEN=\n")
    monkeypatch.setenv("PORT", "5000")
    settings = load()
    assert (settings.port, settings.tool_turns, settings.slack_bot_token) == (5000, 3, None)


def test_secrets_do_not_show() -> None:
    settings = load(
        openai_api_key="sk-very-secret", slack_bot_token="xoxb-secret", slack_app_token="xapp-secret"
    )
    assert set(settings.secrets()) == {"sk-very-secret", "xoxb-secret", "xapp-secret"}
    assert not [secret for secret in settings.secrets() if secret in repr(settings)]


def test_tools_get_the_settings_that_they_name_and_the_bundled_ones(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / ".env").write_text("JIRA_TOKEN=t\nJIRA_URL=https://file.example\nJIRA_USER=\n")
    monkeypatch.setenv("JIRA_URL", "https://jira.example")
    monkeypatch.setenv("OPENAI_API_KEY", "k")
    monkeypatch.setenv("TAVILY_API_KEY", "v")
    given = load().tool_config({"JIRA_TOKEN", "JIRA_URL", "JIRA_USER", "JIRA_PROJECT"})
    assert given == {"JIRA_TOKEN": "t", "JIRA_URL": "https://jira.example", "TAVILY_API_KEY": "v"}


@pytest.mark.parametrize("variables", [{"APPROVAL_HOURS": "720"}, {"KEEP_RUNS_DAYS": "0.5"}], ids=str)
def test_runs_are_kept_for_longer_than_people_may_take_to_approve(
    monkeypatch: pytest.MonkeyPatch, variables: dict[str, str]
) -> None:
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(SettingsError, match=r"KEEP_RUNS_DAYS=.* APPROVAL_HOURS="):
        load()
    monkeypatch.setenv("KEEP_RUNS_DAYS", "31")
    load()
