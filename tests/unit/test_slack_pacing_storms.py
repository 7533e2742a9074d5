"""Many answers at once, in virtual time, against the rates that the embedded workspace enforces."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from dataclasses import dataclass
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.virtual_time import in_virtual_time, now, run

from bot.playground.api.table import METHODS
from bot.playground.rates import Rates
from bot.slack.pacing import NoTurn, Pacer, Urgency

# After that, an answer without a stream is posted as far as there is one, and then changed as often.
DRAFT_S = 3.0


class Slack:
    """Counts calls as the embedded workspace does; each is on the way for a while, and so is its answer."""

    def __init__(self, *, seed: int = 0, slowest_s: float) -> None:
        self._rates = Rates(now)
        self._random = Random(seed)
        self._slowest_s = slowest_s
        self.calls = self.refused = 0

    def receive(self, method: str, channel: str = "") -> int:
        """The `Retry-After` of a call that arrives now, in seconds; 0 if it is answered."""
        return self._rates.wait_s(METHODS[method], channel)

    async def call(self, pacer: Pacer, method: str, channel: str, urgency: Urgency) -> None:
        """Make a call as the client does: when it is its turn, and again after a 429."""
        while True:
            turn = await pacer.turn(method, channel, urgency)
            await asyncio.sleep(self._random.uniform(0, self._slowest_s))
            wait_s = self.receive(method, channel)
            await asyncio.sleep(self._random.uniform(0, self._slowest_s))
            turn.answered()
            self.calls += 1
            if not wait_s:
                return
            self.refused += 1
            pacer.limited(method, channel, wait_s)


async def stream(slack: Slack, pacer: Pacer, channel: str, until: float) -> None:
    await slack.call(pacer, "chat.startStream", channel, "answer")
    while now() < until:
        await asyncio.sleep(pacer.append_interval_s())
        with suppress(NoTurn):
            await slack.call(pacer, "chat.appendStream", channel, "extra")
    await slack.call(pacer, "chat.stopStream", channel, "finish")
    pacer.close_stream()
    await slack.call(pacer, "chat.update", channel, "finish")


async def draft(slack: Slack, pacer: Pacer, channel: str, until: float) -> None:
    try:
        await slack.call(pacer, "chat.postMessage", channel, "extra")
        while until - now() > DRAFT_S:
            await asyncio.sleep(DRAFT_S)
            with suppress(NoTurn):
                await slack.call(pacer, "chat.update", channel, "extra")
        await asyncio.sleep(max(0.0, until - now()))
        await slack.call(pacer, "chat.update", channel, "finish")
    finally:
        pacer.close_draft()


async def post(slack: Slack, pacer: Pacer, channel: str, until: float) -> None:
    await asyncio.sleep(min(DRAFT_S, until - now()))
    if now() < until and pacer.open_draft():
        with suppress(NoTurn):
            return await draft(slack, pacer, channel, until)
    await asyncio.sleep(until - now())
    return await slack.call(pacer, "chat.postMessage", channel, "finish")


async def answer(slack: Slack, pacer: Pacer, channel: str, model_s: float) -> float:
    """Answer in Slack; how long after its model's end the answer was there, in seconds."""
    with suppress(NoTurn):
        await slack.call(pacer, "assistant.threads.setStatus", channel, "extra")
    ends = now() + model_s
    if pacer.open_stream():
        await stream(slack, pacer, channel, ends)
    else:
        await post(slack, pacer, channel, ends)
    return now() - ends


async def storm(slack: Slack, pacers: list[Pacer]) -> list[float]:
    """Answer 120 questions of one minute in 20 channels; how late each answer was, in seconds."""
    random = Random(120)

    async def one(number: int) -> float:
        await asyncio.sleep(random.uniform(0, 60))
        pacer = pacers[number % len(pacers)]
        return await answer(slack, pacer, f"C{number % 20}", random.uniform(2, 20))

    return await asyncio.gather(*(one(number) for number in range(120)))


@pytest.mark.parametrize("seed", range(3))
def test_a_hundred_and_twenty_answers_within_a_minute_are_never_refused(seed: int) -> None:
    slack = Slack(seed=seed, slowest_s=1.5)
    late_s = run(lambda: storm(slack, [Pacer(now)]))
    assert slack.refused == 0
    assert max(late_s) < 60


@pytest.mark.parametrize("seed", range(3))
def test_two_replicas_learn_of_each_other_by_few_refusals(seed: int) -> None:
    slack = Slack(seed=seed, slowest_s=0.2)
    late_s = run(lambda: storm(slack, [Pacer(now), Pacer(now)]))
    assert slack.refused <= slack.calls / 20
    assert max(late_s) < 90  # between them they may open more streams than can be stopped within a minute


@in_virtual_time
async def test_a_hundred_callers_of_a_method_that_others_use_too_make_few_calls_in_vain() -> None:
    slack, pacer = Slack(slowest_s=0.2), Pacer(now)

    async def another_process() -> None:
        for _ in range(50):
            slack.receive("chat.update")
        while True:
            await asyncio.sleep(2.4)
            slack.receive("chat.update")

    others = asyncio.create_task(another_process())
    await asyncio.sleep(0)
    await slack.call(pacer, "chat.update", "C1", "answer")
    await asyncio.gather(*(slack.call(pacer, "chat.update", "C1", "answer") for _ in range(100)))
    others.cancel()
    assert slack.refused <= 10


@dataclass(frozen=True)
class Planned:
    """A call of a generated schedule."""

    at: float
    method: str
    channel: str
    urgency: Urgency
    patience_s: float | None

    async def make(self, slack: Slack, pacer: Pacer) -> bool:
        """Whether it went as it may: answered, or left out, or given up."""
        await asyncio.sleep(self.at)
        try:
            call = slack.call(pacer, self.method, self.channel, self.urgency)
            await asyncio.wait_for(call, self.patience_s)
        except NoTurn:
            return self.urgency == "extra"
        except TimeoutError:
            return self.patience_s is not None
        return True


PLANS = st.builds(
    Planned,
    at=st.floats(0, 90),
    method=st.sampled_from(("chat.postMessage", "chat.update", "chat.stopStream", "chat.appendStream")),
    channel=st.sampled_from(("C1", "C2")),
    urgency=st.sampled_from(("finish", "answer", "extra")),
    patience_s=st.none() | st.floats(0, 30),
)


@given(st.lists(PLANS, max_size=150), st.integers(0, 9), st.floats(0, 5))
def test_whatever_is_called_when_everybody_is_served_and_nobody_refused(
    plans: list[Planned], seed: int, slowest_s: float
) -> None:
    slack = Slack(seed=seed, slowest_s=slowest_s)

    async def main() -> list[bool]:
        pacer = Pacer(now)
        return await asyncio.gather(*(plan.make(slack, pacer) for plan in plans))

    assert all(run(main))
    assert slack.refused == 0
