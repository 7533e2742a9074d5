"""The calls that share one of Slack's rate limits, in their order."""

from __future__ import annotations

import asyncio
import math
from collections import deque
from collections.abc import Callable
from heapq import heappop, heappush, nsmallest
from itertools import count
from typing import TypeAlias

from bot.slack.tiers import Limit

Clock: TypeAlias = Callable[[], float]

# After that the answer of a call is no longer expected, or its caller does not tell.
_LONGEST_CALL_S = 10.0
_LEAST_SHARE = 0.1
_RECOVERY_PER_S = 0.1 / 60
_LONG_AGO = -math.inf


class Turn:
    """The right to make one call.

    Slack counts the call at some moment between its sending and its answer. So that ours is never the longer
    minute, it counts from its answer here.
    """

    __slots__ = ("_answered_at", "_clock", "given_at")

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._answered_at: float | None = None
        self.given_at = clock()

    def answered(self) -> None:
        """Tell it that Slack has answered, whatever the answer, or that there will be none."""
        self._answered_at = self._clock()

    def counts_from(self, now: float) -> float:
        """From when on a window has to go by; for a call under way, that is not before now."""
        if self._answered_at is not None:
            return self._answered_at
        return min(now, self.given_at + _LONGEST_CALL_S)


class Lane:
    """Gives turns, never more within the limit's window than Slack takes.

    Where Slack refuses all the same, others use the limit, too: another replica, or the process before this
    one. Then half as many turns are given, and a tenth of the limit more for each minute that passes.
    """

    def __init__(self, limit: Limit, clock: Clock) -> None:
        self._limit = limit
        self._clock = clock
        self._turns: deque[Turn] = deque()
        self._waiters: list[tuple[int, int, asyncio.Future[Turn]]] = []
        self._numbers = count()
        self._timer: asyncio.TimerHandle | None = None
        self._rests_until = self._lowered_at = _LONG_AGO
        self._lowered_to = 1.0

    async def turn(self, rank: int) -> Turn:
        """Wait for a turn: the lowest `rank` first, then who came first."""
        if self._is_open():
            return self._give()
        waiter: asyncio.Future[Turn] = asyncio.get_running_loop().create_future()
        heappush(self._waiters, (rank, next(self._numbers), waiter))
        if self._timer is None:
            self._wake()
        try:
            return await waiter
        except asyncio.CancelledError:
            if waiter.done() and not waiter.cancelled():
                self._take_back(waiter.result())
            raise

    def try_turn(self) -> Turn | None:
        """A turn, if there is one now that nobody waits for and that is not part of the reserve."""
        spare = self._is_open() and self.most - len(self._turns) >= 1 + self._limit.reserve
        return self._give() if spare else None

    def room(self) -> float:
        """How many turns can be had now without a wait."""
        if not self._is_open():
            return 0.0
        return 1.0 if self._is_careful(self._clock()) else self.most - len(self._turns)

    @property
    def most(self) -> float:
        """How many turns a window has at present."""
        return max(1.0, self._limit.calls * self._share(self._clock()))

    @property
    def window_s(self) -> float:
        """How long a turn counts, in seconds."""
        return self._limit.window_s

    @property
    def is_idle(self) -> bool:
        """Whether it knows nothing that a new lane would not know."""
        now = self._clock()
        return self._is_open() and not self._turns and self._share(now) == 1.0

    def rest(self, rest_s: float) -> None:
        """Give no turn for `rest_s` seconds, and fewer from then on: Slack has refused a call."""
        now = self._clock()
        # The calls that were under way with the first refused one say nothing more than it did.
        if now >= self._rests_until:
            self._lowered_to = max(_LEAST_SHARE, self._share(now) / 2)
            self._lowered_at = now
        self._rests_until = max(self._rests_until, now + rest_s)

    def _share(self, now: float) -> float:
        """Which part of the limit is ours, as far as it is known."""
        return min(1.0, self._lowered_to + _RECOVERY_PER_S * (now - self._lowered_at))

    def _is_careful(self, now: float) -> bool:
        """For a window after a rest, turns are given one by one: Slack may still count what others called."""
        return now < self._rests_until + self._limit.window_s

    def _is_open(self) -> bool:
        now = self._clock()
        return not self._anybody_waits() and self._opens_at(now) <= now

    def _opens_at(self, now: float) -> float:
        """When the next turn can be given."""
        turns, window_s = self._turns, self._limit.window_s
        while turns and now - turns[0].counts_from(now) >= window_s:
            turns.popleft()
        most, opens_at = self.most, self._rests_until
        if len(turns) + 1 > most:
            # Answers come in any order: the first turn is not always the first to stop counting.
            in_the_way = nsmallest(math.ceil(len(turns) + 1 - most), (turn.counts_from(now) for turn in turns))
            opens_at = max(opens_at, in_the_way[-1] + window_s)
        if turns and self._is_careful(now) and turns[-1].given_at >= self._rests_until:
            opens_at = max(opens_at, turns[-1].given_at + window_s / most)
        return opens_at

    def _anybody_waits(self) -> bool:
        while self._waiters and self._waiters[0][-1].done():
            heappop(self._waiters)
        return bool(self._waiters)

    def _wake(self) -> None:
        """Give the turns that can be given now, and come back for the next one."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        while self._anybody_waits():
            now = self._clock()
            wait_s = self._opens_at(now) - now
            if wait_s > 0:
                self._timer = asyncio.get_running_loop().call_later(wait_s, self._wake)
                return
            heappop(self._waiters)[-1].set_result(self._give())

    def _give(self) -> Turn:
        turn = Turn(self._clock)
        self._turns.append(turn)
        return turn

    def _take_back(self, turn: Turn) -> None:
        # It may have stopped counting long ago, if the loop was busy.
        if turn in self._turns:
            self._turns.remove(turn)
        self._wake()
