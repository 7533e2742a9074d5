"""The command `threadloop` as a person runs it: real processes, what they print, how they end."""

from __future__ import annotations

import asyncio
import json
import os
import re
import signal
import socket
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from support.anthropic_server import AnthropicServer
from support.mcp_servers import scripted
from support.model_server import ModelServer
from support.openai_server import OpenAIServer, failure, text, tool_calls
from support.patience import PATIENCE_S
from support.weather_server import WeatherServer

GUIDES_QUESTION = "What's the weather like in both Boston AND London tonight?"
TWO_CITIES = tool_calls(
    ("get_weather_forecast", {"location": "Boston, MA", "when": "tonight"}),
    ("get_weather_forecast", {"location": "London", "when": "tonight"}),
)
BOTH = text("Boston will be wet and London cloudy.")


async def threadloop(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """Run the command to its end: exit code, standard output, standard error."""
    async with started(*arguments, **variables) as process:
        out, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


@asynccontextmanager
async def started(*arguments: str, **variables: str) -> AsyncIterator[asyncio.subprocess.Process]:
    """Start the command; it is killed at the end if it still runs.

    No service beyond this machine is asked, whatever the machine could reach.
    """
    nowhere = "http://127.0.0.1:9"
    services = dict.fromkeys(("OPEN_METEO_URL", "OPEN_METEO_GEOCODING_URL", "MET_NORWAY_URL"), nowhere)
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-W", "error", "-m", "bot", *arguments,
        env={**os.environ, **services, **variables},
        stdin=asyncio.subprocess.DEVNULL, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE,
    )  # fmt: skip
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            # To their ends, so that nothing of it troubles the tests that follow.
            await process.communicate()


async def test_ask_prints_the_answer_and_the_tool_calls_apart() -> None:
    code, out, err = await threadloop("ask", GUIDES_QUESTION)
    assert code == 0
    assert "Boston" in out
    assert "London" in out
    assert "sample data" in out
    assert "→" not in out
    assert err.count("→ get_weather_forecast") == 2
    assert err.count("← get_weather_forecast") == 2


@pytest.mark.parametrize(("server", "provider"), [(OpenAIServer, "OPENAI"), (AnthropicServer, "ANTHROPIC")])
async def test_ask_goes_to_the_provider_that_is_configured(server: type[ModelServer], provider: str) -> None:
    async with WeatherServer() as weather, server([TWO_CITIES, BOTH]) as model:
        variables = {f"{provider}_BASE_URL": model.base_url, f"{provider}_API_KEY": "sk-test"}
        code, out, _ = await threadloop("ask", GUIDES_QUESTION, **variables, **weather.config)
    assert (code, out.strip()) == (0, "Boston will be wet and London cloudy.")


async def test_ask_reads_earlier_messages_from_a_file(tmp_path: Path) -> None:
    lines = [
        {"user": "Marie Curie", "text": "I was born in Warsaw"},
        {"user": "threadloop", "text": "Noted."},
        {"user": "grace", "text": "And I in New York"},
    ]
    (tmp_path / "thread.jsonl").write_text("\n".join(map(json.dumps, lines)))
    async with OpenAIServer([text("In Warsaw.")]) as model:
        variables = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "sk-test"}
        code, out, _ = await threadloop("ask", "Where was she born?", "--thread", "thread.jsonl", **variables)
    assert (code, out.strip()) == (0, "In Warsaw.")
    said = [(message["role"], message["content"]) for message in model.requests[0]["messages"][1:-1]]
    assert said == [
        ("user", "Marie Curie: I was born in Warsaw"),
        ("assistant", "Noted."),
        ("user", "Grace Hopper: And I in New York"),
        ("user", "Ada Lovelace: Where was she born?"),
    ]


async def test_ask_answers_none_of_the_earlier_messages(tmp_path: Path) -> None:
    earlier = {"user": "grace", "text": "@threadloop What is the capital of Peru?"}
    (tmp_path / "thread.jsonl").write_text(json.dumps(earlier))
    async with OpenAIServer([text("Four.")]) as model:
        variables = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "sk-test"}
        code, out, _ = await threadloop("ask", "2 + 2?", "--thread", "thread.jsonl", **variables)
        assert (code, out.strip(), len(model.requests)) == (0, "Four.", 1)


async def test_where_no_bot_has_worked_yet_there_are_no_runs_and_this_is_said(tmp_path: Path) -> None:
    code, out, err = await threadloop("runs", DATABASE_URL=f"sqlite:///{tmp_path}/new.db")
    assert (code, out) == (1, "")
    assert "Start a bot that uses this database first" in err
    assert "Traceback" not in err


async def test_ask_without_an_answer_fails_with_the_reason() -> None:
    async with OpenAIServer([failure(401, "No.", kind="invalid_api_key")]) as model:
        variables = {"OPENAI_BASE_URL": model.base_url, "OPENAI_API_KEY": "sk-test"}
        code, out, err = await threadloop("ask", "Anything?", **variables)
    assert code == 1
    assert out == ""
    assert "no answer came" in err
    assert "refused my credentials" in err
    assert "Traceback" not in err


async def test_a_thread_file_with_a_wrong_line_is_named_with_it(tmp_path: Path) -> None:
    (tmp_path / "thread.jsonl").write_text('{"user": "ada", "text": "Hi"}\n{"user": "ada"}\n')
    code, _, err = await threadloop("ask", "Anything?", "--thread", "thread.jsonl")
    assert code == 1
    assert "thread.jsonl, line 2" in err


async def test_run_shows_the_guides_question_and_stays_up_until_it_is_stopped() -> None:
    async with started("run", PORT="0") as process:
        assert process.stdout is not None
        shown = await asyncio.wait_for(process.stdout.readuntil(b"until Ctrl-C."), PATIENCE_S)
        process.send_signal(signal.SIGTERM)
        rest, err = await asyncio.wait_for(process.communicate(), PATIENCE_S)
    assert process.returncode == 0, err.decode()
    words = shown.decode()
    assert (words + rest.decode()).count("Threadloop in #general") == 1
    order = [
        "Ada Lovelace in #general",
        GUIDES_QUESTION,
        "→ get_weather_forecast",
        "← get_weather_forecast",
        "Threadloop in #general",
    ]
    positions = [words.index(part) for part in order]
    assert positions == sorted(positions)
    assert words.count("→ get_weather_forecast") == 2
    answer = words[positions[-1] :]
    assert "Boston" in answer
    assert "London" in answer


async def test_a_taken_port_is_an_error_that_names_the_variable() -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        code, _, err = await threadloop("run", PORT=str(taken.getsockname()[1]))
    assert code == 1
    assert re.search(r"Port \d+ .* in use\. Set PORT", err)
    assert "Traceback" not in err


async def test_a_half_set_configuration_names_what_is_missing_and_where_it_is_found() -> None:
    code, _, err = await threadloop("run", SLACK_BOT_TOKEN="xoxb-1")
    assert code == 1
    assert "SLACK_APP_TOKEN is not" in err
    assert "Basic Information" in err


async def test_wrong_usage_is_told_without_loading_the_bot() -> None:
    code, _, err = await threadloop("answer")
    assert code == 2
    assert "invalid choice" in err


async def test_the_doctor_names_what_is_wrong_and_what_is_well(tmp_path: Path) -> None:
    config = tmp_path / "mcp.json"
    servers = {"gone": {"command": "/nowhere/server"}, "pens": scripted(tools=[["write"]])}
    config.write_text(json.dumps({"mcpServers": servers}))
    code, out, err = await threadloop(
        "doctor", MCP_CONFIG=str(config), DATABASE_URL=f"sqlite:///{tmp_path}/a.db"
    )
    lines = {line.split()[1] if "MCP" not in line else line.split()[2]: line for line in out.splitlines()}
    assert code == 1
    assert lines["gone"].startswith("BAD")
    assert lines["pens"].startswith("ok")
    assert {line[:3] for name, line in lines.items() if name != "gone"} == {"ok "}
    assert "BAD" in err


async def test_the_tools_are_listed_and_called() -> None:
    code, out, _ = await threadloop("tools")
    assert code == 0
    assert "get_weather_forecast" in out
    assert await threadloop("tools", "call", "calculate", '{"expression": "6 * 7"}') == (
        0,
        '{"result":"42","summary":"6 * 7 = 42"}\n',
        "",
    )
