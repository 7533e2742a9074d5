"""Times that a forecast can be for: "tonight", "tomorrow", "on Friday", "25 November", "in 3 days"."""

from __future__ import annotations

import re
from datetime import date, timedelta

NOW = "now"
"""Stands for the present, which is not a forecast."""

_WEEKDAYS = "monday|tuesday|wednesday|thursday|friday|saturday|sunday"
_MONTHS = (
    "jan(?:uary)?|feb(?:ruary)?|mar(?:ch)?|apr(?:il)?|may|june?|july?|aug(?:ust)?|sep(?:t(?:ember)?)?|oct(?:ober)?"
    "|nov(?:ember)?|dec(?:ember)?"
)
_MONTH_NUMBERS = {
    month: number
    for number, month in enumerate(
        ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"), start=1
    )
}
_WHEN = re.compile(
    rf"""(?:\b(?:on|for|by)\s+(?:the\s+)?)?(?:
      \b(?P<now>right\s+now|now|currently|at\s+the\s+moment|outside)\b
    | \b(?P<after>(?:the\s+)?day\s+after\s+tomorrow)\b
    | \b(?P<night>tonight|this\s+evening|(?:later\s+)?this\s+night)\b
    | \b(?P<day>today|tomorrow)\b(?:\s+(?:morning|afternoon|evening|night))?
    | \b(?:this\s+|next\s+|the\s+)?(?P<weekend>weekend)\b
    | \b(?:this\s+|next\s+)?(?P<weekday>{_WEEKDAYS})\b
    | \b(?P<iso>20\d\d-\d\d-\d\d)\b
    | \b(?P<d1>\d{{1,2}})(?:st|nd|rd|th)?\s+(?:of\s+)?(?P<m1>{_MONTHS})\b\.?
    | \b(?P<m2>{_MONTHS})\.?\s+(?P<d2>\d{{1,2}})(?:st|nd|rd|th)?\b
    | \bin\s+(?P<days>\d{{1,2}})\s+days?\b
    )(?:,?\s+20\d\d\b)?""",
    re.IGNORECASE | re.VERBOSE,
)


def read_times(text: str, today: date | None) -> tuple[list[str], str]:
    """The times in the text as the forecast tool takes them (or `NOW`), and the text without them."""
    times = [time for found in _WHEN.finditer(text) for time in _times(found, today)]
    return list(dict.fromkeys(times)), " ".join(_WHEN.sub(" ", text).split())


def _times(found: re.Match[str], today: date | None) -> list[str]:
    if found["now"]:
        return [NOW]
    if found["night"]:
        return ["tonight"]
    if found["weekend"]:
        return ["saturday", "sunday"]
    if found["days"] or found["after"]:
        return [_ahead(int(found["days"] or 2), today, found[0])]
    if month := found["m1"] or found["m2"]:
        return [_dated(int(found["d1"] or found["d2"]), month, today, found[0])]
    return [(found["day"] or found["weekday"] or found["iso"]).lower()]


def _ahead(days: int, today: date | None, words: str) -> str:
    return (today + timedelta(days=days)).isoformat() if today else words.strip()


def _dated(day: int, month: str, today: date | None, words: str) -> str:
    """The next such day; the words themselves where there is none, or no date to count from."""
    number = _MONTH_NUMBERS[month[:3].lower()]
    try:
        dated = date(today.year, number, day) if today else None
        if dated and today and dated < today:
            dated = dated.replace(year=today.year + 1)
    except ValueError:
        dated = None
    return dated.isoformat() if dated else words.strip()
