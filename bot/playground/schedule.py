"""Messages that wait for their time (https://docs.slack.dev/reference/methods/chat.scheduleMessage)."""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

from bot.playground.objects import Message

# The clock may jump, as when a computer slept or a test sets it, and a timer would not notice.
_LOOK_EVERY_S = 0.5


@dataclass(frozen=True, slots=True)
class Scheduled:
    """A message for later. `message.ts` is empty until it is posted."""

    id: str
    message: Message
    post_at: int
    """Seconds since 1970."""
    created: int


class Schedule:
    """Hands each message to `post` when its time has come. While none waits, nothing runs."""

    def __init__(self, clock: Callable[[], float], post: Callable[[Message], object]) -> None:
        self._clock = clock
        self._post = post
        self._waiting: dict[str, Scheduled] = {}
        self._timer: asyncio.TimerHandle | None = None

    @property
    def waiting(self) -> list[Scheduled]:
        """What is not posted yet, the next one first."""
        return sorted(self._waiting.values(), key=lambda entry: (entry.post_at, entry.created, entry.id))

    def add(self, entry: Scheduled) -> None:
        """Keep a message until its time comes. Call it in a running event loop."""
        self._waiting[entry.id] = entry
        self._set_timer()

    def remove(self, entry: Scheduled) -> None:
        """Forget a message."""
        del self._waiting[entry.id]
        self._set_timer()

    def close(self) -> None:
        """Post nothing more."""
        self._waiting.clear()
        self._set_timer()

    def _set_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        if self._waiting:
            wait_s = min(entry.post_at for entry in self._waiting.values()) - self._clock()
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(max(0.0, min(wait_s, _LOOK_EVERY_S)), self._post_due)

    def _post_due(self) -> None:
        for entry in self.waiting:
            if entry.post_at <= self._clock():
                del self._waiting[entry.id]
                self._post(entry.message)
        self._set_timer()
