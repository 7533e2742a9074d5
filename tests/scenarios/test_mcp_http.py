"""MCP servers over HTTP: keys, sessions, and several people at once."""

from __future__ import annotations

import asyncio
from pathlib import Path

from support.mcp_http import PenShop
from support.mcp_servers import call, detail, names, running, starting, state, until
from support.patience import PATIENCE_S
from support.tool_context import ANN

from tools import Asker, Elicitation, ElicitationAnswer
from tools._mcp import Timing

BOB = Asker("U2", "Bob", "Europe/Berlin")


async def test_a_key_goes_with_every_request_and_the_session_is_ended_politely(tmp_path: Path) -> None:
    async with PenShop() as shop, running(tmp_path, {"pens": shop.entry()}) as servers:
        assert names(servers) == ["pens__order"]
        outcome = await call(servers, "pens__order", {"kind": "quill"})
        assert outcome.content == "nothing"
    assert shop.ended == 1


async def test_a_wrong_key_is_named_as_the_reason(tmp_path: Path) -> None:
    async with PenShop() as shop, running(tmp_path, {"pens": shop.entry("wrong")}) as servers:
        assert state(servers, "pens") == "down"
        assert "it last said: HTTP 401 Unauthorized" in detail(servers, "pens")


async def test_questions_of_one_server_at_once_reach_each_its_own_person(tmp_path: Path) -> None:
    asked: dict[str, str] = {}
    both_asked = asyncio.Event()

    async def order(asker: Asker, kind: str) -> str:
        async def elicit(question: Elicitation) -> ElicitationAnswer:
            asked[asker.name] = question.message
            if len(asked) == 2:
                both_asked.set()
            await both_asked.wait()
            return ElicitationAnswer("accept", {"size": f"{asker.name}'s"})

        outcome = await call(servers, "pens__order", {"kind": kind}, asker=asker, elicit=elicit)
        return outcome.content

    async with (
        PenShop() as shop,
        running(tmp_path, {"pens": shop.entry()}) as servers,
        asyncio.timeout(PATIENCE_S),
    ):
        ordered = [*await asyncio.gather(order(ANN, "quill"), order(BOB, "biro"))]
    assert ordered == ["quill, Ann's", "biro, Bob's"]
    assert asked == {"Ann": "pens asks: Which size of quill?", "Bob": "pens asks: Which size of biro?"}


async def test_a_session_that_the_server_forgot_is_begun_anew(tmp_path: Path) -> None:
    async with PenShop() as shop, running(tmp_path, {"pens": shop.entry()}) as servers:
        shop.forget()
        lost = await call(servers, "pens__order", {"kind": "quill"})
        assert not lost.ok
        await until(servers, lambda: state(servers, "pens") == "down")
        await until(servers, lambda: state(servers, "pens") == "up")
        assert (await call(servers, "pens__order", {"kind": "quill"})).ok


async def test_an_idle_servers_absence_is_noticed(tmp_path: Path) -> None:
    async with (
        PenShop() as shop,
        running(tmp_path, {"pens": shop.entry()}, timing=Timing(check_s=0.1)) as servers,
    ):
        shop.forget()
        await until(servers, lambda: state(servers, "pens") == "down")
        await until(servers, lambda: state(servers, "pens") == "up")


async def test_a_server_that_answers_no_request_delays_no_stop(tmp_path: Path) -> None:
    async with PenShop() as shop, asyncio.timeout(PATIENCE_S):
        shop.hangs = True
        async with starting(tmp_path, {"pens": shop.entry()}) as servers:
            await shop.was_asked.wait()
            assert state(servers, "pens") == "connecting"
