"""Slack and the model fail in every way they know, while three hundred questions are answered."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from support.bot_processes import running_bot
from support.chaos import QUESTIONS, Load, chance
from support.openai_server import cut, failure
from support.verdict import assert_answered_once, assert_in_order, assert_tools_ran_once

_METHODS = ("chat.postMessage", "chat.update", "conversations.replies")
# Without them there is less to see on the way, so nobody tries again.
_EXTRAS = ("assistant.threads.setStatus", "chat.startStream", "chat.appendStream", "chat.stopStream")
_FAULTS: tuple[dict[str, Any], ...] = (
    {"rate_limited_s": 1},
    {"status": 500},
    {"reset": True},
    {"lose_response": True},
)
_AT_ONCE = 10
_DISCONNECT_EVERY = 50
# About what ten questions take.
_EVENTS_BETWEEN = 100


async def test_no_fault_of_slack_loses_or_doubles_an_answer(tmp_path: Path) -> None:
    random = chance()
    async with Load.open(random) as load, running_bot(load.environment(f"sqlite:///{tmp_path}/bot.db")):
        await load.until_connected()
        while len(load.asked) < QUESTIONS:
            if _recovered(load):
                _make_trouble(load, random)
            await load.ask(_AT_ONCE)
            if len(load.asked) % _DISCONNECT_EVERY == 0:
                await load.playground.disconnect()
            await load.until_events(_EVENTS_BETWEEN)
        await load.until_answered()
    assert_answered_once(load)
    assert_in_order(load)
    assert_tools_ran_once(load)


async def test_a_fault_of_the_model_ends_in_an_answer_or_in_one_failure(tmp_path: Path) -> None:
    random = chance()
    async with Load.open(random) as load:
        troubled = random.sample(range(QUESTIONS), 60)
        cut_off, limited, broken = troubled[:20], troubled[20:40], troubled[40:]
        load.faults |= {number: [cut("It is fair in")] for number in cut_off}
        load.faults |= {number: [failure(429, headers={"Retry-After": "1"})] for number in limited}
        load.faults |= {number: [failure(500)] for number in broken}
        async with running_bot(load.environment(f"sqlite:///{tmp_path}/bot.db")):
            await load.until_connected()
            await load.ask(QUESTIONS)
            await load.until_answered()
    assert_answered_once(load, failed=cut_off)
    assert_in_order(load, failed=cut_off)
    assert_tools_ran_once(load, failed=cut_off)


def _make_trouble(load: Load, random: Random) -> None:
    # What nobody met is taken back: two faults in wait would befall the same call.
    load.playground.faults.clear()
    for method in (*_METHODS, *_EXTRAS):
        load.playground.faults.next(method, **random.choice(_FAULTS))


def _recovered(load: Load) -> bool:
    """Whether every call that met a fault, and that an answer needs, was made again with success."""
    failed = set[tuple[str, str]]()
    for call in load.playground.calls:
        if call.method in _EXTRAS:
            continue
        key = (call.method, repr(call.arguments))
        if call.outcome in ("ok", "lost"):
            failed.discard(key)
        else:
            failed.add(key)
    return not failed
