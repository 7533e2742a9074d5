"""Reckoning with days. Business days are Mondays to Fridays; holidays are not known."""

from __future__ import annotations

import calendar
from datetime import date, timedelta

_SATURDAY = 5


def add_months(day: date, months: int) -> date:
    """The same day of a later (or, if negative, earlier) month, or that month's last day if it is too short.

    Raises:
        OverflowError: there is no such year.
    """
    year, month = divmod(day.year * 12 + day.month - 1 + months, 12)
    if not date.min.year <= year <= date.max.year:
        raise OverflowError(f"year {year}")
    return date(year, month + 1, min(day.day, calendar.monthrange(year, month + 1)[1]))


def add_business_days(day: date, count: int) -> date:
    """So many business days later, or earlier if `count` is negative. A weekend itself counts for nothing.

    Raises:
        OverflowError: there is no such year.
    """
    if count == 0:
        return day
    one = timedelta(days=1 if count > 0 else -1)
    while day.weekday() >= _SATURDAY:
        # Back to the last business day before the count begins.
        day -= one
    weeks, rest = divmod(abs(count), 5)
    day += one * 7 * weeks
    for _ in range(rest):
        day += one
        while day.weekday() >= _SATURDAY:
            day += one
    return day


def business_days_between(start: date, end: date) -> int:
    """How many business days after `start` it is until `end`, which counts itself; negative if it is before."""
    if end < start:
        return _business_days_before(end) - _business_days_before(start)
    return _business_days_until(end) - _business_days_until(start)


def years_months_days(start: date, end: date) -> tuple[int, int, int]:
    """The time from `start` to a later `end` as people count it."""
    months = (end.year - start.year) * 12 + end.month - start.month
    if add_months(start, months) > end:
        months -= 1
    return *divmod(months, 12), (end - add_months(start, months)).days


def _business_days_until(day: date) -> int:
    # Day 1 of the calendar, 1 January of the year 1, is a Monday.
    weeks, rest = divmod(day.toordinal(), 7)
    return weeks * 5 + min(rest, 5)


def _business_days_before(day: date) -> int:
    return _business_days_until(day) - (day.weekday() < _SATURDAY)
