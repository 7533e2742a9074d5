"""Leave a failing service alone for a while, then let one call find out whether it is back."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

_REST = timedelta(seconds=60)


@dataclass(slots=True)
class Circuit:
    """What is known of one service.

    It is asked as usual until it has failed a number of times in a row. Then nobody asks it for a minute. After
    that one call may try it: if it works, all is as before; if it fails, or never ends, another minute begins.
    """

    last_failure: Exception | None = None
    _failures: int = 0
    _resting_until: datetime | None = None

    def admits(self, now: datetime) -> bool:
        """Whether a call may ask the service. One that may tells its outcome to `worked` or `failed`."""
        if self._resting_until is None:
            return True
        if now < self._resting_until:
            return False
        # This call tries it for all others, which meanwhile find it at rest.
        self._resting_until = now + _REST
        return True

    def worked(self) -> None:
        """The service answered."""
        self.last_failure, self._failures, self._resting_until = None, 0, None

    def failed(self, failure: Exception, now: datetime, *, patience: int) -> None:
        """The service failed; `patience` is how many failures in a row it takes to leave it alone."""
        self.last_failure = failure
        self._failures += 1
        if self._failures >= patience:
            self._resting_until = now + _REST
