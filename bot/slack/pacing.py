"""Slack's rate limits, shared fairly by all answers of a workspace."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Literal

from bot.slack.lane import Clock, Lane, Turn
from bot.slack.tiers import Limit, limit_of

Urgency = Literal["finish", "answer", "background", "extra"]
"""What ends an answer | anything else that it needs | what can wait for all of them | what may be left out."""

_RANKS: Mapping[Urgency, int] = MappingProxyType({"finish": 0, "answer": 1})

# Kept free of streams: a stop, or a start, that has to be called once more.
_STREAM_RESERVE = 1
# One for the end of a draft, and as many for what changes on its way and for streams that are opened later.
_CHANGES_FOR_EACH = 2
_LEAST_INTERVAL_S = 0.5
# In how many seconds the streams would use up what is left of the appends. Far shorter, and the first streams
# of a busy minute would leave nothing for the later ones; far longer, and short answers would hardly stream.
_APPENDS_LAST_S = 20.0
_MOST_LANES = 1_000
_BACKGROUND_LOOKS_EVERY_S = 1.0


class NoTurn(Exception):
    """An extra call was left out: the rate limit is needed for others."""


class Pacer:
    """Gives every call of a workspace its turn. One for each workspace and process.

    Replicas don't talk with each other about it: Slack's refusals teach each of them what is left for it.

    Args:
        clock: seconds that never run backwards.
        limits: how often a method may be called; for a workspace that takes any load, `unlimited`.
    """

    def __init__(self, clock: Clock = time.monotonic, limits: Callable[[str], Limit] = limit_of) -> None:
        self._clock = clock
        self._limit_of = limits
        self._lanes: dict[tuple[str, str], Lane] = {}
        self._open_streams = self._open_drafts = 0

    async def turn(self, method: str, channel: str = "", urgency: Urgency = "answer") -> Turn:
        """Wait until `method` may be called, and count the call. The most urgent first, then who came first.

        A "background" call comes after all of them, and leaves the reserve to them.

        Tell the turn when the call is answered; until then it counts as under way, up to some seconds.

        Raises:
            NoTurn: `urgency` is "extra", and the call would have to wait, or would take from the reserve.
        """
        if urgency in _RANKS:
            return await self._lane(method, channel).turn(_RANKS[urgency])
        # The lane tells nobody when there is more than its reserve again.
        while (turn := self.try_turn(method, channel)) is None and urgency == "background":  # noqa: ASYNC110
            await asyncio.sleep(_BACKGROUND_LOOKS_EVERY_S)
        if turn:
            return turn
        raise NoTurn(f"{method} is left out: its rate limit is needed for others.")

    def try_turn(self, method: str, channel: str = "") -> Turn | None:
        """The turn of a call that may be made now without taking from the reserve, if there is one."""
        return self._lane(method, channel).try_turn()

    def limited(self, method: str, channel: str, retry_after_s: float) -> None:
        """Slack answered 429: let the method rest, and call it less often. If it posts: in that channel."""
        self._lane(method, channel).rest(retry_after_s)

    def open_stream(self) -> bool:
        """Whether a stream can be started and, at any time, be ended without a wait; if so, it is counted.

        Every stream started within a minute is still open, or was stopped since: so there is room for the
        starts as long as there is room to stop all that are open. Each is written out when it has stopped.
        """
        to_stop = self._open_streams + 1
        if to_stop + _STREAM_RESERVE > self._lane("chat.stopStream").room():
            return False
        if to_stop + self._open_drafts > self._lane("chat.update").room():
            return False
        if self._lane("chat.startStream").room() < 1:
            return False
        self._open_streams = to_stop
        return True

    def close_stream(self) -> None:
        """A stream that was counted has been stopped, has run out, or could not be started."""
        self._open_streams -= 1

    def open_draft(self) -> bool:
        """Whether what there is of an answer can be posted and, at its end, be changed without a wait.

        If so, it is counted. An answer that is not shown before its end needs no change at all.
        """
        to_change = self._open_streams + self._open_drafts + 1
        if _CHANGES_FOR_EACH * to_change > self._lane("chat.update").room():
            return False
        self._open_drafts += 1
        return True

    def close_draft(self) -> None:
        """A draft that was counted has been changed for the last time, or could not be posted."""
        self._open_drafts -= 1

    def append_interval_s(self) -> float:
        """How long a stream waits between appends, in seconds: the same for all, longer the more is used up."""
        appends, streams = self._lane("chat.appendStream"), max(1, self._open_streams)
        even_s = streams * appends.window_s / appends.most
        wait_s = streams * _APPENDS_LAST_S / max(1.0, appends.room())
        return max(_LEAST_INTERVAL_S, min(wait_s, 2 * even_s))

    def _lane(self, method: str, channel: str = "") -> Lane:
        limit = self._limit_of(method)
        key = method, channel if limit.per_channel else ""
        if key not in self._lanes:
            if len(self._lanes) >= _MOST_LANES:
                self._lanes = {other: lane for other, lane in self._lanes.items() if not lane.is_idle}
            self._lanes[key] = Lane(limit, self._clock)
        return self._lanes[key]
