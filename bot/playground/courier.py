"""Brings events and requests to the app, again and again where it does not acknowledge."""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine, Sequence
from typing import Any, Literal, Protocol

from bot.playground.objects import JSON
from bot.playground.pulse import Pulse

Kind = Literal["events_api", "slash_commands", "interactive"]
Reason = Literal["no_connection", "timeout", "http_timeout", "http_error", "connection_failed"]
_REMEMBERED_EVENTS = 1000


class NotDelivered(Exception):
    """The app did not acknowledge. `final` is set where it asked not to be asked again."""

    def __init__(self, reason: Reason, *, final: bool = False) -> None:
        super().__init__(reason)
        self.reason: Reason = reason
        self.final = final


class Transport(Protocol):
    """A way to the app: Socket Mode, or its request URL."""

    async def exchange(
        self, kind: Kind, payload: JSON, *, attempt: int, reason: Reason | None, within_s: float
    ) -> Any:
        """Hand `payload` over and return what the app acknowledged it with. Raises NotDelivered."""


class Courier:
    """Delivers by one transport at a time.

    An event that is not acknowledged within `ack_within_s` seconds is delivered again after each of
    `retry_delays_s` (Slack: at once, after a minute, after five more). Requests that a person waits
    for, commands and buttons, are delivered once.
    """

    def __init__(
        self, transport: Transport, pulse: Pulse, *, ack_within_s: float, retry_delays_s: Sequence[float]
    ) -> None:
        self.transport = transport
        self._pulse = pulse
        self._ack_within_s = ack_within_s
        self._retry_delays_s = tuple(retry_delays_s)
        self._sent: OrderedDict[str, JSON] = OrderedDict()
        self._tasks: set[asyncio.Task[None]] = set()

    @property
    def waiting(self) -> int:
        """How many events are on their way, or wait to be acknowledged or sent again."""
        return len(self._tasks)

    def sent(self, which: Callable[[JSON], bool]) -> list[str]:
        """The ids of the latest events that fit, the oldest first."""
        return [event_id for event_id, payload in self._sent.items() if which(payload["event"])]

    def send(self, payload: JSON) -> None:
        """Send an event off."""
        self._sent[payload["event_id"]] = payload
        if len(self._sent) > _REMEMBERED_EVENTS:
            self._sent.popitem(last=False)
        self._spawn(self._deliver(payload))

    async def redeliver(self, event_id: str | None = None) -> None:
        """Deliver the given or the last event once more, as a retry. Raises LookupError, NotDelivered."""
        if not self._sent:
            raise LookupError("no event has been sent yet")
        payload = self._sent[event_id or next(reversed(self._sent))]
        await self._exchange("events_api", payload, attempt=1, reason="timeout")

    async def ask(self, kind: Kind, payload: JSON) -> Any:
        """Deliver a request and return the app's answer. Raises NotDelivered."""
        return await self._exchange(kind, payload)

    async def close(self) -> None:
        """Give up what is on its way."""
        tasks = tuple(self._tasks)
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    def _spawn(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._done)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._pulse.beat()

    async def _deliver(self, payload: JSON) -> None:
        reason: Reason | None = None
        for attempt, delay_s in enumerate((0.0, *self._retry_delays_s)):
            if delay_s:
                await asyncio.sleep(delay_s)
            try:
                await self._exchange("events_api", payload, attempt=attempt, reason=reason)
            except NotDelivered as failure:
                if failure.final or (attempt == 0 and failure.reason == "no_connection"):
                    return
                reason = failure.reason
            else:
                return

    async def _exchange(
        self, kind: Kind, payload: JSON, *, attempt: int = 0, reason: Reason | None = None
    ) -> Any:
        try:
            return await self.transport.exchange(
                kind, payload, attempt=attempt, reason=reason, within_s=self._ack_within_s
            )
        finally:
            self._pulse.beat()
