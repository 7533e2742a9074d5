"""When something is to happen, as a model writes it."""

from __future__ import annotations

import re
from datetime import datetime, timedelta

from tools import _days
from tools._clock import moment as clock
from tools._framework.context import Context
from tools._framework.errors import ToolRetry
from tools._zones import zone_or_utc

_DAYS_AHEAD = re.compile(r"in \S+ (?:day|week|month)s?", re.IGNORECASE)
_FURTHEST = timedelta(days=120)


def read_moment(context: Context, text: str) -> datetime:
    """A time ahead, in the asker's zone, by whose clocks it is read.

    `in 3 days` is at the time of day that it is now.

    Raises:
        ToolRetry: it cannot be read, the clocks skip or repeat it, it is not ahead, or beyond Slack's 120 days.
    """
    zone = zone_or_utc(context.asker.timezone)
    text = text.strip()
    if _DAYS_AHEAD.fullmatch(text):
        text = f"{text} {context.now.astimezone(zone):%H:%M}"
    read = clock.read_moment(text, context.now, zone)
    moment = read.at
    if read.note:
        raise ToolRetry(f"{read.note} Write {moment.isoformat(timespec='minutes')} if that is meant.")
    if moment <= context.now:
        raise ToolRetry(f"{in_words(moment)} has passed. Give a time in the future.")
    if moment > context.now + _FURTHEST:
        raise ToolRetry(f"{in_words(moment)} is too far away: Slack takes messages for the next 120 days.")
    return moment


def in_words(moment: datetime) -> str:
    """`Monday, 30 November 2026 at 09:00 (GMT)`."""
    return f"{_days.in_words(moment.date())} at {moment:%H:%M} ({moment.tzname()})"
