"""When a forecast is for: `tonight`, `tomorrow`, `friday` or a date, in the place's own time."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime, time, timedelta

from tools._errors import ToolRetry

_DAYS_AHEAD = 16
_EVENING = time(18)
_LATE = 22
_MORNING = 6
_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")


@dataclass(frozen=True, slots=True)
class Period:
    """From `start` until before `end`, both in the place's own zone."""

    words: str
    start: datetime
    end: datetime

    @property
    def title(self) -> str:
        """The words as they begin a sentence."""
        return self.words[:1].upper() + self.words[1:]

    @property
    def days(self) -> tuple[date, date]:
        """The first and the last day it touches."""
        return self.start.date(), (self.end - timedelta(minutes=1)).date()


def read_period(when: str, now: datetime) -> Period:
    """What `when` means at `now`, which is in the place's own zone. What has passed of it is left out.

    Raises:
        ToolRetry: it cannot be read, is past, or is too far ahead.
    """
    text = " ".join(when.lower().replace("_", " ").split())
    this_hour = now.replace(minute=0, second=0, microsecond=0)
    if text in ("tonight", "this evening"):
        return Period("tonight", *_night(this_hour))
    day = _day(text, now.date())
    words = _words(day, now.date())
    start = this_hour if day == now.date() else datetime.combine(day, time.min, now.tzinfo)
    return Period(words, start, datetime.combine(day + timedelta(days=1), time.min, now.tzinfo))


def _night(now: datetime) -> tuple[datetime, datetime]:
    """The evening until midnight; when that is nearly over, or past, the rest of the night."""
    today, tomorrow = now.date(), now.date() + timedelta(days=1)
    if now.hour < _MORNING:
        return now, datetime.combine(today, time(_MORNING), now.tzinfo)
    if now.hour >= _LATE:
        return now, datetime.combine(tomorrow, time(_MORNING), now.tzinfo)
    return max(now, datetime.combine(today, _EVENING, now.tzinfo)), datetime.combine(
        tomorrow, time.min, now.tzinfo
    )


def _day(text: str, today: date) -> date:
    if text in ("today", "now"):
        return today
    if text == "tomorrow":
        return today + timedelta(days=1)
    weekday = text.removeprefix("on ").removeprefix("this ").removeprefix("next ")
    if weekday in _WEEKDAYS:
        return today + timedelta(days=(_WEEKDAYS.index(weekday) - today.weekday()) % 7)
    return _dated(text, today)


def _dated(text: str, today: date) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError as error:
        raise ToolRetry(
            f"{text[:40]!r} is not a time that can be forecast. Say today, tonight, tomorrow, a weekday, "
            f"or a date such as {today.isoformat()}."
        ) from error
    last = today + timedelta(days=_DAYS_AHEAD)
    if not today <= day <= last:
        raise ToolRetry(
            f"Forecasts reach from {today.isoformat()} to {last.isoformat()}, and {text} is outside."
        )
    return day


def _words(day: date, today: date) -> str:
    if day == today:
        return "today"
    if day == today + timedelta(days=1):
        return "tomorrow"
    return f"on {day:%A}, {day.day} {day:%B}"
