"""Searching the web with SearXNG, Tavily and Brave."""

from __future__ import annotations

import json
from typing import Any

import pytest
from support.patience import PATIENCE_S
from support.search_server import ENGINES, KEY, Engine, SearchServer
from support.tool_context import tool_context

from tools import Context, Registry
from tools.web import search_web


async def search(
    context: Context, query: str, *, timeout_s: float = PATIENCE_S, **arguments: int
) -> dict[str, Any]:
    registry = Registry([search_web], timeout_s=timeout_s, config=context.config)
    outcome = await registry.call("search_web", json.dumps({"query": query, **arguments}), context)
    answer: dict[str, Any] = json.loads(outcome.content)
    return answer


@pytest.mark.parametrize("engine", ENGINES)
async def test_each_engine_gives_pages_with_titles_addresses_and_words(engine: Engine) -> None:
    async with SearchServer() as engines, tool_context(engines.config(engine)) as context:
        answer = await search(context, " boston   sights ")
    more = " & so on" if engine == "Brave" else ""
    assert answer["summary"] == f"3 pages for “boston sights” ({engine})"
    assert answer["results"] == [
        {
            "title": "Boston - Wikipedia",
            "url": "https://en.wikipedia.org/wiki/Boston",
            "snippet": f"Boston is the capital of Massachusetts.{more}",
        },
        {
            "title": "Visit Boston & more",
            "url": "https://www.example.com/visit?a=1&b=2",
            "snippet": f"Trails, tea and more.{more}",
        },
        {
            "title": "City of Boston",
            "url": "https://www.example.org/",
            "snippet": f"The city's own page.{more}",
        },
    ]
    assert answer["sources"] == [{"title": hit["title"], "url": hit["url"]} for hit in answer["results"]]


async def test_each_engine_is_asked_in_its_own_way() -> None:
    async with SearchServer() as engines:
        for engine in ENGINES:
            async with tool_context(engines.config(engine)) as context:
                await search(context, "boston", count=1)
        assert engines.asked == [
            {"q": "boston", "format": "json"},
            {"query": "boston", "max_results": 1},
            {"q": "boston", "count": "1", "text_decorations": "false"},
        ]


@pytest.mark.parametrize(("count", "given"), [(-1, 1), (2, 2), (1000, 3)])
async def test_the_number_of_pages_stays_within_bounds(count: int, given: int) -> None:
    async with SearchServer() as engines, tool_context(engines.config("SearXNG")) as context:
        assert len((await search(context, "boston", count=count))["results"]) == given


async def test_an_own_searxng_goes_before_services_with_keys() -> None:
    async with SearchServer() as engines:
        config = engines.config("Brave") | engines.config("Tavily") | engines.config("SearXNG")
        async with tool_context(config) as context:
            assert (await search(context, "boston"))["summary"].endswith("(SearXNG)")


@pytest.mark.parametrize("engine", ENGINES)
async def test_the_tool_is_offered_only_when_an_engine_is_configured(engine: Engine) -> None:
    async with SearchServer() as engines:
        assert Registry([search_web], config=engines.config(engine)).names == ("search_web",)
    assert Registry([search_web], config={"TAVILY_URL": "http://127.0.0.1:9"}).names == ()


@pytest.mark.parametrize("engine", ENGINES)
async def test_finding_nothing_asks_for_other_words(engine: Engine) -> None:
    async with SearchServer(hits=()) as engines, tool_context(engines.config(engine)) as context:
        answer = await search(context, "qwxz")
    assert answer["error"] == f"{engine} finds nothing for 'qwxz'. Try fewer or other words."


@pytest.mark.parametrize("query", ["", " \n", "x" * 401])
async def test_a_query_is_a_few_words(query: str) -> None:
    async with SearchServer() as engines, tool_context(engines.config("Tavily")) as context:
        assert "Search for a few words" in (await search(context, query))["error"]
        assert engines.asked == []


@pytest.mark.parametrize("engine", ["Tavily", "Brave"])
async def test_a_wrong_key_is_for_the_operator_to_mend_and_never_shown(engine: Engine) -> None:
    async with SearchServer() as engines, tool_context(engines.config(engine, key="wr0ng-key")) as context:
        answer = await search(context, "boston")
    assert "should check its search settings" in answer["error"]
    assert "wr0ng-key" not in json.dumps(answer)


@pytest.mark.parametrize("engine", ENGINES)
@pytest.mark.parametrize(
    ("failure", "told"),
    [
        ({"status": 403}, "answered 403. Whoever runs this bot should check"),
        ({"status": 429}, "too many requests (429)"),
        ({"status": 432}, "answered 432"),
        ({"status": 500}, "answered 500"),
        ({"status": 302}, "answered 302"),
        ({"body": b"<html>"}, "not JSON"),
        ({"body": b""}, "not JSON"),
        ({"body": b"[]"}, "cannot be read"),
        ({"body": b'{"results": [{}], "web": {"results": 1}}'}, "cannot be read"),
        ({"body": b" " * 3_000_000}, "more than 2 MB"),
        ({"body": KEY.encode(), "status": 503}, "answered 503"),
    ],
    ids=str,
)
async def test_a_failure_is_told_and_ends_the_call(engine: Engine, failure: dict[str, Any], told: str) -> None:
    async with SearchServer() as engines, tool_context(engines.config(engine)) as context:
        engines.fail(**failure)
        answer = await search(context, "boston")
    assert told in answer["error"]
    assert KEY not in json.dumps(answer)


@pytest.mark.parametrize("engine", ENGINES)
async def test_an_engine_that_hangs_ends_in_the_tools_time_limit(engine: Engine) -> None:
    async with SearchServer() as engines, tool_context(engines.config(engine)) as context:
        engines.fail(hangs=True)
        answer = await search(context, "boston", timeout_s=0.1)
    assert "within 0.1 seconds" in answer["error"]
    assert KEY not in json.dumps(answer)


async def test_an_engine_that_cannot_be_reached_is_named() -> None:
    async with tool_context({"SEARXNG_URL": "http://127.0.0.1:9"}) as context:
        assert (await search(context, "x"))["error"] == "The web cannot be searched: SearXNG cannot be reached."
