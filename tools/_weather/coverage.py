"""What a service knows of a period: forecasts end somewhere, and grow sparse before."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime, time, timedelta
from itertools import pairwise

from tools._weather.observation import Hour, Weather
from tools._weather.period import Period

_STEP = timedelta(hours=6)
"""The longest time between two values."""


def hours_known(weather: Weather, period: Period) -> list[Hour]:
    """The hours of a period, without a last day of which too little is known to speak for all of it.

    A time between two values has those of the earlier one.
    """
    hours = [hour for hour in weather.hours if period.start <= hour.time < period.end]
    if not hours:
        passing = (now for now, then in pairwise(weather.hours) if now.time < period.start < then.time)
        return [replace(hour, time=period.start, precipitation=None) for hour in passing]
    last = hours[-1]
    before = next((hour for hour in reversed(weather.hours) if hour.time < last.time), None)
    step = min(last.time - before.time, _STEP) if before else timedelta(hours=1)
    if known_until(hours, period) - (last.time + step) > _STEP:
        return [hour for hour in hours if hour.time.date() < last.time.date()]
    return hours


def known_until(hours: list[Hour], period: Period) -> datetime:
    """The end of the period, or of the last day of it that is known."""
    after = hours[-1].time.date() + timedelta(days=1)
    return min(period.end, datetime.combine(after, time(), period.end.tzinfo))
