"""The pacer's rules, in virtual time."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable
from dataclasses import dataclass, field
from itertools import pairwise

import pytest
from support.virtual_time import in_virtual_time, now

from bot.slack.lane import Turn
from bot.slack.pacing import NoTurn, Pacer, Urgency
from bot.slack.tiers import limit_of

UPDATES = int(limit_of("chat.update").calls)


async def use_up(pacer: Pacer, method: str, channel: str = "") -> None:
    for _ in range(int(limit_of(method).calls)):
        (await pacer.turn(method, channel)).answered()


@dataclass
class Served:
    """Notes who gets a turn, and when."""

    order: list[str] = field(default_factory=list)
    at: list[float] = field(default_factory=list)

    async def note(self, name: str, turn: Awaitable[Turn]) -> None:
        (await turn).answered()
        self.order.append(name)
        self.at.append(now())


# turns


@in_virtual_time
async def test_a_background_call_waits_rather_than_take_what_an_answer_may_need() -> None:
    pacer = Pacer(now)
    limit = limit_of("conversations.replies")
    for _ in range(int(limit.calls - limit.reserve)):
        (await pacer.turn("conversations.replies", urgency="background")).answered()
    assert now() == 0.0
    await asyncio.sleep(1)
    waiting = asyncio.create_task(pacer.turn("conversations.replies", urgency="background"))
    for _ in range(int(limit.reserve)):
        (await pacer.turn("conversations.replies")).answered()
    assert now() == 1.0
    await waiting
    assert now() >= 60


@in_virtual_time
async def test_a_tier_is_given_at_once_and_then_again_a_minute_later() -> None:
    pacer = Pacer(now)
    await use_up(pacer, "chat.update")
    assert now() == 0.0
    await pacer.turn("chat.update")
    assert now() == pytest.approx(60)


@in_virtual_time
async def test_a_call_counts_from_its_answer() -> None:
    pacer = Pacer(now)
    turns = [await pacer.turn("chat.update") for _ in range(UPDATES)]
    await asyncio.sleep(7)
    for turn in turns:
        turn.answered()
    await pacer.turn("chat.update")
    assert now() == pytest.approx(67)


@in_virtual_time
async def test_a_call_counts_while_it_is_under_way_but_not_for_ever() -> None:
    pacer = Pacer(now)
    for _ in range(int(limit_of("chat.postMessage").calls)):
        await pacer.turn("chat.postMessage", "C1")
    await pacer.turn("chat.postMessage", "C1")
    assert now() == pytest.approx(15)


@in_virtual_time
async def test_a_slow_answer_holds_up_nobody_but_one() -> None:
    pacer, served = Pacer(now), Served()
    slow, *others = [await pacer.turn("chat.update") for _ in range(UPDATES)]
    for turn in others:
        turn.answered()
    await asyncio.sleep(9)
    slow.answered()
    await asyncio.gather(*(served.note("", pacer.turn("chat.update")) for _ in range(UPDATES)))
    assert served.at == [pytest.approx(60)] * (UPDATES - 1) + [pytest.approx(69)]


@in_virtual_time
async def test_posts_of_one_channel_leave_the_others_alone() -> None:
    pacer = Pacer(now)
    await use_up(pacer, "chat.postMessage", "C1")
    await pacer.turn("chat.postMessage", "C2")
    assert now() == 0.0
    await pacer.turn("chat.postMessage", "C1")
    assert now() == pytest.approx(5)


@in_virtual_time
async def test_what_is_not_paced_never_waits() -> None:
    pacer = Pacer(now)
    for _ in range(1_000):
        await pacer.turn("auth.test")
    assert now() == 0.0


@in_virtual_time
async def test_what_ends_an_answer_goes_first_and_then_who_came_first() -> None:
    pacer, served = Pacer(now), Served()
    await use_up(pacer, "chat.update")
    who: list[tuple[str, Urgency]] = [
        ("one", "answer"), ("two", "answer"), ("end one", "finish"), ("three", "answer"), ("end two", "finish"),
    ]  # fmt: skip
    await asyncio.gather(*(served.note(name, pacer.turn("chat.update", "", urgency)) for name, urgency in who))
    assert served.order == ["end one", "end two", "one", "two", "three"]


@in_virtual_time
async def test_nobody_overtakes_those_who_wait() -> None:
    clock, served = [0.0], Served()
    pacer = Pacer(lambda: clock[0])
    await use_up(pacer, "chat.postMessage", "C1")
    first = asyncio.create_task(served.note("first", pacer.turn("chat.postMessage", "C1")))
    await asyncio.sleep(0)
    clock[0] = 5.0  # there is room now, but the first has not been woken yet
    assert pacer.try_turn("chat.postMessage", "C1") is None
    second = asyncio.create_task(served.note("second", pacer.turn("chat.postMessage", "C1")))
    await asyncio.gather(first, second)
    assert served.order == ["first", "second"]


def test_a_turn_that_need_not_wait_does_not_yield_to_the_loop_and_takes_microseconds() -> None:
    pacer = Pacer(lambda: 0.0)

    def spend(rounds: int) -> None:
        for number in range(rounds):
            with pytest.raises(StopIteration):
                pacer.turn("auth.test", str(number)).send(None)

    # Processor time: time on the wall would measure the machine's other work.
    began = time.thread_time()
    spend(1_000)
    assert time.thread_time() - began < 1.0


# what may be left out


@in_virtual_time
async def test_an_extra_call_leaves_a_reserve_for_what_is_needed() -> None:
    pacer = Pacer(now)
    extras = sum(pacer.try_turn("chat.update") is not None for _ in range(UPDATES))
    with pytest.raises(NoTurn, match="left out"):
        await pacer.turn("chat.update", urgency="extra")
    for _ in range(UPDATES - extras):
        await pacer.turn("chat.update")
    assert now() == 0.0
    assert UPDATES / 2 < extras < UPDATES


# refusals


@in_virtual_time
async def test_a_limited_method_rests_and_the_others_go_on() -> None:
    pacer = Pacer(now)
    pacer.limited("chat.update", "C1", 30)
    await pacer.turn("chat.delete")
    await pacer.turn("chat.postMessage", "C1")
    assert now() == 0.0
    assert not pacer.try_turn("chat.update")
    await pacer.turn("chat.update", "C2")
    assert now() == pytest.approx(30)


@in_virtual_time
async def test_a_post_that_is_limited_rests_in_its_channel_alone() -> None:
    pacer = Pacer(now)
    pacer.limited("chat.postMessage", "C1", 30)
    await pacer.turn("chat.postMessage", "C2")
    assert now() == 0.0
    await pacer.turn("chat.postMessage", "C1")
    assert now() == pytest.approx(30)


@in_virtual_time
async def test_even_what_is_not_paced_rests_when_slack_says_so() -> None:
    pacer = Pacer(now)
    pacer.limited("auth.test", "", 12)
    await pacer.turn("auth.test")
    assert now() == pytest.approx(12)


@in_virtual_time
async def test_those_who_wait_for_a_limited_method_come_one_by_one() -> None:
    pacer, served = Pacer(now), Served()
    pacer.limited("chat.update", "", 10)
    await asyncio.gather(*(served.note("", pacer.turn("chat.update")) for _ in range(10)))
    assert served.at[0] == pytest.approx(10)
    assert min(later - earlier for earlier, later in pairwise(served.at)) > 2


@in_virtual_time
async def test_another_429_lets_those_who_wait_rest_longer() -> None:
    pacer = Pacer(now)
    pacer.limited("chat.update", "", 10)
    waiting = asyncio.create_task(pacer.turn("chat.update"))
    await asyncio.sleep(5)
    pacer.limited("chat.update", "", 10)
    await waiting
    assert now() == pytest.approx(15)


@in_virtual_time
async def test_a_limited_method_gets_half_of_its_tier_and_slowly_all_of_it_again() -> None:
    async def in_a_burst() -> int:
        used, began = 0, now()
        while now() == began:
            await pacer.turn("chat.update")
            used += 1
        return used - 1

    pacer = Pacer(now)
    for _ in range(10):
        pacer.limited("chat.update", "", 1)  # ten calls were under way: one lesson, not ten
    await asyncio.sleep(62)
    soon = await in_a_burst()
    await asyncio.sleep(600)
    assert UPDATES / 2 < soon < UPDATES * 0.7
    assert await in_a_burst() == UPDATES


# cancelling


@in_virtual_time
async def test_one_who_gives_up_leaves_the_turn_to_the_next() -> None:
    pacer, served = Pacer(now), Served()
    await use_up(pacer, "chat.postMessage", "C1")
    waiting = [
        asyncio.create_task(served.note(name, pacer.turn("chat.postMessage", "C1", "finish")))
        for name in ("a", "b", "c", "d", "e", "f")
    ]
    await asyncio.sleep(1)
    waiting[0].cancel()
    waiting[3].cancel()
    await asyncio.gather(*waiting, return_exceptions=True)
    assert served.order == ["b", "c", "e", "f"]
    assert now() == pytest.approx(5)


@in_virtual_time
async def test_one_who_gives_up_at_the_last_moment_gives_the_turn_back() -> None:
    pacer, served = Pacer(now), Served()
    await use_up(pacer, "chat.postMessage", "C1")
    waiting = [
        asyncio.create_task(served.note(str(number), pacer.turn("chat.postMessage", "C1")))
        for number in range(5)
    ]
    await asyncio.sleep(0)
    # Called in the very round of the loop in which the turns are given, but before anybody has seen that.
    asyncio.get_running_loop().call_at(5.0, lambda: waiting[0].cancel())
    await asyncio.gather(*waiting, return_exceptions=True)
    assert served.order == ["1", "2", "3", "4"]
    assert now() == pytest.approx(5)


@in_virtual_time
async def test_when_all_give_up_an_extra_call_may_be_made_again() -> None:
    pacer = Pacer(now)
    pacer.limited("chat.update", "", 10)
    waiting = asyncio.create_task(pacer.turn("chat.update"))
    await asyncio.sleep(1)
    waiting.cancel()
    await asyncio.sleep(10)
    assert pacer.try_turn("chat.update")


# memory


def test_a_channel_that_is_no_longer_used_is_forgotten() -> None:
    clock = [0.0]
    pacer = Pacer(lambda: clock[0])
    for number in range(5_000):
        assert pacer.try_turn("chat.postMessage", f"D{number}")
        clock[0] += 0.1
    assert len(pacer._lanes) <= 1_000
