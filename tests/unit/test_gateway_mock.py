"""`mock/offline`: what it reads in a question, and what it makes of the results."""

from __future__ import annotations

import json
from collections.abc import Sequence
from datetime import date
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.gateway.chat import FunctionCall, Message, Tool, ToolCall, ToolChoice
from bot.gateway.providers.base import Finished, ModelRequest, TextDelta
from bot.gateway.providers.mock.planning import plan
from bot.gateway.providers.mock.provider import MockProvider

TOOLS = ("get_current_weather", "get_weather_forecast", "current_time", "calculate")
SUNDAY = date(2026, 11, 22)
CONTEXT = Message("user", "[context] It is Sunday, 22 November 2026, 12:03. The question comes from Ann.")


def calls(question: str, *earlier: str, tools: Sequence[str] = TOOLS) -> list[tuple[str, ...]]:
    planned = plan(question, earlier, tools, SUNDAY)
    return [(call.tool, *(value for _, value in call.arguments)) for call in planned.calls]


def now(*places: str) -> list[tuple[str, ...]]:
    return [("get_current_weather", place) for place in places]


def then(*places_and_times: str) -> list[tuple[str, ...]]:
    pairs = zip(places_and_times[::2], places_and_times[1::2], strict=True)
    return [("get_weather_forecast", place, when) for place, when in pairs]


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        (
            "What's the weather like in both Boston AND London tonight?",
            then("Boston", "tonight", "London", "tonight"),
        ),
        ("What's the weather in Paris, Rome and San Francisco, CA?", now("Paris", "Rome", "San Francisco, CA")),
        ("weather in boston, ma and tokyo", now("boston, ma", "tokyo")),
        ("Boston weather", now("Boston")),
        ("How\N{RIGHT SINGLE QUOTATION MARK}s the weather in S\xe3o Paulo, please?", now("S\xe3o Paulo")),
        ("Weather in Rio de Janeiro and Frankfurt am Main", now("Rio de Janeiro", "Frankfurt am Main")),
        ("Is it colder in Oslo than in Rome?", now("Oslo", "Rome")),
        ("Boston, New York and London: how is the weather?", now("Boston", "New York", "London")),
        ("Do I need an umbrella in Seattle, Washington tomorrow?", then("Seattle, Washington", "tomorrow")),
        ("Weather in Boston tonight and London tomorrow", then("Boston", "tonight", "London", "tomorrow")),
        ("Weather in Oslo today and tomorrow", then("Oslo", "today", "Oslo", "tomorrow")),
        ("Will it rain in Oslo on Friday?", then("Oslo", "friday")),
        ("Is it nice weather for a picnic in Rome on 25 November?", then("Rome", "2026-11-25")),
        ("Weather in Rome on January 3rd", then("Rome", "2027-01-03")),
        ("Weather in Rome on 2026-11-25", then("Rome", "2026-11-25")),
        ("Will it snow in Oslo in 3 days?", then("Oslo", "2026-11-25")),
        ("Weather in Oslo this weekend", then("Oslo", "saturday", "Oslo", "sunday")),
        ("How hot is it in Phoenix now in fahrenheit?", [("get_current_weather", "Phoenix", "fahrenheit")]),
    ],
)
def test_questions_about_the_weather(question: str, expected: list[tuple[str, ...]]) -> None:
    assert calls(question) == expected


@pytest.mark.parametrize(
    ("question", "expected"),
    [
        ("What time is it in Tokyo?", ["Tokyo"]),
        ("the time in London and Tokyo please", ["London", "Tokyo"]),
        ("What time is it?", ["here"]),
        ("What's the date today?", ["here"]),
    ],
)
def test_questions_about_the_time(question: str, expected: list[str]) -> None:
    assert calls(question) == [("current_time", place) for place in expected]


@pytest.mark.parametrize(
    ("question", "expression"),
    [
        ("what is 12.5 * (3+4)?", "12.5 * (3+4)"),
        ("15% of 80", "15 / 100 * 80"),
        ("17 plus 4", "17 + 4"),
        ("What's 3 times 4?", "3 * 4"),
        ("What's 1,000 * 3?", "1,000 * 3"),
        ("what is 7 x 8", "7 * 8"),
        ("5!", "factorial(5)"),
        ("what is the square root of 144", "sqrt(144)"),
        ("What's sqrt(16) + 2^3?", "sqrt(16) + 2^3"),
        ("convert 72 F to celsius", "(72 - 32) * 5 / 9"),
        ("what is 100 celsius in fahrenheit", "100 * 9 / 5 + 32"),
        ("10 miles in km", "10 * 1.609344"),
        ("how many km in 10 miles?", "10 * 1.609344"),
        ("convert 90 minutes to hours", "90 / 60"),
        ("2 gb in mb", "2 * 1000"),
    ],
)
def test_sums_and_conversions(question: str, expression: str) -> None:
    assert calls(question) == [("calculate", expression)]


def test_several_wishes_in_one_question_are_all_granted_at_once() -> None:
    question = "What time is it in Tokyo, the weather in Berlin tomorrow and 15% of 80?"

    assert calls(question) == [
        ("current_time", "Tokyo"),
        *then("Berlin", "tomorrow"),
        ("calculate", "15 / 100 * 80"),
    ]


@pytest.mark.parametrize(
    ("question", "earlier", "expected"),
    [
        ("and in Rome?", ["What's the weather in Boston tonight?"], then("Rome", "tonight")),
        (
            "And tomorrow?",
            ["and in Rome?", "weather in Oslo and Bern"],
            then("Oslo", "tomorrow", "Bern", "tomorrow"),
        ),
        (
            "what about Paris and Tokyo?",
            ["what time is it in Boston"],
            [("current_time", p) for p in ("Paris", "Tokyo")],
        ),
        ("and what time is it there?", ["weather in Oslo"], [("current_time", "Oslo")]),
        ("and nice work everyone", ["weather in Oslo"], []),
        ("and in Rome?", [], []),
    ],
)
def test_a_follow_up_leans_on_the_question_before(
    question: str, earlier: list[str], expected: list[tuple[str, ...]]
) -> None:
    assert calls(question, *earlier) == expected


@pytest.mark.parametrize(
    "question",
    [
        "hello there",
        "Thanks!",
        "who are you?",
        "I have a meeting at 10-12 in room 4",
        "It is due on 2026-11-25",
        "",
    ],
)
def test_other_words_call_no_tool(question: str) -> None:
    assert calls(question) == []


def test_without_a_forecast_the_weather_now_has_to_do() -> None:
    assert calls("Weather in Boston tonight?", tools=["get_current_weather"]) == now("Boston")


@settings(deadline=None)
@given(st.text(max_size=80), st.text(max_size=40))
def test_no_text_is_too_odd_to_be_planned(question: str, before: str) -> None:
    plan(question, [before], TOOLS, SUNDAY)


def test_a_flood_of_text_is_read_only_as_far_as_a_question_goes() -> None:
    assert calls("What is 1+1? " + "1" * 40_000) == calls("What is 1+1?")


async def answer(
    *messages: Message, choice: ToolChoice = "auto", tools: Sequence[str] = TOOLS
) -> tuple[str, Finished]:
    request = ModelRequest("offline", messages, tuple(Tool(name) for name in tools), choice)
    chunks = [chunk async for chunk in MockProvider().stream(request)]
    assert isinstance(chunks[-1], Finished)
    return "".join(chunk.text for chunk in chunks if isinstance(chunk, TextDelta)), chunks[-1]


def asked(words: str) -> Message:
    return Message("user", f"Ann Lee: {words}")


def called(*wanted: tuple[str, dict[str, Any]], first: int = 1) -> Message:
    made = tuple(
        ToolCall(f"call_{number}", FunctionCall(tool, json.dumps(arguments)))
        for number, (tool, arguments) in enumerate(wanted, start=first)
    )
    return Message("assistant", tool_calls=made)


def result(number: int, content: Any) -> Message:
    text = content if isinstance(content, str) else json.dumps(content)
    return Message("tool", text, tool_call_id=f"call_{number}")


async def test_two_cities_are_two_calls_of_one_turn() -> None:
    text, finished = await answer(asked("Weather in Boston and London tonight?"), CONTEXT)

    assert (text, finished.reason) == ("", "tool_calls")
    assert [json.loads(call.function.arguments or "") for call in finished.tool_calls] == [
        {"location": "Boston", "when": "tonight"},
        {"location": "London", "when": "tonight"},
    ]


async def test_results_become_an_answer_that_names_its_sources_and_what_failed() -> None:
    text, finished = await answer(
        asked("Weather in Boston, Bostn and 10 miles in km?"),
        CONTEXT,
        called(
            ("get_current_weather", {"location": "Boston"}),
            ("get_current_weather", {"location": "Bostn"}),
            ("calculate", {"expression": "10 * 1.609344"}),
        ),
        result(1, {"summary": "In Boston it is 5 °C.", "source": "Open-Meteo"}),
        result(2, {"error": "I know no Bostn. Did you mean Boston?"}),
        result(3, {"result": "16.09344", "summary": "10 * 1.609344 = 16.09344"}),
    )

    assert text.splitlines()[:5] == [
        "- In Boston it is 5 °C.",
        "- **Bostn**: that did not work. I know no Bostn. Did you mean Boston?",
        "- 10 mi = **16.0934 km**",
        "",
        "Source: Open-Meteo.",
    ]
    assert (finished.reason, finished.tool_calls) == ("stop", ())


async def test_a_result_that_is_plain_text_is_passed_on() -> None:
    text, _ = await answer(
        asked("Time in Oslo?"), called(("current_time", {"place": "Oslo"})), result(1, "Noon.")
    )

    assert text.startswith("Noon.")


@pytest.mark.parametrize("words", ["hello", "What's the weather?", "What's the weather in Oslo?"])
async def test_every_answer_ends_by_saying_that_no_model_is_configured(words: str) -> None:
    text, _ = await answer(asked(words), CONTEXT, choice="none")

    assert "No language model is configured" in text.splitlines()[-1]
    assert "`OPENAI_API_KEY`" in text.splitlines()[-1]


async def test_without_a_place_it_asks_for_one() -> None:
    text, _ = await answer(asked("What's the weather?"))

    assert text.startswith("Which place")


async def test_it_says_only_what_the_tools_on_offer_can_do() -> None:
    text, _ = await answer(asked("hello"), tools=["calculate"])

    assert "15% of 80" in text
    assert "Tokyo" not in text


async def test_call_ids_differ_from_all_before_in_the_conversation() -> None:
    before = [asked("time in Oslo?"), called(("current_time", {"place": "Oslo"})), result(1, "Noon.")]
    _, finished = await answer(*before, Message("assistant", "Noon."), asked("and in Rome?"))

    assert [call.id for call in finished.tool_calls] == ["call_2"]


async def test_the_same_question_is_answered_the_same() -> None:
    assert await answer(asked("Time in Oslo?")) == await answer(asked("Time in Oslo?"))
