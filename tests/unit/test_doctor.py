"""`threadloop doctor`: a line about each thing, and what makes it unwell."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.mcp_servers import scripted
from support.patience import PATIENCE_S

from bot.commands import doctor
from bot.errors import Unwell
from bot.settings import Settings
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
