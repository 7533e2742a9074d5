"""MCP servers over stdio: what they offer, what they ask, and what happens when they misbehave."""

from __future__ import annotations

import asyncio
import json
import logging
import os
import signal
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from support.mcp_servers import (
    Door,
    call,
    detail,
    names,
    running,
    scripted,
    starting,
    state,
    tool,
    until,
)
from support.patience import PATIENCE_S
from support.tool_context import ANN, tool_context

from tools import Access, Asker, Elicitation, ElicitationAnswer, Registry
from tools._mcp import ServerStatus, Timing
from tools._mcp.server import longest_pause_s

BOB = Asker("U2", "Bob", "Europe/Berlin")


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    return True


async def test_the_tools_and_resources_of_all_pages_are_offered(tmp_path: Path) -> None:
    pens = scripted(tools=[["echo", "fail"], ["ask"]], resources=[["pen:1"], ["pen:2"]])
    async with running(tmp_path, {"pens": pens}) as servers:
        assert names(servers) == ["pens__echo", "pens__fail", "pens__ask", "pens__read_resource"]
        assert servers.status() == [ServerStatus("pens", "up", "4 tools")]
        description = tool(servers, "pens__read_resource").description
        assert description.splitlines() == [
            "Read a resource of pens by its URI.",
            "- pen:1 (pen:1)",
            "- pen:2 (pen:2)",
        ]
        outcome = await call(servers, "pens__echo", {"n": 1})
        assert (outcome.ok, outcome.content) == (True, 'echo {"n": 1}')


async def test_many_resources_are_listed_by_a_tool_of_their_own(tmp_path: Path) -> None:
    pens = scripted(resources=[[f"pen:{number:03}" for number in range(100)]])
    async with running(tmp_path, {"pens": pens}) as servers:
        assert "pens__list_resources lists them" in tool(servers, "pens__read_resource").description
        assert not Registry([], toolsets=[servers]).asks("pens__list_resources")
        outcome = await call(servers, "pens__list_resources")
        assert "- pen:000 (pen:000)" in outcome.content
        assert "- pen:099 (pen:099)" in outcome.content


async def test_names_that_no_provider_takes_are_changed_and_stay_unique(tmp_path: Path) -> None:
    pens = scripted(tools=[["a_b", "a.b", "a b", "x" * 80, "read_resource"]], resources=[["pen:1"]])
    async with running(tmp_path, {"My pens": pens}) as servers:
        offered = names(servers)
        assert offered[0] == "My_pens__a_b"
        assert offered[4:] == ["My_pens__read_resource", "My_pens__read_resource_2"]
        assert len(set(offered)) == len(offered)
        assert all(len(name) <= 64 for name in offered)
        outcome = await call(servers, offered[1])
        assert outcome.content == "a.b {}"


async def test_a_tool_that_would_break_every_request_is_left_out(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    wrong: dict[str, Any] = {
        "name": "wrong",
        "inputSchema": {"type": "object", "properties": {"n": {"type": "int"}}},
    }
    async with running(tmp_path, {"pens": scripted(tools=[[wrong, "echo"]])}) as servers:
        assert names(servers) == ["pens__echo"]
    assert "wrong is left out: the schema of its arguments is wrong" in caplog.text


async def test_what_no_provider_takes_of_a_schema_is_in_the_description(tmp_path: Path) -> None:
    either = [{"properties": {key: {"type": "string"}}, "required": [key]} for key in ("name", "size")]
    find = {"name": "find", "description": "x" * 5_000, "inputSchema": {"type": "object", "anyOf": either}}
    async with running(tmp_path, {"pens": scripted(tools=[[find]])}) as servers:
        found = tool(servers, "pens__find")
        assert found.parameters["properties"].keys() == {"name", "size"}
        assert "anyOf" not in found.parameters
        assert '"required":["size"]' in found.description
        assert len(found.description) < 2_010


async def test_calls_need_approval_unless_a_trusted_server_says_they_only_read(tmp_path: Path) -> None:
    reads = {"name": "reads", "annotations": {"readOnlyHint": True, "title": "Count {pens}"}}
    entry = scripted(tools=[[reads, "writes"]])
    async with running(tmp_path, {"pens": entry, "mine": entry}, trusted=frozenset({"mine"})) as servers:
        registry = Registry([], toolsets=[servers])
        asks = {name: registry.asks(name) for name in registry.names}
        assert asks == {
            "pens__reads": True,
            "pens__writes": True,
            "mine__reads": False,
            "mine__writes": True,
        }
        assert registry.title("mine__reads", "{}") == "mine: Count (pens)"
        async with tool_context() as context:
            outcome = await registry.call("pens__reads", "{}", context)
            assert "needs a person's approval" in outcome.content


async def test_nobody_is_asked_about_arguments_that_do_not_fit(tmp_path: Path) -> None:
    order = {
        "name": "order",
        "inputSchema": {"type": "object", "properties": {"n": {"type": "integer"}}, "required": ["n"]},
    }
    async with running(tmp_path, {"pens": scripted(tools=[[order]], resources=[["pen:1"]])}) as servers:
        registry, access = Registry([], toolsets=[servers]), Access("U1", "C1")
        assert registry.needs_approval("pens__order", '{"n": 1}', access)
        assert not registry.needs_approval("pens__order", '{"n": "one"}', access)
        refused = json.loads((await call(servers, "pens__order")).content)
        assert refused["error"] == "The arguments do not fit: 'n' is a required property."
        assert refused["advice"] == "Correct this and call the tool again."
        assert "'uri' is a required" in (await call(servers, "pens__read_resource")).content


async def test_a_changed_list_is_noticed(tmp_path: Path) -> None:
    async with running(tmp_path, {"pens": scripted(tools=[["grow"]])}) as servers:
        await call(servers, "pens__grow")
        await until(servers, lambda: names(servers) == ["pens__grow", "pens__grown"])


async def test_a_server_of_the_newest_protocol_alone_is_understood(tmp_path: Path) -> None:
    async with running(tmp_path, {"pens": scripted(is_modern=True)}) as servers:
        assert servers.status() == [ServerStatus("pens", "up", "1 tool")]
        outcome = await call(servers, "pens__echo", {"n": 1})
        assert outcome.content == 'echo {"n": 1}'


async def test_a_tools_own_error_tells_the_model_to_try_differently(tmp_path: Path) -> None:
    async with running(tmp_path, {"pens": scripted(tools=[["fail", "refuse"]])}) as servers:
        failed = json.loads((await call(servers, "pens__fail")).content)
        refused = json.loads((await call(servers, "pens__refuse")).content)
    assert failed == {"error": "no such pen", "advice": "Correct this and call the tool again."}
    assert refused["error"] == "The MCP server pens refused the call: out of pens"
    assert refused["advice"].startswith("Do not repeat this call.")


async def test_a_question_reaches_the_person_and_the_answer_the_server(tmp_path: Path) -> None:
    questions: list[Elicitation] = []

    async def elicit(question: Elicitation) -> ElicitationAnswer:
        questions.append(question)
        return ElicitationAnswer("accept", {"size": "M"})

    async with running(tmp_path, {"pens": scripted(tools=[["ask"]])}) as servers:
        outcome = await call(servers, "pens__ask", elicit=elicit)
    assert json.loads(outcome.content) == {"action": "accept", "content": {"size": "M"}}
    schema = {"type": "object", "properties": {"size": {"type": "string"}}}
    assert questions == [Elicitation("pens asks: Which size?", schema)]


async def test_a_question_is_declined_where_nobody_can_be_asked(tmp_path: Path) -> None:
    async with running(tmp_path, {"pens": scripted(tools=[["ask"]])}) as servers:
        outcome = await call(servers, "pens__ask")
    assert json.loads(outcome.content) == {"action": "decline"}


async def test_a_question_that_may_be_anothers_is_declined(tmp_path: Path) -> None:
    async def elicit(_: Elicitation) -> ElicitationAnswer:
        raise AssertionError("one of two people was asked, and it may be the wrong one")

    at_work = asyncio.Event()
    async with running(tmp_path, {"pens": scripted(tools=[["ask", "wait"]])}) as servers:
        waiting = asyncio.create_task(
            call(servers, "pens__wait", asker=BOB, progress=lambda _: at_work.set(), elicit=elicit)
        )
        async with asyncio.timeout(PATIENCE_S):
            await at_work.wait()
        outcome = await call(servers, "pens__ask", asker=ANN, elicit=elicit)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)
    assert json.loads(outcome.content) == {"action": "decline"}


async def test_nobody_is_asked_any_more_once_the_call_has_ended(tmp_path: Path) -> None:
    asked, given_up = asyncio.Event(), asyncio.Event()

    async def elicit(_: Elicitation) -> ElicitationAnswer:
        asked.set()
        try:
            return await asyncio.Future()
        except asyncio.CancelledError:
            given_up.set()
            raise

    async with running(tmp_path, {"pens": scripted(tools=[["ask"]])}) as servers:
        asking = asyncio.create_task(call(servers, "pens__ask", elicit=elicit))
        async with asyncio.timeout(PATIENCE_S):
            await asked.wait()
            asking.cancel()
            await given_up.wait()
        assert state(servers, "pens") == "up"


async def test_a_call_that_takes_too_long_is_ended_here_and_there(tmp_path: Path) -> None:
    entry = scripted(tools=[["wait", "cancelled"]])
    async with running(tmp_path, {"pens": entry}, timing=Timing(call_s=0.3)) as servers:
        outcome = await call(servers, "pens__wait")
        assert "did not finish within 0.3 seconds" in outcome.content
        # Not as the bot does: that would have to be done within 0.3 seconds, too.
        async with tool_context() as context:
            told = tool(servers, "pens__cancelled")
            async with asyncio.timeout(PATIENCE_S):
                while await told.run({}, context) != "1":
                    pass  # each look asks the server, which hears of it a moment later


async def test_a_servers_own_time_limit_holds_for_its_calls(tmp_path: Path) -> None:
    async with running(tmp_path, {"pens": scripted(tools=[["wait"]]) | {"timeout": 0.3}}) as servers:
        assert "did not finish within 0.3 seconds" in (await call(servers, "pens__wait")).content


async def test_a_server_killed_in_mid_call_fails_that_call_and_comes_back(tmp_path: Path) -> None:
    entry = scripted(tools=[["wait", "pid"]])
    at_work = asyncio.Event()
    async with running(tmp_path, {"pens": entry, "others": entry}) as servers:
        pid = int((await call(servers, "pens__pid")).content)
        others = await call(servers, "others__pid")
        dying = asyncio.create_task(call(servers, "pens__wait", progress=lambda _: at_work.set()))
        async with asyncio.timeout(PATIENCE_S):
            await at_work.wait()
            os.kill(pid, signal.SIGKILL)
            outcome = await dying
        assert not outcome.ok
        assert "The connection to the MCP server pens broke" in outcome.content
        await until(servers, lambda: state(servers, "pens") == "down")
        assert names(servers) == ["others__wait", "others__pid"]
        await until(servers, lambda: state(servers, "pens") == "up")
        assert int((await call(servers, "pens__pid")).content) != pid
        assert (await call(servers, "others__pid")).content == others.content


async def test_the_death_of_an_idle_server_is_noticed(tmp_path: Path) -> None:
    async with running(tmp_path, {"pens": scripted(tools=[["pid"]])}) as servers:
        kept = tool(servers, "pens__pid")
        os.kill(int((await call(servers, "pens__pid")).content), signal.SIGKILL)
        await until(servers, lambda: not servers.tools())
        async with tool_context() as context:
            with pytest.raises(Exception, match="pens broke"):
                await kept.run({}, context)


async def test_an_approved_call_waits_for_its_server(tmp_path: Path) -> None:
    door = Door(tmp_path)
    async with starting(tmp_path, {"pens": scripted(waits_for=str(door.path))}) as servers:
        calling = asyncio.create_task(call(servers, "pens__echo", {"n": 1}))
        await asyncio.wait([calling], timeout=0)
        assert not calling.done()
        await door.open()
        async with asyncio.timeout(PATIENCE_S):
            assert (await calling).content == 'echo {"n": 1}'


async def test_a_call_of_a_server_that_stays_away_says_so(tmp_path: Path) -> None:
    async with running(tmp_path, {"pens": scripted(dies=True)}, timing=Timing(arrival_s=0.1)) as servers:
        assert state(servers, "pens") == "down"
        approved = json.loads((await call(servers, "pens__echo")).content)
        assert approved["error"] == "The MCP server pens is away, so nothing was done."
        assert approved["advice"].startswith("Do not repeat this call.")
        async with tool_context() as context:
            others = await Registry([], toolsets=[servers]).call("others__echo", "{}", context)
        assert "There is no tool called 'others__echo'" in others.content


async def test_a_dead_server_delays_no_call_that_nobody_approved(tmp_path: Path) -> None:
    timing = Timing(arrival_s=10 * PATIENCE_S)
    async with running(tmp_path, {"pens": scripted(dies=True)}, timing=timing) as servers:
        async with tool_context() as context, asyncio.timeout(PATIENCE_S):
            refused = await Registry([], toolsets=[servers]).call("pens__echo", "{}", context)
        assert "The MCP server pens is away" in refused.content


async def test_servers_that_cannot_start_say_why_and_disturb_no_other(tmp_path: Path) -> None:
    entries = {
        "missing": {"command": "there-is-no-such-program"},
        "dying": scripted(dies=True, stderr="Traceback…\nNo module named pens"),
        "away": {"type": "http", "url": "http://127.0.0.1:9/mcp"},
        "pens": scripted(),
        "off": {"command": "x", "disabled": True},
    }
    async with running(tmp_path, entries) as servers:
        assert names(servers) == ["pens__echo"]
        assert "No such file or directory: 'there-is-no-such-program'; next try in 1 s" in detail(
            servers, "missing"
        )
        assert detail(servers, "dying").startswith(
            "Connection closed; it last said: No module named pens; next try in"
        )
        assert "All connection attempts failed" in detail(servers, "away")
        assert servers.status()[-1] == ServerStatus("off", "disabled")
        outcome = await call(servers, "pens__echo")
        assert outcome.ok


async def test_a_server_that_never_answers_delays_neither_start_nor_calls_nor_stop(tmp_path: Path) -> None:
    entries = {"silent": scripted(hangs=True), "pens": scripted()}
    async with starting(tmp_path, entries, timing=Timing(connect_s=PATIENCE_S)) as servers:
        assert state(servers, "silent") == "connecting"
        await until(servers, lambda: state(servers, "pens") == "up")
        assert (await call(servers, "pens__echo")).ok
        assert state(servers, "silent") == "connecting"


async def test_a_server_that_never_answers_is_given_up_in_the_end(tmp_path: Path) -> None:
    async with running(tmp_path, {"silent": scripted(hangs=True)}, timing=Timing(connect_s=0.2)) as servers:
        assert detail(servers, "silent").startswith("no answer within 0.2 s")


async def test_a_stop_ends_even_a_stubborn_server(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    entries = {"stubborn": scripted(is_stubborn=True, pid_file=str(pid_file))}
    async with running(tmp_path, entries) as servers:
        assert state(servers, "stubborn") == "up"
    assert not is_alive(int(pid_file.read_text()))


async def test_a_cancelled_stop_still_leaves_no_process_behind(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    up = asyncio.Event()

    async def program() -> None:
        async with running(tmp_path, {"pens": scripted(is_stubborn=True, pid_file=str(pid_file))}):
            up.set()
            await asyncio.Future()

    task = asyncio.create_task(program())
    async with asyncio.timeout(PATIENCE_S):
        await up.wait()
    task.cancel()
    await asyncio.sleep(0)  # it leaves its block now
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    assert task.cancelled()
    assert not is_alive(int(pid_file.read_text()))


async def test_children_see_nothing_of_the_bots_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SLACK_BOT_TOKEN", "xoxb-secret")
    entry = scripted(tools=[["environment"]]) | {
        "env": {"PENS": "${SHELF:-top}", "INK": "${INK}"},
        "cwd": str(tmp_path),
    }
    async with running(tmp_path, {"pens": entry}, environment={"INK": "blue"}) as servers:
        seen = json.loads((await call(servers, "pens__environment")).content)
    assert {"PENS": "top", "INK": "blue"}.items() <= seen.items()
    harmless = {"HOME", "LOGNAME", "PATH", "SHELL", "TERM", "USER", "LC_CTYPE"}
    assert seen.keys() <= {"PENS", "INK"} | harmless


async def test_what_a_child_complains_of_is_logged_without_secrets_and_bounded(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO, logger="tools._mcp")
    noise = "key is hunter2hunter2\n" + "x" * 5_000 + "\n" + "noise\n" * 1_000
    entry = scripted(stderr=noise) | {"env": {"API_KEY": "${API_KEY}"}}
    async with running(tmp_path, {"pens": entry}, environment={"API_KEY": "hunter2hunter2"}) as servers:
        assert state(servers, "pens") == "up"
    lines = [record.getMessage() for record in caplog.records if record.name == "tools._mcp.complaints"]
    assert lines[0] == "MCP server pens: key is [redacted]"
    assert len(lines) == 60
    assert lines[-1].endswith("(the rest of this minute is left out)")
    assert max(map(len, lines)) < 600


@pytest.mark.parametrize(
    "settings",
    [
        {"env": {"PENS": "${GITHUB_PAT}"}},
        {"env": {"apiKey": "hunter2hunter2"}},
        {"env": {"PENS": "Bearer hunter2hunter2"}},
    ],
)
async def test_why_a_server_is_away_is_told_without_what_it_was_given(
    tmp_path: Path, settings: dict[str, Any]
) -> None:
    entry = scripted(stderr="no luck with hunter2hunter2\n", dies=True) | settings
    async with running(tmp_path, {"pens": entry}, environment={"GITHUB_PAT": "hunter2hunter2"}) as servers:
        assert "it last said: no luck with [redacted]" in detail(servers, "pens")


async def test_a_banner_among_the_messages_is_survived(tmp_path: Path) -> None:
    async with running(tmp_path, {"pens": scripted(stdout="Welcome to pens!\n")}) as servers:
        assert (await call(servers, "pens__echo")).ok


async def test_attempts_on_a_dead_server_come_less_and_less_often(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    def failures() -> list[float]:
        return [record.created for record in caplog.records if "is away" in record.getMessage()]

    async with running(tmp_path, {"dying": scripted(dies=True)}) as servers:
        await until(servers, lambda: len(failures()) == 4)
    pauses = [later - earlier for earlier, later in pairwise(failures())]
    assert all(pause >= least for pause, least in zip(pauses, (0.25, 0.5, 1.0), strict=True))


@pytest.mark.parametrize(("failures", "seconds"), [(1, 0.5), (2, 1.0), (7, 32.0), (8, 60.0), (100_000, 60.0)])
def test_a_server_is_tried_again_however_long_it_was_away(failures: int, seconds: float) -> None:
    assert longest_pause_s(failures) == seconds
