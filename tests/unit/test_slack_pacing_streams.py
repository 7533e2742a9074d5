"""How live streams share what Slack allows, in virtual time."""

from __future__ import annotations

import asyncio

import pytest
from support.virtual_time import in_virtual_time, now

from bot.slack.pacing import Pacer
from bot.slack.tiers import limit_of

STREAMS = int(limit_of("chat.stopStream").calls) - 1
UPDATES = int(limit_of("chat.update").calls)


@in_virtual_time
async def test_so_many_streams_are_opened_that_all_can_be_stopped_at_once() -> None:
    pacer = Pacer(now)
    assert [pacer.open_stream() for _ in range(STREAMS + 1)] == [True] * STREAMS + [False]
    for _ in range(STREAMS):
        (await pacer.turn("chat.startStream")).answered()
        (await pacer.turn("chat.stopStream", urgency="finish")).answered()
        pacer.close_stream()
    assert now() == 0.0
    assert not pacer.open_stream()
    await asyncio.sleep(60)
    assert pacer.open_stream()


@in_virtual_time
async def test_a_stream_that_could_not_be_started_makes_room_for_another() -> None:
    pacer = Pacer(now)
    assert all(pacer.open_stream() for _ in range(STREAMS))
    pacer.close_stream()
    assert pacer.open_stream()


@in_virtual_time
async def test_so_many_drafts_are_opened_that_all_can_be_changed_twice_at_once() -> None:
    pacer, drafts = Pacer(now), UPDATES // 2
    assert [pacer.open_draft() for _ in range(drafts + 1)] == [True] * drafts + [False]
    for _ in range(2 * drafts):
        (await pacer.turn("chat.update", urgency="finish")).answered()
    for _ in range(drafts):
        pacer.close_draft()
    assert now() == 0.0
    assert not pacer.open_draft()
    await asyncio.sleep(60)
    assert pacer.open_draft()


@in_virtual_time
async def test_streams_and_drafts_share_the_changes_at_their_ends() -> None:
    pacer = Pacer(now)
    assert all(pacer.open_stream() for _ in range(STREAMS))
    drafts = UPDATES // 2 - STREAMS
    assert [pacer.open_draft() for _ in range(drafts + 1)] == [True] * drafts + [False]
    for _ in range(STREAMS):
        pacer.close_stream()
    for _ in range(UPDATES - drafts):
        await pacer.turn("chat.update")
    assert not pacer.open_stream()
    pacer.close_draft()
    assert pacer.open_stream()


@pytest.mark.parametrize("method", ["chat.startStream", "chat.stopStream", "chat.update"])
def test_no_stream_is_opened_while_its_start_or_its_stop_rests(method: str) -> None:
    pacer = Pacer(lambda: 0.0)
    pacer.limited(method, "", 10)
    assert not pacer.open_stream()


@in_virtual_time
async def test_live_streams_share_the_appends_of_a_minute() -> None:
    pacer, refused = Pacer(now), 0

    async def stream(number: int) -> int:
        nonlocal refused
        appends = 0
        await asyncio.sleep(number * 0.1)
        while now() < 60:
            await asyncio.sleep(pacer.append_interval_s())
            if turn := pacer.try_turn("chat.appendStream"):
                turn.answered()
                appends += 1
            else:
                refused += 1
        return appends

    for _ in range(10):
        assert pacer.open_stream()
    shares = await asyncio.gather(*(stream(number) for number in range(10)))
    assert max(shares) - min(shares) <= 1
    assert 70 <= sum(shares) <= 100
    assert refused <= sum(shares) / 5


@in_virtual_time
async def test_a_stream_alone_appends_twice_a_second_at_most_and_never_runs_dry() -> None:
    pacer, gaps = Pacer(now), [0.0]
    assert pacer.append_interval_s() == pytest.approx(0.5)
    pacer.open_stream()
    while now() < 240:
        began = now()
        await asyncio.sleep(pacer.append_interval_s())
        turn = pacer.try_turn("chat.appendStream")
        assert turn
        turn.answered()
        gaps.append(now() - began)
    assert max(gaps) < 1.5
