"""`threadloop doctor`: a line about each thing, and what makes it unwell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from pydantic import SecretStr
from support.mcp_servers import scripted
from support.openai_server import OpenAIServer, failure, text
from support.patience import PATIENCE_S, patient_workspace

from bot.commands import doctor
from bot.errors import Unwell
from bot.settings import Settings
from bot.storage import open_database
from bot.toolbox import open_mcp, open_policy, open_toolbox

POLICY = """
tools:
  pens__*: {channels: [C1]}
  pens__scrible: {channels: [C1]}
  search_web: {channels: [C1]}
  calculat: {channels: [C1]}
mcp:
  trusted: [pens, pnes]
"""


def settings(folder: Path, servers: dict[str, Any], policy: str = "") -> Settings:
    config, rules = folder / "mcp.json", folder / "policy.yaml"
    config.write_text(json.dumps({"mcpServers": servers}))
    rules.write_text(policy)
    database = f"sqlite:///{folder}/bot.db"
    return Settings(_env_file=None, database_url=database, mcp_config=config, policy_file=rules)


async def lines(
    chosen: Settings, capsys: pytest.CaptureFixture[str], connect_within_s: float = PATIENCE_S
) -> list[str]:
    """What the doctor says."""
    with pytest.raises(Unwell):
        await doctor.run(chosen, connect_within_s=connect_within_s)
    return [" ".join(line.split()) for line in capsys.readouterr().out.splitlines()]


async def test_a_server_that_never_answers_is_not_well(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    silent = settings(tmp_path, {"silent": scripted(hangs=True), "off": {"command": "x", "disabled": True}})
    told = await lines(silent, capsys, connect_within_s=0.1)
    assert "BAD MCP silent connecting: no answer yet" in told
    assert "ok MCP off disabled" in told


async def test_the_tools_of_servers_and_rules_for_nothing_are_named(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    told = await lines(settings(tmp_path, {"pens": scripted(tools=[["scribble"]])}, POLICY), capsys)
    assert "ok MCP pens up: 1 tool" in told
    assert any(line.startswith("ok Tools ") and "pens__scribble" in line for line in told)
    rules = tmp_path / "policy.yaml"
    assert [line for line in told if "Policy" in line] == [
        f"BAD Policy {rules}:4: there is no tool called pens__scrible now. Did you mean pens__scribble?",
        f"BAD Policy {rules}:6: there is no tool called calculat now. Did you mean calculate?",
        f"BAD Policy {rules}:8: no MCP server is called pnes; there are pens.",
    ]


async def test_what_is_wrong_hides_nothing_else(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    told = await lines(settings(tmp_path, {"pens": {"comand": "x"}}, "tols: {}"), capsys)
    assert [line.split()[:2] for line in told[-3:]] == [["ok", "Tools"], ["BAD", "Policy"], ["BAD", "MCP"]]


async def test_slack_is_asked_for_both_tokens_and_the_scopes(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    playground = patient_workspace()
    playground.scopes -= {"files:write", "users:read"}
    async with playground.serve():
        chosen = Settings(
            _env_file=None,
            slack_bot_token=SecretStr(playground.bot_token),
            slack_app_token=SecretStr("xapp-wrong"),
            slack_api_url=playground.api_url,
            database_url=f"sqlite:///{tmp_path}/bot.db",
        )
        told = await lines(chosen, capsys)
    assert told[0].startswith("ok Slack threadloop in ")
    assert told[1].startswith("BAD Slack does not grant files:write, users:read: give the app")
    assert told[2] == "BAD Slack refuses SLACK_APP_TOKEN (invalid_auth)"


async def test_the_model_is_asked_to_say_something(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    async with OpenAIServer([text("ok"), failure(401, "Incorrect API key")]) as model:
        chosen = Settings(
            _env_file=None,
            openai_base_url=model.base_url,
            openai_api_key=SecretStr("sk-test-key-000000"),
            model="openai/gpt-test",
            database_url=f"sqlite:///{tmp_path}/bot.db",
        )
        await doctor.run(chosen)
        assert "ok   Model     openai/gpt-test answers" in capsys.readouterr().out
        told = await lines(chosen, capsys)
    assert any(line.startswith("BAD Model openai/gpt-test does not answer: HTTP 401: ") for line in told)
    assert [message["content"] for message in model.requests[0]["messages"]] == ["Say ok."]


async def test_the_doctor_knows_a_database_of_a_newer_threadloop(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    chosen = Settings(_env_file=None, database_url=f"sqlite:///{tmp_path}/bot.db")
    await doctor.run(chosen)
    assert "sqlite answers; the first start makes its tables" in capsys.readouterr().out
    async with open_database(chosen.database_url) as engine:
        await doctor.run(chosen)
        assert "sqlite answers\n" in capsys.readouterr().out
        with engine.begin() as connection:
            connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    told = await lines(chosen, capsys)
    assert any(line.startswith("BAD Database ") and "a newer one has changed it" in line for line in told)


async def test_a_start_warns_of_no_rule_for_a_server_that_still_connects(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    chosen = settings(tmp_path, {"pens": scripted(tools=[["scribble"]])}, POLICY)
    policy = open_policy(chosen)
    async with open_mcp(chosen, policy) as servers:
        open_toolbox(chosen, policy, servers)
    warned = [record.getMessage() for record in caplog.records if record.name == "bot.toolbox"]
    assert [line.partition("policy.yaml:")[2][:2] for line in warned] == ["6:", "8:"]


@pytest.mark.parametrize(
    ("pattern", "warns"),
    [("pe*", False), ("*", False), ("p*__x", False), ("*scribble", False), ("pens", True), ("ink__*", True)],
)
async def test_a_pattern_that_could_be_about_a_server_gets_the_benefit_of_the_doubt(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, pattern: str, *, warns: bool
) -> None:
    chosen = settings(tmp_path, {"pens": scripted(hangs=True)}, f'tools: {{"{pattern}": {{channels: [C1]}}}}')
    policy = open_policy(chosen)
    async with open_mcp(chosen, policy) as servers:
        open_toolbox(chosen, policy, servers)
    assert bool([record for record in caplog.records if record.name == "bot.toolbox"]) is warns
