"""Days as people write them: `tomorrow`, `next friday`, `in 3 weeks`, `25 December`, `2026-11-30`."""

from __future__ import annotations

import re
from datetime import date, timedelta

_WEEKDAYS = ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday")
_MONTHS = (
    "january", "february", "march", "april", "may", "june",
    "july", "august", "september", "october", "november", "december",
)  # fmt: skip
_FROM_TODAY = {
    "day before yesterday": -2, "yesterday": -1, "today": 0, "now": 0, "tomorrow": 1, "day after tomorrow": 2,
}  # fmt: skip
_NUMBERS = {"a": 1, "an": 1, "one": 1, "two": 2, "three": 3, "four": 4, "five": 5, "six": 6, "seven": 7}
_AHEAD = re.compile(r"in (?P<count>\d{1,5}|[a-z]+) (?P<unit>day|week)s?")
_AGO = re.compile(r"(?P<count>\d{1,5}|[a-z]+) (?P<unit>day|week)s? ago")
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
        return _after(today, _FROM_TODAY[words])
    return _counted(words, today) or _weekday(words, today) or _dated(words, today, latest) or _iso(words)


def in_words(day: date) -> str:
    """`Friday, 27 November 2026`."""
    return f"{day:%A}, {day.day} {day:%B} {day.year}"


def _after(day: date, days: int) -> date | None:
    try:
        return day + timedelta(days=days)
    except OverflowError:
        return None


def _counted(words: str, today: date) -> date | None:
    ahead, ago = _AHEAD.fullmatch(words), _AGO.fullmatch(words)
    if not (found := ahead or ago):
        return None
    count = int(found["count"]) if found["count"].isdigit() else _NUMBERS.get(found["count"], 0)
    days = count * (7 if found["unit"] == "week" else 1)
    return _after(today, days if ahead else -days) if count or found["count"] == "0" else None


def _weekday(words: str, today: date) -> date | None:
    found = _NAMED_WEEKDAY.fullmatch(words)
    names = [name for name in _WEEKDAYS if found and len(found["day"]) >= 3 and name.startswith(found["day"])]
    if not found or not names:
        return None
    ahead = (_WEEKDAYS.index(names[0]) - today.weekday()) % 7
    if found["which"] == "last":
        return _after(today, ahead - 7)
    return _after(today, 7 if ahead == 0 and found["which"] == "next" else ahead)


def _dated(words: str, today: date, latest: date | None) -> date | None:
    found = _DAY_FIRST.fullmatch(words) or _MONTH_FIRST.fullmatch(words)
    months = [number for number, name in enumerate(_MONTHS, 1) if found and name.startswith(found["month"])]
    if not found or len(months) != 1:
        return None
    if found["year"]:
        return _date(int(found["year"]), months[0], int(found["day"]))
    return _in_some_year(months[0], int(found["day"]), today, latest)


def _in_some_year(month: int, day: int, today: date, latest: date | None) -> date | None:
    # Eight years hold a 29 February, also around 2100.
    coming = (_date(today.year + ahead, month, day) for ahead in range(9))
    found = next((day for day in coming if day and day >= today), None)
    if found is None or latest is None or found <= latest:
        return found
    past = (_date(latest.year - back, month, day) for back in range(9))
    return next((day for day in past if day and day <= latest), None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


def _iso(words: str) -> date | None:
    try:
        return date.fromisoformat(words.upper())
    except ValueError:
        return None
