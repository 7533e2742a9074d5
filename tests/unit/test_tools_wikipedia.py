"""Looking things up on Wikipedia, and everything that can go wrong there."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.patience import PATIENCE_S
from support.tool_context import tool_context
from support.wikipedia_server import WikipediaServer

from tools import Context, Registry
from tools.wikipedia import look_up_on_wikipedia


async def look_up(
    context: Context, topic: str, *, timeout_s: float = PATIENCE_S, **arguments: str
) -> dict[str, Any]:
    registry = Registry([look_up_on_wikipedia], timeout_s=timeout_s)
    outcome = await registry.call("look_up_on_wikipedia", json.dumps({"topic": topic, **arguments}), context)
    answer: dict[str, Any] = json.loads(outcome.content)
    return answer


async def test_a_topic_gives_the_beginning_of_its_article_with_its_source_and_licence() -> None:
    async with WikipediaServer() as wikipedia, tool_context(wikipedia.config) as context:
        answer = await look_up(context, "  boston ")
    assert answer == {
        "summary": "Boston: Capital of Massachusetts, US",
        "title": "Boston",
        "extract": "Boston is the capital of Massachusetts.",
        "also": ["Boston Tea Party"],
        "url": "https://en.wikipedia.org/wiki/Boston",
        "licence": "Wikipedia, CC BY-SA 4.0: name and link the page",
        "sources": [
            {"title": "Boston (Wikipedia, CC BY-SA 4.0)", "url": "https://en.wikipedia.org/wiki/Boston"}
        ],
    }


async def test_a_title_with_a_slash_is_one_title() -> None:
    async with WikipediaServer() as wikipedia, tool_context(wikipedia.config) as context:
        assert (await look_up(context, "AC/DC"))["summary"] == "AC/DC: Australian rock band"


async def test_another_language_is_asked_there() -> None:
    async with WikipediaServer() as wikipedia, tool_context(wikipedia.config) as context:
        assert (await look_up(context, "München", language="DE"))["extract"] == "München ist eine Stadt."
        assert "nothing about 'Boston'" in (await look_up(context, "Boston", language="de"))["error"]


@pytest.mark.parametrize("language", ["english", "../w", "en.evil.test/", "e", "en-", "EN US"])
async def test_a_language_that_is_none_never_becomes_a_host(language: str) -> None:
    async with WikipediaServer() as wikipedia, tool_context(wikipedia.config) as context:
        assert "is not the code of a language" in (await look_up(context, "Boston", language=language))["error"]
        assert wikipedia.agents == []


async def test_several_meanings_are_listed_for_another_try() -> None:
    async with WikipediaServer() as wikipedia, tool_context(wikipedia.config) as context:
        answer = await look_up(context, "Mercury")
    assert answer["error"] == (
        "Mercury may mean several things. Ask for one of them: "
        "Mercury (planet) (First planet from the Sun); Mercury (element)."
    )


@pytest.mark.parametrize("topic", ["", "   ", "x" * 201])
async def test_a_topic_is_a_few_words(topic: str) -> None:
    async with WikipediaServer() as wikipedia, tool_context(wikipedia.config) as context:
        assert (await look_up(context, topic))["error"] == "Name a topic in a few words."


async def test_wikipedia_is_told_whom_to_write_to() -> None:
    async with WikipediaServer() as wikipedia:
        async with tool_context(wikipedia.config | {"TOOLS_CONTACT": "ops@example.org"}) as context:
            await look_up(context, "Boston")
        assert wikipedia.agents == ["threadloop ops@example.org"] * 2


@pytest.mark.parametrize("part", ["search", "summary"])
@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ({"status": 429}, "too many requests (429)"),
        ({"status": 500}, "answered 500"),
        ({"status": 404}, "answered 404"),
        ({"body": b"<html>"}, "not JSON"),
        ({"body": b""}, "not JSON"),
        ({"body": b"{}"}, "cannot be read"),
        ({"body": b'{"pages": [{"title": 1}], "title": []}'}, "cannot be read"),
        ({"body": b"[" * 100_000}, "not JSON"),
        ({"body": b" " * 3_000_000}, "more than 2 MB"),
    ],
    ids=str,
)
async def test_a_failure_is_told_and_ends_the_call(part: str, failure: dict[str, Any], told: str) -> None:
    async with WikipediaServer() as wikipedia, tool_context(wikipedia.config) as context:
        wikipedia.fail(part, **failure)
        answer = await look_up(context, "Boston")
    assert told in answer["error"]
    assert answer["advice"].startswith("Do not repeat")


@pytest.mark.parametrize("part", ["search", "summary"])
async def test_a_wikipedia_that_hangs_ends_in_the_tools_time_limit(part: str) -> None:
    async with WikipediaServer() as wikipedia, tool_context(wikipedia.config) as context:
        wikipedia.fail(part, hangs=True)
        answer = await look_up(context, "Boston", timeout_s=0.1)
    assert "within 0.1 seconds" in answer["error"]
    assert answer["advice"].startswith("Do not repeat")


async def test_a_wikipedia_that_cannot_be_reached_may_not_exist() -> None:
    async with tool_context({"WIKIPEDIA_URL": "http://127.0.0.1:9/{language}"}) as context:
        answer = await look_up(context, "Boston", language="tlh")
    assert answer["error"] == (
        "'Boston' cannot be looked up: Wikipedia cannot be reached. Perhaps there is no Wikipedia in 'tlh'."
    )
