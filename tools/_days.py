"""Days as people write them: `tomorrow`, `next friday`, `in 3 weeks`, `Friday, 25 December`, `2026-11-30`."""

from __future__ import annotations

import re
from datetime import date, datetime, timedelta

from tools._calendar import add_months

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_FROM_TODAY = {
    "day before yesterday": -2, "yesterday": -1, "today": 0, "now": 0, "tomorrow": 1, "day after tomorrow": 2,
}  # fmt: skip
NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
"""Numbers in words, as far as people write them of days."""
_AHEAD = re.compile(r"in (?P<count>\d{1,5}|[a-z]+) (?P<unit>day|week|month|year)s?")
_ASIDE = re.compile(
    r"(?P<count>\d{1,5}|[a-z]+) (?P<unit>day|week|month|year)s? (?P<which>ago|from (?:now|today))"
)
_LAST_DAY = re.compile(r"(?:end|last day) of (?:the |this |(?P<next>next ))?(?P<unit>month|year)")
_NAMED_WEEKDAY = re.compile(r"(?:(?P<which>this|next|last) )?(?P<day>[a-z]+)")
_DAY_FIRST = re.compile(r"(?P<day>\d{1,2})(?:st|nd|rd|th)?(?: of)? (?P<month>[a-z]{3,9})(?: (?P<year>\d{4}))?")
_MONTH_FIRST = re.compile(r"(?P<month>[a-z]{3,9}) (?P<day>\d{1,2})(?:st|nd|rd|th)?(?: (?P<year>\d{4}))?")


def read_day(text: str, today: date, latest: date | None = None) -> date | None:
    """The day that `text` means to somebody for whom it is `today`; `None` if it means none.

    A weekday is the coming one, and today's own only without `next`. A date without a year is the next one, or
    if that is after `latest`, the last one until then.
    """
    words = " ".join(re.sub(r"[,._]", " ", text.lower()).split())
    words = re.sub(r"^(?:on )?(?:the )?", "", words)
    if words in _FROM_TODAY:
        return _moved(today, _FROM_TODAY[words])
    return (
        _counted(words, today)
        or _last_of(words, today)
        or _weekday(words, today)
        or _dated(words, today, latest)
    )


def in_words(day: date) -> str:
    """`Friday, 27 November 2026`."""
    return f"{day:%A}, {day.day} {day:%B} {day.year}"


def _moved(day: date | None, count: int, unit: str = "day") -> date | None:
    try:
        if day and unit in ("month", "year"):
            return add_months(day, count * (12 if unit == "year" else 1))
        return day and day + timedelta(days=count * (7 if unit == "week" else 1))
    except OverflowError:
        return None


def _counted(words: str, today: date) -> date | None:
    if not (found := _AHEAD.fullmatch(words) or _ASIDE.fullmatch(words)):
        return None
    count = int(found["count"]) if found["count"].isdigit() else NUMBERS.get(found["count"])
    if count is None:
        return None
    return _moved(today, -count if found.groupdict().get("which") == "ago" else count, found["unit"])


def _last_of(words: str, today: date) -> date | None:
    if not (found := _LAST_DAY.fullmatch(words)):
        return None
    start = today.replace(day=1) if found["unit"] == "month" else today.replace(month=1, day=1)
    return _moved(_moved(start, 2 if found["next"] else 1, found["unit"]), -1)


def _weekday(words: str, today: date) -> date | None:
    found = _NAMED_WEEKDAY.fullmatch(words)
    weekday = _weekday_called(found["day"]) if found else None
    if not found or weekday is None:
        return None
    ahead = (weekday - today.weekday()) % 7
    if found["which"] == "last":
        return _moved(today, ahead - 7)
    return _moved(today, 7 if ahead == 0 and found["which"] == "next" else ahead)


def _weekday_called(name: str) -> int | None:
    name = "wed" if name == "weds" else name
    return next((day for day, full in enumerate(_WEEKDAYS) if len(name) >= 3 and full.startswith(name)), None)


def _dated(words: str, today: date, latest: date | None) -> date | None:
    """A date, of which a weekday before it must be right."""
    name, _, rest = words.partition(" ")
    weekday = _weekday_called(name)
    if rest and weekday is not None:
        words = rest.removeprefix("the ")
    readings = [_iso(words), *_calendar_days(words, today, latest)]
    return next((day for day in readings if day and (weekday is None or day.weekday() == weekday)), None)


def _calendar_days(words: str, today: date, latest: date | None) -> list[date | None]:
    """What a day and month can mean, the likeliest first."""
    found = _DAY_FIRST.fullmatch(words) or _MONTH_FIRST.fullmatch(words)
    months = [number for number, name in enumerate(_MONTHS, 1) if found and name.startswith(found["month"])]
    if not found or len(months) != 1:
        return []
    month, day = months[0], int(found["day"])
    if found["year"]:
        return [_date(int(found["year"]), month, day)]
    # Eight years hold a 29 February, also around 2100.
    in_years = [_date(today.year + ahead, month, day) for ahead in range(9)]
    coming = next((found for found in in_years if found and found >= today), None)
    until = latest or today
    in_years = [_date(until.year - back, month, day) for back in range(9)]
    past = next((found for found in in_years if found and found <= until), None)
    return [past] if coming and latest and coming > latest else [coming, past]


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _iso(words: str) -> date | None:
    try:
        written = datetime.fromisoformat(words.upper())
    except ValueError:
        return None
    # With an offset it is another day elsewhere.
    return None if written.tzinfo else written.date()
