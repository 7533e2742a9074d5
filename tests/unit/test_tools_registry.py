"""The registry: what it offers to a model, and that every call gets a result."""

from __future__ import annotations

import asyncio
import functools
import json
import logging
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from typing import Any

import pydantic
import pytest
from support.patience import PATIENCE_S
from support.tool_context import tool_context

import tools
from tools import Context, Outcome, Registry, ToolFailed, ToolRetry, tool


@tool(title="Greeting {name}")
def greet(name: str, times: int = 1) -> str:
    """Greet somebody.

    Args:
        name: Whom to greet
        times: How often
    """
    return " ".join([f"Hello, {name}!"] * times)


def shout() -> str:
    """Shout."""
    return "AH!"


async def call(function: Any, arguments: str | None = "{}", **limits: Any) -> Outcome:
    registry = Registry([function], **limits)
    async with tool_context({"OPEN_METEO_API_KEY": "s3cr3t-value"}) as context:
        return await registry.call(function.__name__, arguments, context)


def error_of(outcome: Outcome) -> str:
    assert not outcome.ok
    message = json.loads(outcome.content)
    assert set(message) == {"error", "advice"}
    return str(message["error"])


def test_the_public_face_is_kept() -> None:
    assert tools.__all__ == [
        "Access", "Asker", "BadPolicy", "BadTool", "Budget", "Context", "DynamicTool", "Elicit", "Elicitation",
        "ElicitationAnswer", "McpConfig", "McpServers", "MemoryBudget", "Options", "Outcome", "Policy",
        "Registry", "Source", "ToolFailed", "ToolRetry", "Toolset", "load_folder", "read_policy",
        "rules_for_nothing", "secret_shapes", "tool",
    ]  # fmt: skip


def test_the_bundled_tools_are_found_in_alphabetical_order() -> None:
    registry = Registry.discover()
    assert {"calculate", "current_time", "get_current_weather", "get_weather_forecast"} <= {*registry.names}
    assert registry.names == tuple(sorted(registry.names))
    assert [schema["name"] for schema in registry.schemas] == list(registry.names)


def test_schemas_are_the_same_bytes_every_time() -> None:
    assert json.dumps(Registry.discover().schemas) == json.dumps(Registry.discover().schemas)


async def test_a_call_with_fitting_arguments_gives_the_result() -> None:
    outcome = await call(greet, '{"name": "Ann", "times": 2}')
    assert outcome == Outcome("Hello, Ann! Hello, Ann!", True, "Hello, Ann! Hello, Ann!")


@pytest.mark.parametrize("nothing", ["", None, "  ", "{}"])
async def test_no_arguments_at_all_count_as_an_empty_object(nothing: str | None) -> None:
    def ping() -> str:
        """Answer."""
        return "pong"

    assert (await call(ping, nothing)).content == "pong"


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        ('{"name": ', "not valid JSON"),
        ("9" * 5000, "not valid JSON"),
        ("[" * 100_000, "nested too deeply"),
        ('["Ann"]', "must be a JSON object, and were an array"),
        ("null", "must be a JSON object, and were null"),
        ("{}", "name is missing (Whom to greet)"),
        ('{"name": 5}', "name: input should be a valid string, but it was 5"),
        ('{"name": "Ann", "nmae": 1}', "nmae is not an argument, it takes name, times"),
        ('{"name": "Ann", "times": "often"}', 'but it was "often"'),
    ],
)
async def test_wrong_arguments_are_explained_to_the_model(arguments: str, told: str) -> None:
    assert told in error_of(await call(greet, arguments))


async def test_an_unknown_tool_names_the_nearest_and_all_others() -> None:
    async with tool_context() as context:
        outcome = await Registry([greet, shout]).call("gret", "{}", context)
    assert "The nearest is greet." in error_of(outcome)
    assert "The tools are: greet, shout." in error_of(outcome)


async def test_a_retry_and_a_failure_differ_in_their_advice() -> None:
    def retry() -> str:
        """Fail."""
        raise ToolRetry("Name a city.")

    def fail() -> str:
        """Fail."""
        raise ToolFailed("The shop is closed.")

    first, second = await call(retry), await call(fail)
    assert (error_of(first), error_of(second)) == ("Name a city.", "The shop is closed.")
    assert "call the tool again" in first.content
    assert "Do not repeat" in second.content


async def test_an_exception_becomes_a_result_without_secrets(caplog: pytest.LogCaptureFixture) -> None:
    async def broken() -> str:
        """Break."""
        raise RuntimeError("GET https://me:pw@host/?apikey=abc failed, key s3cr3t-value, Bearer abcdefghijk1")

    with caplog.at_level(logging.DEBUG):
        outcome = await call(broken)
    assert error_of(outcome).startswith("broken failed with RuntimeError: GET https://")
    assert outcome.summary == "It failed unexpectedly."
    assert "Traceback" in caplog.text
    for text in (outcome.content, caplog.text):
        assert not [secret for secret in ("pw@", "=abc", "s3cr3t-value", "abcdefghijk1") if secret in text]


@pytest.mark.parametrize("exception", [SystemExit(3), StopIteration("x"), asyncio.CancelledError(), OSError()])
@pytest.mark.parametrize("is_async", [True, False])
async def test_no_exception_of_a_tool_escapes(exception: BaseException, is_async: bool) -> None:
    async def asynchronous() -> str:
        """Raise."""
        raise exception

    def synchronous() -> str:
        """Raise."""
        raise exception

    assert error_of(await call(asynchronous if is_async else synchronous))


async def test_an_error_that_cannot_be_printed_is_still_told() -> None:
    class Unprintable(Exception):
        def __str__(self) -> str:
            raise ValueError

    def broken() -> str:
        """Break."""
        raise Unprintable

    assert "Unprintable" in error_of(await call(broken))


async def test_a_tool_that_hangs_is_stopped_and_the_seconds_are_told() -> None:
    stopped = asyncio.Event()

    async def hang() -> str:
        """Hang."""
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return ""

    assert "within 0.05 seconds" in error_of(await call(hang, timeout_s=0.05))
    await stopped.wait()


async def test_a_tool_that_swallows_its_cancellation_does_not_hold_the_caller() -> None:
    release = asyncio.Event()

    async def stubborn() -> str:
        """Refuse to stop."""
        while not release.is_set():
            try:
                await release.wait()
            except asyncio.CancelledError:
                continue
        raise RuntimeError("nobody listens any more")

    assert "0.05 seconds" in error_of(await call(stubborn, timeout_s=0.05))
    release.set()


async def test_a_sync_tool_that_hangs_does_not_hold_the_caller() -> None:
    release = threading.Event()

    @tool(timeout_s=0.05)
    def hang() -> str:
        """Hang."""
        release.wait(PATIENCE_S)
        return ""

    assert "0.05 seconds" in error_of(await call(hang))
    release.set()


async def test_sync_tools_run_beside_each_other() -> None:
    meeting = threading.Barrier(12, timeout=PATIENCE_S)

    def meet() -> str:
        """Wait for the others."""
        meeting.wait()
        return "met"

    registry = Registry([meet])
    async with tool_context() as context:
        outcomes = await asyncio.gather(*(registry.call("meet", "", context) for _ in range(12)))
    assert {outcome.content for outcome in outcomes} == {"met"}


async def test_a_cancelled_caller_stops_the_tool() -> None:
    started, stopped = asyncio.Event(), asyncio.Event()

    async def wait() -> str:
        """Wait."""
        started.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()
        return ""

    calling = asyncio.create_task(call(wait))
    await started.wait()
    calling.cancel()
    with pytest.raises(asyncio.CancelledError):
        await calling
    await stopped.wait()


class Kind(Enum):
    LARGE = "large"


@dataclass(frozen=True)
class Point:
    x: int
    day: date


class Town(pydantic.BaseModel):
    name: str


@pytest.mark.parametrize(
    ("result", "text"),
    [
        ("plain “text”", "plain “text”"),
        ({"town": "Zürich", "odd": float("nan")}, '{"town":"Zürich","odd":null}'),
        ([1, None, True], "[1,null,true]"),
        (datetime(2026, 11, 22, 12, tzinfo=UTC), '"2026-11-22T12:00:00Z"'),
        (Decimal("1.50"), '"1.50"'),
        ({"kind": Kind.LARGE, "all": {1}}, '{"kind":"large","all":[1]}'),
        (Point(1, date(2026, 11, 22)), '{"x":1,"day":"2026-11-22"}'),
        (Town(name="Oslo"), '{"name":"Oslo"}'),
        (None, "null"),
        ("half a pair: \ud83d", "half a pair: ?"),
    ],
)
async def test_results_become_compact_json(result: object, text: str) -> None:
    def give() -> object:
        """Give."""
        return result

    outcome = await call(give)
    assert outcome.ok
    assert outcome.content == text


async def test_a_result_that_is_no_json_is_an_error() -> None:
    def give() -> object:
        """Give."""
        return object()

    assert "Serialization" in error_of(await call(give))


def traced(function: Any) -> Any:
    @functools.wraps(function)
    def inner(**arguments: Any) -> Any:
        return function(**arguments)

    return inner


async def test_an_async_tool_may_stand_in_a_plain_decorator() -> None:
    @traced
    async def give(count: int) -> list[int]:
        """Give."""
        return [count]

    assert (await call(give, '{"count": 2}')).content == "[2]"


async def test_a_tool_that_yields_works_off_the_event_loop() -> None:
    def give(count: int) -> Iterator[str]:
        """Give."""
        for _ in range(count):
            yield threading.current_thread().name

    assert (await call(give, '{"count": 2}')).content == '["tool","tool"]'


async def test_a_tool_that_yields_is_held_to_its_time() -> None:
    release = threading.Event()

    @tool(timeout_s=0.05)
    def give() -> Iterator[bool]:
        """Give."""
        yield release.wait(30)

    assert "0.05 seconds" in error_of(await call(give))
    release.set()


@pytest.mark.parametrize("limit", [60, 999, 1000, 12_000])
async def test_a_long_result_is_cut_with_a_note_within_the_limit(limit: int) -> None:
    def give() -> str:
        """Give."""
        return "x" * 20_000

    outcome = await call(give, max_result_chars=limit)
    shown = outcome.content.count("x")
    assert outcome.ok
    assert len(outcome.content) <= limit
    assert outcome.content.endswith(f"[cut: {shown} of 20000 characters shown]")


async def test_a_tools_own_limits_go_before_the_defaults() -> None:
    @tool(max_result_chars=50)
    def give() -> str:
        """Give."""
        return "x" * 100

    assert len((await call(give, max_result_chars=90)).content) <= 50


async def test_the_context_is_given_and_not_in_the_schema() -> None:
    async def whoami(context: Context) -> str:
        """Say who asks."""
        return context.asker.name

    assert (await call(whoami)).content == "Ann"
    assert Registry([whoami]).schemas[0]["parameters"]["properties"] == {}


async def test_a_tool_may_do_without_a_context_elsewhere() -> None:
    def whoami(context: Context | None = None) -> str:
        """Say who asks."""
        return context.asker.name if context else "nobody"

    assert (await call(whoami)).content == "Ann"
    assert whoami() == "nobody"


def test_a_title_shows_the_arguments_to_people() -> None:
    registry = Registry([greet])
    assert registry.title("greet", '{"name": "Ann\\n Lee"}') == "Greeting Ann Lee"
    assert registry.title("greet", json.dumps({"name": "x" * 500})) == "Greeting " + "x" * 79 + "…"
    assert registry.title("greet", '{"name": "{times}"}') == "Greeting {times}"
    assert registry.title("greet", "{") == "greet"
    assert registry.title("greet", None) == "greet"
    assert registry.title("other", "{}") == "other"


class Color(Enum):
    RED = "red"


class Item(pydantic.BaseModel):
    name: str
    count: int = 1


class Size(pydantic.BaseModel):
    width: int


@pytest.mark.parametrize(
    ("arguments", "title"),
    [
        ({"thing": "door"}, "Painting door red"),
        ({"thing": ["door", "wall"]}, "Painting door, wall red"),
        ({"thing": [{"name": "pen", "count": 2}]}, "Painting pen red"),
        ({"thing": {"width": 2}}, 'Painting {"width": 2} red'),
        ({"thing": True}, "Painting true red"),
        ({"thing": "2026-01-02T03:04:05Z"}, "Painting 2026-01-02T03:04:05Z red"),
        ({"thing": None}, "Painting  red"),
    ],
)
def test_a_title_shows_no_python(arguments: dict[str, Any], title: str) -> None:
    @tool(title="Painting {thing} {color}")
    def paint(
        thing: bool | datetime | Size | list[Item] | list[str] | str | None, color: Color = Color.RED
    ) -> str:
        """Paint something."""
        return f"{thing} {color}"

    assert Registry([paint]).title("paint", json.dumps(arguments)) == title
