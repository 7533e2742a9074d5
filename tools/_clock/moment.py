"""A time by the clocks of a place: `3 pm`, `friday noon`, `in 20 minutes`, and what is odd about it there."""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import UTC, datetime, time, timedelta
from zoneinfo import ZoneInfo

from tools._days import NUMBERS, in_words, read_day
from tools._framework.errors import ToolRetry

_WORDS = {"noon": time(12), "midday": time(12), "midnight": time(0)}
_TIME = re.compile(
    r"\b(?:at )?(?:(?P<word>noon|midday|midnight)"
    r"|(?P<hour>\d{1,2})(?:[:.h](?P<minute>\d\d))?(?::\d\d)? ?(?P<half>[ap])\.?m\b\.?"
    r"|(?P<hour24>\d{1,2})[:h](?P<minute24>\d\d)(?::\d\d)?\b(?! ?[ap]\.?m)"
    r"|(?P<bare>\d{1,2}) ?o'?clock\b|^(?P<alone>\d{1,2})$)"
)
_NUMBER = r"\d{1,5}(?:\.\d{1,2})? ?|(?:half an|[a-z]+) "
_SPAN = re.compile(
    r"(?:(?P<in>in )|(?=.* from now$))"
    rf"(?:(?P<hours>{_NUMBER})(?:hours?|hrs?|h))?(?: ?(?:and )?(?P<minutes>{_NUMBER})(?:minutes?|mins?|m))?"
    r"(?(in)| from now)"
)
_HALF = {"half an": 0.5}
_HOW = "Write it as 3 pm, 15:00, tomorrow 9:30 am, friday noon, in 20 minutes, or 2026-11-30T15:00."


@dataclass(frozen=True, slots=True)
class Moment:
    """One instant, with what has to be said about how it came from the time that was written."""

    at: datetime
    note: str = ""


def read_moment(text: str, now: datetime, zone: ZoneInfo) -> Moment:
    """What `text` means by the clocks of `zone`. Without a day it is today there.

    Raises:
        ToolRetry: it cannot be read.
    """
    words = " ".join(text.lower().replace(",", " ").split())
    if words in ("", "now"):
        return Moment(now.astimezone(zone))
    if moment := _iso(text.strip(), zone):
        return moment
    if (ahead := _ahead(words)) is not None:
        # Counted in UTC, where an hour is an hour also when the clocks are changed.
        return Moment((now.astimezone(UTC) + ahead).astimezone(zone))
    found = list(_TIME.finditer(words))
    if len(found) != 1:
        raise ToolRetry(f"{text[:60]!r} is not one time of day. {_HOW}")
    rest = (words[: found[0].start()] + words[found[0].end() :]).strip()
    at = _time_of_day(found[0])
    if rest == "tonight":
        if at < time(12):
            raise ToolRetry(
                f"{text[:60]!r} can be the evening or the night. Write 8 pm tonight, or tomorrow 1 am."
            )
        rest = "today"
    day = read_day(rest or "today", now.astimezone(zone).date())
    if day is None:
        raise ToolRetry(f"{rest[:60]!r} is not a day. {_HOW}")
    return _by_the_clocks(datetime.combine(day, at), zone)


def _ahead(words: str) -> timedelta | None:
    """How long `in 20 minutes` or `2 hours from now` is; `None` for what is no such span."""
    found = _SPAN.fullmatch(words)
    if not found or not (found["hours"] or found["minutes"]):
        return None
    hours, minutes = (_count(found[unit] or "0") for unit in ("hours", "minutes"))
    return None if hours is None or minutes is None else timedelta(hours=hours, minutes=minutes)


def _count(number: str) -> float | None:
    return float(number) if number[0].isdigit() else (NUMBERS | _HALF).get(number.strip())


def _iso(text: str, zone: ZoneInfo) -> Moment | None:
    try:
        written = datetime.fromisoformat(text)
    except ValueError:
        return None
    if written.time() == time(0) and len(text) <= len("2026-11-30"):
        return None
    return Moment(written.astimezone(zone)) if written.tzinfo else _by_the_clocks(written, zone)


def _time_of_day(found: re.Match[str]) -> time:
    if found["word"]:
        return _WORDS[found["word"]]
    if found["half"]:
        hour = int(found["hour"])
        if not 1 <= hour <= 12:
            raise ToolRetry(f"There is no {found[0].strip()!r}. {_HOW}")
        return _checked(hour % 12 + (12 if found["half"] == "p" else 0), int(found["minute"] or 0))
    if found["hour24"]:
        return _checked(int(found["hour24"]), int(found["minute24"]))
    hour = int(found["bare"] or found["alone"])
    if 1 <= hour <= 12:
        raise ToolRetry(f"Is it {hour} am or {hour} pm? Write one of them.")
    return _checked(hour, 0)


def _checked(hour: int, minute: int) -> time:
    try:
        return time(hour, minute)
    except ValueError as error:
        raise ToolRetry(f"There is no time {hour}:{minute:02}. Hours go to 23, minutes to 59.") from error


def _by_the_clocks(written: datetime, zone: ZoneInfo) -> Moment:
    """The instant at which clocks in `zone` show `written`: none where they are put forward, two where back."""
    first, second = written.replace(tzinfo=zone, fold=0), written.replace(tzinfo=zone, fold=1)
    if first.utcoffset() == second.utcoffset():
        return Moment(first)
    shown = first.astimezone(UTC).astimezone(zone)
    day = in_words(written.date())
    if shown.replace(tzinfo=None) != written:
        return Moment(
            shown,
            f"{written:%H:%M} does not exist in {zone.key} on {day}: the clocks are put forward over it, so "
            f"{shown:%H:%M} is meant.",
        )
    return Moment(
        first,
        f"{written:%H:%M} comes twice in {zone.key} on {day}, as the clocks are put back. This is the first "
        f"({first:%Z}); the second ({second:%Z}) is {_minutes(first, second)} minutes later.",
    )


def _minutes(first: datetime, second: datetime) -> int:
    return int((second.astimezone(UTC) - first.astimezone(UTC)).total_seconds() // 60)
