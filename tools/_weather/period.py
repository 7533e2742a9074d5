"""When a forecast is for, in the place's own time: `tonight`, `this weekend`, `next 3 days`, a date."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tools._clock.moment import read_moment
from tools._days import NUMBERS, read_day
from tools._framework.errors import ToolRetry

_DAYS_AHEAD = 16
_HOURS_AROUND = 3
"""How many hours are told for a time of day, which stands at their beginning."""
_LATE = 22
_MORNING = 6
_SATURDAY = 5
_PARTS = {"morning": (6, 12), "afternoon": (12, 18), "evening": (18, 24), "night": (18, 24)}
"""Hours of a day, from and until. A night is its evening, which is what people plan for."""
_PART = re.compile(r"(?:(?P<day>.+) )?(?P<part>morning|afternoon|evening|night)")
_WEEKEND = re.compile(r"(?:(?:on|at|over) )?(?:(?:this|the|coming|(?P<next>next)) )*weekend")
_NEXT = re.compile(r"(?:(?:the|for|over) )*(?:(?:next|coming) )?(?P<count>\d{1,3}|[a-z]+) (?P<unit>hour|day)s?")
_THIS_WEEK = re.compile(r"(?:(?:for|over) )?(?:this|the next|(?:the )?coming) week")
_NEXT_WEEK = re.compile(r"(?:(?:for|over) )?next week")
_IN_HOURS = re.compile(r"in (?P<count>\d{1,3}|[a-z]+) hours?")
_FROM_TO = re.compile(r"(?:from )?(?P<first>.+) (?:and|to|until|till|through) (?P<last>.+)")
_COUNTS = NUMBERS | {"few": 3}


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
    text = " ".join(re.sub("[,_]", " ", when.lower()).split())
    now = now.replace(minute=0, second=0, microsecond=0)
    readings = (_night, _several, _part, _time_of_day, _whole_day, _from_to)
    period = next((period for read in readings if (period := read(text, now))), None)
    if period is None:
        raise ToolRetry(
            f"{text[:40]!r} is not a time that can be forecast. Say today, tonight, tomorrow, friday evening, "
            f"this weekend, next 3 days, next 12 hours, or a date such as {now.date().isoformat()}."
        )
    return _ahead(period, now, text)


def _night(text: str, now: datetime) -> Period | None:
    """The evening until midnight; when that is nearly over, or past, the rest of the night."""
    if text not in ("tonight", "this evening", "this night", "overnight"):
        return None
    today, tomorrow = now.date(), now.date() + timedelta(days=1)
    if now.hour < _MORNING:
        return Period("tonight", now, _at(today, _MORNING, now))
    if now.hour >= _LATE or text == "overnight":
        return Period("tonight", max(now, _at(today, _LATE, now)), _at(tomorrow, _MORNING, now))
    return Period("tonight", *(_at(today, hour, now) for hour in _PARTS["night"]))


def _several(text: str, now: datetime) -> Period | None:
    """A weekend, a week, or a number of days or hours."""
    today = now.date()
    if weekend := _WEEKEND.fullmatch(text):
        # On Sunday, "this weekend" is the one that is ending.
        saturday = today + timedelta(days=_SATURDAY - today.weekday() + (7 if weekend["next"] else 0))
        words = f"{weekend['next'] or 'this'} weekend"
        dates = _dates(saturday, saturday + timedelta(days=1))
        return Period(f"{words} ({dates})", _at(saturday, 0, now), _at(saturday, 48, now))
    if _NEXT_WEEK.fullmatch(text):
        monday = today + timedelta(days=7 - today.weekday())
        dates = _dates(monday, monday + timedelta(days=6))
        return Period(f"next week ({dates})", _at(monday, 0, now), _at(monday, 24 * 7, now))
    if (found := _IN_HOURS.fullmatch(text)) and (count := _count(found)):
        return _from_hour(_later(now, count), now)
    if _THIS_WEEK.fullmatch(text):
        text = "next 7 days"
    if not (found := _NEXT.fullmatch(text)) or not (count := _count(found)):
        return None
    words = f"the next {count} {found['unit']}{'s' if count > 1 else ''}"
    if found["unit"] == "hour":
        return Period(words, now, _later(now, count))
    return Period(words, _at(today, 0, now), _at(today, 24 * count, now))


def _part(text: str, now: datetime) -> Period | None:
    found = _PART.fullmatch(text)
    if not found:
        return None
    day = now.date() if found["day"] in (None, "this", "today") else read_day(found["day"], now.date())
    if day is None:
        return None
    start, end = _PARTS[found["part"]]
    return Period(_words(day, now.date(), found["part"]), _at(day, start, now), _at(day, end, now))


def _whole_day(text: str, now: datetime) -> Period | None:
    if day := read_day(text, now.date()):
        return Period(_words(day, now.date()), _at(day, 0, now), _at(day, 24, now))
    return None


def _from_to(text: str, now: datetime) -> Period | None:
    """From one day until another, with both."""
    found = _FROM_TO.fullmatch(text)
    first = read_day(found["first"], now.date()) if found else None
    last = read_day(found["last"], now.date()) if found else None
    if found and first and last and last < first:
        # On a Sunday, "saturday and sunday" are six days ahead.
        last = read_day(found["last"], first)
    if not first or not last or last <= first:
        return None
    return Period(f"from {_dates(first, last)}", _at(first, 0, now), _at(last, 24, now))


def _time_of_day(text: str, now: datetime) -> Period | None:
    if not isinstance(now.tzinfo, ZoneInfo):
        return None
    try:
        moment = read_moment(text, now, now.tzinfo)
    except ToolRetry:
        return None
    return _from_hour(moment.at.replace(minute=0, second=0, microsecond=0), now)


def _from_hour(start: datetime, now: datetime) -> Period:
    end = _later(start, _HOURS_AROUND)
    return Period(f"{_words(start.date(), now.date())} from {start:%H:%M} to {end:%H:%M}", start, end)


def _count(found: re.Match[str]) -> int | None:
    return int(found["count"]) if found["count"].isdigit() else _COUNTS.get(found["count"])


def _ahead(period: Period, now: datetime, text: str) -> Period:
    """The period without its past hours, if it is within the reach of forecasts."""
    today = now.date()
    last = today + timedelta(days=_DAYS_AHEAD)
    if period.end <= now or period.days[1] > last:
        raise ToolRetry(
            f"Forecasts reach from {today.isoformat()} to {last.isoformat()}, and {text} is outside."
        )
    return Period(period.words, max(period.start, now), period.end)


def _at(day: date, hour: int, now: datetime) -> datetime:
    """An hour of `day` by the clocks of the place; 24 and more are the days after."""
    return datetime.combine(day + timedelta(days=hour // 24), time(hour % 24), now.tzinfo)


def _later(moment: datetime, hours: int) -> datetime:
    # Adding to local time would miss an hour where the clocks change.
    return (moment.astimezone(UTC) + timedelta(hours=hours)).astimezone(moment.tzinfo)


def _words(day: date, today: date, part: str = "") -> str:
    if day == today:
        return f"this {part}" if part else "today"
    if day == today + timedelta(days=1):
        return f"tomorrow {part}".rstrip()
    return f"on {day:%A} {part}".rstrip() + f", {day.day} {day:%B}"


def _dates(first: date, last: date) -> str:
    month = "" if first.month == last.month else f" {first:%B}"
    return f"{first.day}{month} to {last.day} {last:%B}"
