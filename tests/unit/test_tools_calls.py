"""What sets a tool's calls apart: approval, kept results, needed settings, coming and going, progress."""

from __future__ import annotations

import asyncio
import dataclasses
import json
import logging
import threading
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field
from typing import Annotated, Any

import pytest
from pydantic import AfterValidator
from support.tool_context import tool_context
from support.virtual_time import in_virtual_time

from tools import (
    Access,
    Asker,
    BadTool,
    Context,
    DynamicTool,
    Elicitation,
    ElicitationAnswer,
    Options,
    Outcome,
    Registry,
    ToolFailed,
    ToolRetry,
    tool,
)
from tools._framework.cache import MOST_ENTRIES

HERE = Access(user="U1", channel="C1")
ANN = Asker("U1", "Ann", "Europe/Paris")
BOB = Asker("U2", "Bob", "Europe/Oslo")


@tool(read_only=False, title="Posting to {channel}")
def post(channel: str, text: str, urgent: bool = False) -> str:
    """Post a message."""
    return f"{channel} {text} {urgent}"


@tool
def look(name: str) -> str:
    """Look something up."""
    return name


@tool(approval="always")
def peek(name: str) -> str:
    """Look at something private."""
    return name


@tool(read_only=False, approval="never")
def note(name: str) -> str:
    """Write something down for oneself."""
    return name


async def call(
    registry: Registry, name: str, arguments: str = "{}", *, approved: bool = False, **context: Any
) -> Outcome:
    async with tool_context(**context) as around:
        return await registry.call(name, arguments, around, approved=approved)


# Approval


@pytest.mark.parametrize(
    ("name", "asks"), [("post", True), ("look", False), ("peek", True), ("note", False), ("none", False)]
)
def test_a_tool_asks_if_it_writes_or_says_so(name: str, asks: bool) -> None:
    registry = Registry([post, look, peek, note])
    arguments = '{"channel": "C2", "text": "Hi"}' if name == "post" else '{"name": "x"}'
    assert registry.needs_approval(name, arguments, HERE) is asks
    assert registry.asks(name) is asks


def test_an_approval_that_means_nothing_asks() -> None:
    registry = Registry([], toolsets=[Server([made("x__one", approval="allways")])])
    assert registry.needs_approval("x__one", "{}", HERE)


def test_a_call_that_cannot_be_made_asks_nobody() -> None:
    assert not Registry([post]).needs_approval("post", '{"channel": "C2"}', HERE)
    guest = dataclasses.replace(HERE, is_guest=True)
    assert not Registry([post]).needs_approval("post", '{"channel": "C2", "text": "Hi"}', guest)


async def test_a_check_takes_what_it_wants_of_the_arguments_and_has_a_say_only_by_its_refusals() -> None:
    def check(page: int, context: Context) -> None:
        if page == 1:
            raise ToolRetry(f"{context.asker.name} may not burn the first page.")
        if page == 2:
            raise ToolFailed("The second page is gone.")
        if page == 3:
            raise ValueError("a fault of the check")

    @tool(read_only=False, check=check)
    async def burn(page: int, why: str, context: Context) -> str:
        """Burn a page.

        Args:
            page: its number.
            why: the reason.
        """
        return "ash"

    registry = Registry([burn])
    async with tool_context() as context:
        objections = [
            await registry.objection("burn", f'{{"page": {page}, "why": "cold"}}', context)
            for page in (1, 2, 3, 4)
        ]
    assert objections[0] is not None
    assert objections[0][0] == "Ann may not burn the first page."
    assert objections[1] is not None
    assert objections[1][0] == "The second page is gone."
    assert objections[2:] == [None, None]


async def test_a_check_gets_the_tools_defaults_and_may_be_a_method() -> None:
    class Pages:
        def __init__(self) -> None:
            self.lock = threading.Lock()
            self.asked: list[int] = []

        def look(self, page: int) -> None:
            self.asked.append(page)

    pages = Pages()

    @tool(read_only=False, check=pages.look)
    async def burn(page: int = 7) -> None:
        """Burn a page.

        Args:
            page: its number.
        """

    async with tool_context() as context:
        assert await Registry([burn]).objection("burn", "{}", context) is None
    assert pages.asked == [7]


def _of_others(pages: int) -> None:
    """Look."""


def _by_position(page: int, /) -> None:
    """Look."""


async def _yielding(page: int) -> AsyncIterator[int]:
    yield page


@pytest.mark.parametrize(
    ("check", "fault"),
    [
        (_of_others, "the check of burn takes pages, which burn does not"),
        (_by_position, "the check of burn is given its arguments by name"),
        (_yielding, "the check of burn yields"),
        (max, "the check of burn has no signature to be read"),
        (7, "@tool of burn: check must be callable"),
    ],
)
def test_a_check_that_can_not_be_called_is_refused_at_start(check: Any, fault: str) -> None:
    @tool(read_only=False, check=check)
    async def burn(page: int) -> None:
        """Burn a page.

        Args:
            page: its number.
        """

    with pytest.raises(BadTool, match=fault):
        Registry([burn])


async def test_a_call_without_its_approval_is_refused_and_not_made() -> None:
    registry = Registry([post])
    arguments = '{"channel": "C2", "text": "Hi"}'
    refused = await call(registry, "post", arguments)
    assert not refused.ok
    assert "needs a person's approval" in refused.content
    assert (await call(registry, "post", arguments, approved=True)).content == "C2 Hi False"


def test_a_call_is_described_with_every_argument_and_its_defaults() -> None:
    described = Registry([post]).describe_call("post", '{"channel": "C2", "text": "Hi"}')
    assert described == 'Posting to C2\nchannel: "C2"\ntext: "Hi"\nurgent: false'


def test_no_argument_can_pass_for_another_in_a_description() -> None:
    arguments = json.dumps({"channel": "C2", "text": 'Hi"\nchannel: "C3"\u202e'})
    described = Registry([post]).describe_call("post", arguments)
    assert described.count("\nchannel: ") == 1
    assert "\u202e" not in described


def test_no_name_of_an_argument_can_pass_for_another_line() -> None:
    registry = Registry([], toolsets=[Server([made("x__one")])])
    described = registry.describe_call("x__one", json.dumps({"a: 1\nb": 2}))
    assert described == 'x__one\n"a: 1\\nb": 2'


def test_what_cannot_be_described_is_shown_as_it_is() -> None:
    registry = Registry([post])
    assert registry.describe_call("post", '{"channel": ') == 'post: {"channel": '
    assert registry.describe_call("nothing", '{"channel": ') == 'nothing: {"channel": '


def test_a_call_of_a_tool_that_is_away_is_described_with_its_arguments() -> None:
    described = Registry([]).describe_call("x__one", '{"text": "Hi", "n": 1}')
    assert described == 'x__one\ntext: "Hi"\nn: 1'


class Mixed:
    def __init__(self, name: str) -> None:
        self.name = name

    def __str__(self) -> str:
        return f"mixed {self.name}"


def test_what_json_cannot_carry_is_described_in_words() -> None:
    @tool(read_only=False)
    def paint(color: Annotated[str, AfterValidator(Mixed)]) -> str:
        """Paint something."""
        return color

    assert Registry([paint]).describe_call("paint", '{"color": "red"}') == 'paint\ncolor: "mixed red"'


# Kept results


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


@dataclass
class Shop:
    """Tools that count how often they really run."""

    runs: list[str] = field(default_factory=list)
    clock: Clock = field(default_factory=Clock)

    def registry(self) -> Registry:
        @tool(cache_s=60)
        def price(item: str, context: Context, count: int = 1) -> str:
            """Say a price."""
            self.runs.append(f"{item} x {count}")
            return f"{item} for {context.asker.name}"

        @tool(cache_s=60, cache_by="everyone")
        def stock(item: str) -> str:
            """Say how many there are."""
            self.runs.append(item)
            if item == "dodo":
                raise ToolFailed("There are none left.")
            return f"{len(self.runs)} {item}"

        return Registry([price, stock], clock=self.clock)


async def test_a_kept_result_stands_in_for_an_equal_call_until_its_time_is_over() -> None:
    shop = Shop()
    registry = shop.registry()
    first = await call(registry, "price", '{"item": "pen", "count": 2}')
    again = await call(registry, "price", ' {"count":2,"item":"pen"} ')
    assert first == again
    assert shop.runs == ["pen x 2"]
    shop.clock.now += 60
    await call(registry, "price", '{"item": "pen", "count": 2}')
    assert len(shop.runs) == 2


async def test_another_asker_or_channel_gets_a_result_of_its_own() -> None:
    shop = Shop()
    registry = shop.registry()
    await call(registry, "price", '{"item": "pen"}')
    assert "Bob" in (await call(registry, "price", '{"item": "pen"}', asker=BOB)).content
    await call(registry, "price", '{"item": "pen"}', channel="C2")
    assert len(shop.runs) == 3


async def test_a_result_for_everyone_is_shared() -> None:
    shop = Shop()
    registry = shop.registry()
    outcomes = [await call(registry, "stock", '{"item": "pen"}', asker=asker) for asker in (BOB, ANN)]
    assert outcomes[0] == outcomes[1]
    assert shop.runs == ["pen"]


async def test_a_failure_is_never_kept() -> None:
    shop = Shop()
    registry = shop.registry()
    for _ in range(2):
        assert not (await call(registry, "stock", '{"item": "dodo"}')).ok
    assert shop.runs == ["dodo", "dodo"]


async def test_the_oldest_results_make_room() -> None:
    shop = Shop()
    registry = shop.registry()
    async with tool_context() as context:
        for number in range(MOST_ENTRIES + 1):
            await registry.call("stock", json.dumps({"item": str(number)}), context)
        await registry.call("stock", '{"item": "1"}', context)
        assert len(shop.runs) == MOST_ENTRIES + 1
        await registry.call("stock", '{"item": "0"}', context)
        assert len(shop.runs) == MOST_ENTRIES + 2


# Needed settings


@tool(needs=("SEARCH_URL", "SEARCH_KEY"))
def search(query: str) -> str:
    """Search."""
    return query


@pytest.mark.parametrize(
    ("config", "offered"), [({}, False), ({"SEARCH_KEY": ""}, False), ({"SEARCH_KEY": "k"}, True)]
)
def test_a_tool_is_offered_only_with_one_of_the_settings_it_needs(
    config: dict[str, str], offered: bool
) -> None:
    assert (Registry([search], config=config).names == ("search",)) is offered


# Tools that come and go


@dataclass
class Server:
    """A toolset whose tools can be changed."""

    offered: list[DynamicTool] = field(default_factory=list)

    def tools(self) -> Sequence[DynamicTool]:
        return self.offered

    async def arrival(self, name: str, *, is_worth_waiting: bool) -> str | None:
        return None


def made(name: str, **options: Any) -> DynamicTool:
    async def run(arguments: dict[str, Any], context: Context) -> object:
        return {"asked": arguments, "by": context.asker.name}

    parameters = {"type": "object", "properties": {"n": {"type": "integer"}}}
    return DynamicTool(name, f"Do {name}.", parameters, run, Options(**options), "the server x")


async def test_a_toolset_is_asked_anew_each_time() -> None:
    server = Server()
    registry = Registry([look], toolsets=[server])
    assert list(registry.names) == ["look"]
    server.offered = [made("x__two"), made("a__one")]
    assert list(registry.names) == ["a__one", "look", "x__two"]
    assert [schema["name"] for schema in registry.schemas_for(HERE)] == ["a__one", "look", "x__two"]
    assert registry.schemas[0] == {
        "name": "a__one",
        "description": "Do a__one.",
        "parameters": {"type": "object", "properties": {"n": {"type": "integer"}}},
    }
    server.offered = []
    assert "There is no tool called 'a__one'" in (await call(registry, "a__one")).content


def test_the_tools_of_a_toolset_are_read_once_until_they_change() -> None:
    server = Server([made("x__one")])
    registry = Registry([], toolsets=[server])
    (first,) = registry.tools
    assert registry.tools == (first,)
    assert registry.tools[0] is first
    server.offered = [made("x__one", title="Asking")]
    assert registry.title("x__one", "{}") == "Asking"


async def test_a_tool_made_at_run_time_is_called_like_any_other() -> None:
    server = Server([made("x__one", title="Asking x for {n}"), made("x__write", read_only=False)])
    registry = Registry([], toolsets=[server])
    assert (await call(registry, "x__one", '{"n": 1}')).content == '{"asked":{"n":1},"by":"Ann"}'
    assert registry.title("x__one", '{"n": 7}') == "Asking x for 7"
    assert registry.title("x__one", "{}") == "Asking x for {n}"
    assert "not valid JSON" in (await call(registry, "x__one", "{")).content
    assert registry.needs_approval("x__write", "{}", HERE)


def test_a_wrong_tool_of_a_toolset_is_left_out_and_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    text = dataclasses.replace(made("x__text"), parameters={"type": "string"})
    registry = Registry([look], toolsets=[Server([made("bad name"), text, made("look"), made("x"), made("x")])])
    with caplog.at_level(logging.WARNING):
        assert registry.names == ("look", "x")
        assert registry.names == ("look", "x")
    assert len(caplog.records) == 4
    assert "the server x has a tool called look, and there is one of that name" in caplog.text


def test_a_model_gets_no_more_tools_than_it_takes(caplog: pytest.LogCaptureFixture) -> None:
    others = [made(f"a__{number:03}") for number in range(200)]
    registry = Registry([look, post], toolsets=[Server(others)])
    for _ in range(2):
        offered = [schema["name"] for schema in registry.schemas_for(HERE)]
        assert offered == [*(tool.name for tool in others[:126]), "look", "post"]
    (record,) = caplog.records
    assert "at most 128 tools: some of the server x are not offered" in record.getMessage()


# Progress, keys and questions


async def test_a_tool_can_say_how_far_it_is_and_knows_a_key_for_its_call() -> None:
    said: list[str] = []

    async def work(context: Context) -> str:
        """Work."""
        context.progress("1 of 2")
        context.progress("2 of 2")
        return context.idempotency_key

    outcome = await call(Registry([work]), "work", progress=said.append, call_id="call_7")
    assert said == ["1 of 2", "2 of 2"]
    assert outcome.content == "T1:C1:1.000000:call_7"


@in_virtual_time
async def test_the_time_that_a_person_takes_is_not_the_tools() -> None:
    asked = asyncio.Event()
    answers: asyncio.Future[ElicitationAnswer] = asyncio.get_running_loop().create_future()

    async def elicit(question: Elicitation) -> ElicitationAnswer:
        asked.set()
        return await answers

    async def book(context: Context) -> str:
        """Book a table."""
        assert context.elicit is not None
        answer = await context.elicit(Elicitation("How many people?"))
        return str(answer.content)

    registry = Registry([book], timeout_s=20)
    calling = asyncio.create_task(call(registry, "book", elicit=elicit))
    await asked.wait()
    done, _ = await asyncio.wait({calling}, timeout=3600)
    assert not done
    answers.set_result(ElicitationAnswer("accept", {"people": 2}))
    assert (await calling).content == "{'people': 2}"


async def test_the_tools_own_time_goes_on_after_a_question() -> None:
    async def elicit(question: Elicitation) -> ElicitationAnswer:
        return ElicitationAnswer("decline")

    async def hang(context: Context) -> str:
        """Ask, then hang."""
        assert context.elicit is not None
        await context.elicit(Elicitation("Shall I?"))
        await asyncio.Event().wait()
        return ""

    outcome = await call(Registry([hang], timeout_s=0.05), "hang", elicit=elicit)
    assert "within 0.05 seconds" in outcome.content
