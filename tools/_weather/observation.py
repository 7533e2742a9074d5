"""The weather of a place hour by hour, whichever service it came from. Metric throughout."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Hour:
    """The weather at one time. `None` is what the service does not tell."""

    time: datetime
    """In the place's own zone."""
    temperature: float
    """Degrees Celsius."""
    code: int | None = None
    """A WMO weather code."""
    feels_like: float | None = None
    """Degrees Celsius."""
    precipitation: float | None = None
    """Millimetres until the next time that the service tells, mostly an hour later."""
    probability: float | None = None
    """Of precipitation, in percent."""
    wind: float | None = None
    """Kilometres per hour."""


@dataclass(frozen=True, slots=True)
class Origin:
    """Who says so. An empty `url` means that this is made up, to show how things work without a network."""

    name: str
    url: str = ""
    licence: str = ""

    def __str__(self) -> str:
        """The name, with the licence of its data."""
        return f"{self.name} ({self.licence})" if self.licence else self.name

    @property
    def is_sample(self) -> bool:
        """Whether nobody measured this."""
        return not self.url


@dataclass(frozen=True, slots=True)
class Weather:
    """What one service says."""

    origin: Origin
    hours: tuple[Hour, ...]
    """In order of time, at most one for each hour."""
    current: Hour | None = None
