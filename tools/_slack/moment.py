"""When something is to happen, as a model writes it."""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

from tools._framework.context import Context
from tools._framework.errors import ToolRetry
from tools._zones import zone_or_utc

_UNITS = {"minute": timedelta(minutes=1), "hour": timedelta(hours=1), "day": timedelta(days=1)}
_RELATIVE = re.compile(r"in (\d{1,9}) (minute|hour|day)s?")
_DAY_AND_TIME = re.compile(r"(today|tomorrow)(?: at)? (\d{1,2}:\d{2})")
_MOST_UNITS = 500_000
_FURTHEST = timedelta(days=120)
_EXAMPLE = "Write it as 2026-11-30T09:00 in the asker's local time, as 'in 20 minutes' or as 'tomorrow 09:00'."


def read_moment(context: Context, text: str) -> datetime:
    """A time ahead, in the asker's zone.

    It is read from `2026-11-30T09:00` (the asker's local time, unless it has an offset), `in 20 minutes`,
    or `tomorrow 9:00`.

    Raises:
        ToolRetry: it cannot be read, is not ahead, or is beyond Slack's 120 days.
    """
    words = " ".join(text.casefold().split())
    zone = zone_or_utc(context.asker.timezone)
    if match := _RELATIVE.fullmatch(words):
        # Counted in UTC, where an hour is an hour also when the clocks are changed.
        ahead = min(int(match[1]), _MOST_UNITS) * _UNITS[match[2]]
        moment = (context.now.astimezone(UTC) + ahead).astimezone(zone)
    else:
        moment = _dated(words, context.now.astimezone(zone))
    if moment <= context.now:
        raise ToolRetry(f"{in_words(moment)} has passed. Give a time in the future.")
    if moment > context.now + _FURTHEST:
        raise ToolRetry(f"{in_words(moment)} is too far away: Slack takes messages for the next 120 days.")
    return moment


def in_words(moment: datetime) -> str:
    """`Monday, 30 November 2026 at 09:00 (GMT)`."""
    return f"{moment:%A}, {moment.day} {moment:%B %Y} at {moment:%H:%M} ({moment.tzname()})"


def _dated(words: str, now: datetime) -> datetime:
    if match := _DAY_AND_TIME.fullmatch(words):
        day = now.date() + timedelta(days=match[1] == "tomorrow")
        words = f"{day.isoformat()}T{match[2]:0>5}"
    try:
        at = datetime.fromisoformat(words.upper())
    except ValueError as error:
        raise ToolRetry(f"{words!r} is no time that I can read. {_EXAMPLE}") from error
    if ":" not in words:
        raise ToolRetry(f"{words!r} has no time of day. {_EXAMPLE}")
    if at.tzinfo is not None:
        return at.astimezone(now.tzinfo)
    local = at.replace(tzinfo=now.tzinfo)
    if local.astimezone(UTC).astimezone(now.tzinfo).replace(tzinfo=None) != at:
        raise ToolRetry(f"{words} does not exist there: the clocks are put forward. Give another time.")
    return local
