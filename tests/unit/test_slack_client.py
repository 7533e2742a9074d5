"""The client against the embedded workspace: every call takes its turn, whatever the workspace answers."""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from support.clock import Time

from bot.errors import SlackRateLimited
from bot.http_server import serve
from bot.playground import Playground
from bot.playground.seed import Seed
from bot.slack.calls import CallOutcome
from bot.slack.client import PacedClient, open_client, slack_errors, urgency, without_blind_retries
from bot.slack.pacing import NoTurn, Pacer
from bot.slack.tiers import limit_of


@dataclass
class Bench:
    """A workspace, a client of it, and what was seen of the client's requests."""

    playground: Playground
    client: PacedClient
    seen: list[tuple[str, CallOutcome]] = field(default_factory=list)

    def channel(self, name: str = "general") -> str:
        return next(room.id for room in self.playground.workspace.channels.values() if room.name == name)

    async def posted(self) -> str:
        answer = await self.client.chat_postMessage(channel=self.channel(), text="Hello")
        return str(answer["ts"])

    async def update(self, ts: str, text: str = "Changed") -> None:
        await self.client.chat_update(channel=self.channel(), ts=ts, text=text)

    def calls(self, method: str) -> list[dict[str, Any]]:
        return [call.arguments for call in self.playground.calls if call.method == method]


class Attentive(Pacer):
    """A pacer that tells when it has learned of a 429, and for which time passes when a test says so."""

    def __init__(self) -> None:
        self.now = 0.0
        super().__init__(lambda: self.now)
        self.learned = asyncio.Event()

    def limited(self, method: str, channel: str, retry_after_s: float) -> None:
        super().limited(method, channel, retry_after_s)
        self.learned.set()


@asynccontextmanager
async def bench(pacer: Pacer | None = None) -> AsyncIterator[Bench]:
    """Neither the workspace's time nor, as a rule, the pacer's passes: no call of a slow test is forgotten."""
    playground = Playground(Seed.default(), enforce_rates=True, clock=Time())
    seen = list[tuple[str, CallOutcome]]()
    async with (
        playground.serve() as url,
        open_client(
            playground.bot_token,
            f"{url}/api/",
            lambda method, end: seen.append((method, end)),
            pacer or Attentive(),
        ) as client,
    ):
        yield Bench(playground, client, seen)


async def use_up(pacer: Pacer, method: str, channel: str = "") -> None:
    for _ in range(int(limit_of(method).calls)):
        (await pacer.turn(method, channel)).answered()


async def test_every_way_to_call_slack_is_counted() -> None:
    async with bench() as at:
        at.playground.scopes.add("files:write")
        ts, root = await at.posted(), at.channel()
        await at.client.conversations_replies(channel=root, ts=ts)
        await at.client.reactions_add(channel=root, timestamp=ts, name="eyes")
        async for _page in await at.client.conversations_list(limit=1):
            pass
        await at.client.files_upload_v2(filename="a.txt", content="a", channel=root)
        counted = {method: lane.most - lane.room() for (method, _), lane in at.client.pacer._lanes.items()}
        made = Counter(call.method for call in at.playground.calls)
    assert made["conversations.list"] > 1
    assert counted == made | {"chat.postMessage": 1}


async def test_posts_are_counted_for_each_channel() -> None:
    async with bench() as at:
        await asyncio.gather(
            *(
                at.client.chat_postMessage(channel=at.channel(name), text=str(number))
                for name in ("general", "ops")
                for number in range(4)
            )
        )
        assert not at.client.pacer.try_turn("chat.postMessage", at.channel())
        assert at.client.pacer.try_turn("chat.postMessage", "C0ELSEWHERE") is not None
    assert {outcome for _, outcome in at.seen} == {"ok"}


async def test_a_whole_tier_at_once_is_never_refused() -> None:
    async with bench() as at:
        ts = await at.posted()
        most = int(limit_of("chat.update").calls)
        await asyncio.gather(*(at.update(ts, str(number)) for number in range(most)))
        waiting = asyncio.create_task(at.update(ts))
        await at.client.reactions_add(channel=at.channel(), timestamp=ts, name="eyes")
        assert not waiting.done()
        waiting.cancel()
        assert len(at.calls("chat.update")) == most
    others = {("chat.postMessage", "ok"): 1, ("reactions.add", "ok"): 1}
    assert Counter(at.seen) == {("chat.update", "ok"): most, **others}


async def test_a_429_pauses_its_method_alone_and_the_call_is_made_in_the_end() -> None:
    pacer = Attentive()
    async with bench(pacer) as at:
        ts = await at.posted()
        at.playground.faults.next("chat.update", rate_limited_s=1)
        update = asyncio.create_task(at.update(ts))
        await pacer.learned.wait()
        await at.client.reactions_add(channel=at.channel(), timestamp=ts, name="eyes")
        pacer.now = 0.9
        await at.client.reactions_remove(channel=at.channel(), timestamp=ts, name="eyes")
        assert not update.done()
        pacer.now = 1.0
        await update
    assert [outcome for method, outcome in at.seen if method == "chat.update"] == ["rate_limited", "ok"]


async def test_after_a_429_one_call_tries_and_the_others_wait_for_it() -> None:
    pacer = Attentive()
    async with bench(pacer) as at:
        ts = await at.posted()
        at.playground.faults.next("chat.update", rate_limited_s=1)
        first = asyncio.create_task(at.update(ts))
        await pacer.learned.wait()
        others = [asyncio.create_task(at.update(ts, str(number))) for number in range(100)]
        with urgency("finish"):
            end = asyncio.create_task(at.update(ts, "the end"))
        await asyncio.sleep(0)  # all of them wait now
        pacer.now = 1.0
        await asyncio.wait({first, end, *others}, return_when=asyncio.FIRST_COMPLETED)
        for waiting in (first, *others):
            waiting.cancel()
        assert end.done()
        assert [call["text"] for call in at.calls("chat.update")] == ["Changed", "the end"]


async def test_an_extra_call_is_left_out_at_once_where_it_would_have_to_wait() -> None:
    pacer = Pacer()
    async with bench(pacer) as at:
        ts = await at.posted()
        await use_up(pacer, "chat.update")
        with urgency("extra"), pytest.raises(NoTurn):
            await at.update(ts)
        assert at.calls("chat.update") == []


async def test_an_extra_call_that_slack_refuses_is_left_out_and_the_pacer_learns_of_it() -> None:
    async with bench() as at:
        ts = await at.posted()
        at.playground.faults.next("chat.update", rate_limited_s=30)
        with urgency("extra"), pytest.raises(NoTurn):
            await at.update(ts)
        assert at.client.pacer.try_turn("chat.update") is None
    assert ("chat.update", "rate_limited") in at.seen


async def test_what_ends_an_answer_is_sent_before_what_waited_longer() -> None:
    pacer = Attentive()
    async with bench(pacer) as at:
        ts = await at.posted()
        pacer.limited("chat.update", "", 0.2)
        usual = asyncio.create_task(at.update(ts, "usual"))
        await asyncio.sleep(0)
        pacer.now = 0.2
        with urgency("finish"):
            await at.update(ts, "the end")
        usual.cancel()
        assert [call["text"] for call in at.calls("chat.update")] == ["the end"]


async def test_after_many_429s_the_call_fails_with_its_reason() -> None:
    pacer = Pacer()
    async with bench(pacer) as at:
        at.playground.faults.next("auth.test", times=100, rate_limited_s=0)
        with pytest.raises(SlackRateLimited), slack_errors():
            await at.client.auth_test()
        assert len(at.calls("auth.test")) == 11


async def test_a_lost_answer_is_asked_for_again_but_a_post_is_not_made_twice() -> None:
    async with bench() as at:
        ts = await at.posted()
        at.playground.faults.next("chat.update", lose_response=True)
        await at.update(ts)
        assert len(at.calls("chat.update")) == 2
        at.playground.faults.next("chat.postMessage", lose_response=True)
        posting = without_blind_retries(at.client)
        with pytest.raises(aiohttp.ClientError):
            await posting.chat_postMessage(channel=at.channel(), text="once")
        assert len([call for call in at.calls("chat.postMessage") if call["text"] == "once"]) == 1


async def test_a_server_error_is_asked_again_but_not_for_a_post() -> None:
    async with bench() as at:
        ts = await at.posted()
        at.playground.faults.next("chat.update", status=503)
        await at.update(ts)
        at.playground.faults.next("chat.postMessage", status=503)
        with pytest.raises(SlackApiError):
            await without_blind_retries(at.client).chat_postMessage(channel=at.channel(), text="once")


async def test_a_client_without_blind_retries_shares_turns_and_connections_and_waits_out_a_429() -> None:
    async with bench(Pacer()) as at:
        posting = without_blind_retries(at.client)
        assert (posting.pacer, posting.session) == (at.client.pacer, at.client.session)
        at.playground.faults.next("chat.postMessage", rate_limited_s=1)
        await posting.chat_postMessage(channel=at.channel(), text="once")
        assert len(at.calls("chat.postMessage")) == 2


async def test_a_429_of_the_copy_that_bolt_makes_pauses_the_method_for_all() -> None:
    pacer = Attentive()
    async with bench(pacer) as at:
        ts = await at.posted()
        copy = AsyncWebClient(
            at.client.token,
            base_url=at.client.base_url,
            session=at.client.session,
            retry_handlers=at.client.retry_handlers.copy(),
        )
        at.playground.faults.next("chat.update", rate_limited_s=1)
        update = asyncio.create_task(copy.chat_update(channel=at.channel(), ts=ts, text="Changed"))
        await pacer.learned.wait()
        assert pacer.try_turn("chat.update") is None
        pacer.now = 1.0
        await update


async def test_a_post_that_has_left_is_waited_for_and_one_that_waits_is_not_made() -> None:
    arrived, may_answer = asyncio.Event(), asyncio.Event()
    posts: list[str] = []

    async def respond(request: Request) -> Response:
        posts.append((await request.json())["text"])
        arrived.set()
        await may_answer.wait()
        return JSONResponse({"ok": False}, 429, {"Retry-After": "30"})

    app = Starlette(routes=[Route("/api/chat.postMessage", respond, methods=["POST"])])
    pacer = Attentive()
    async with serve(app) as url, open_client("xoxb-1", f"{url}/api/", lambda *_: None, pacer) as client:
        posting = asyncio.create_task(client.chat_postMessage(channel="C1", text="Hello"))
        await arrived.wait()
        posting.cancel()
        await asyncio.wait({posting}, timeout=0.05)
        assert not posting.done()
        may_answer.set()
        await asyncio.wait({posting})
        assert posting.cancelled()
        assert posts == ["Hello"]
        # Its channel has to wait now, and who waits can be given up at once.
        other = asyncio.create_task(client.chat_postMessage(channel="C2", text="Hi"))
        await pacer.learned.wait()
        other.cancel()
        await asyncio.wait({other})
    assert posts == ["Hello", "Hi"]
