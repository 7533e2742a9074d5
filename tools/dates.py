"""Reckoning with dates."""

from __future__ import annotations

import datetime
from typing import Any

from tools import Context, ToolRetry, tool
from tools._calendar import add_business_days, add_months, business_days_between, years_months_days
from tools._days import in_words, read_day
from tools._zones import zone_or_utc


@tool(title="Reckoning from {date}", open_to_guests=True)
def add_to_date(
    context: Context,
    date: str = "today",
    years: int = 0,
    months: int = 0,
    weeks: int = 0,
    days: int = 0,
    business_days: int = 0,
) -> dict[str, Any]:
    """Find the date some time after another, or before it with negative numbers; its weekday and ISO week, too.

    Without any numbers, it tells about the date itself. Business days are Mondays to Fridays; holidays are not
    known.

    Args:
        date: today, tomorrow, friday, next friday (the first after today), 25 December, or 2026-11-30
        years: Years to add.
        months: Months to add. The result stays within its month: 31 January plus 1 is the last of February.
        weeks: Weeks to add.
        days: Days to add.
        business_days: Business days to add, after the rest.
    """
    today = _today(context)
    start = _read(date, today)
    try:
        moved = add_months(start, 12 * years + months) + datetime.timedelta(weeks=weeks, days=days)
        result = add_business_days(moved, business_days)
    except OverflowError as error:
        raise ToolRetry("The result is beyond the years 1 to 9999. Add less.") from error
    added = [
        _count(number, word)
        for number, word in zip(
            (years, months, weeks, days, business_days),
            ("year", "month", "week", "day", "business day"),
            strict=True,
        )
        if number
    ]
    lead = f"{in_words(start)} plus {' and '.join(added)} is " if added else ""
    year, week, _ = result.isocalendar()
    return {
        "date": result.isoformat(),
        "weekday": f"{result:%A}",
        "iso_week": f"{year}-W{week:02}",
        "day_of_year": result.timetuple().tm_yday,
        "days_from_today": (result - today).days,
        "summary": f"{lead}{in_words(result)} (week {week} of {year}, {_distance((result - today).days)}).",
    }


@tool(title="Counting the days from {start} to {end}", open_to_guests=True)
def days_between(end: str, context: Context, start: str = "today") -> dict[str, Any]:
    """Count the days from one date to another: in days, in weeks, in years, months and days, in business days.

    The first date does not count, the last one does. Business days are Mondays to Fridays; holidays are not
    known.

    Args:
        end: The later date: tomorrow, next friday, 25 December (the next one), or 2026-11-30. An earlier one
            gives negative counts.
        start: The date to count from, written likewise. Without a year it is one before the end.
    """
    today = _today(context)
    last = _read(end, today)
    first = _read(start, today, latest=last)
    days = (last - first).days
    parts = years_months_days(min(first, last), max(first, last))
    spelled = [
        _count(number, word) for number, word in zip(parts, ("year", "month", "day"), strict=True) if number
    ]
    business = business_days_between(first, last)
    as_calendar = f", which is {' and '.join(spelled)}" if len(spelled) > 1 or any(parts[:2]) else ""
    return {
        "start": first.isoformat(),
        "end": last.isoformat(),
        "days": days,
        "weeks": round(days / 7, 2),
        "years_months_days": " ".join(spelled) or "0 days",
        "business_days": business,
        "summary": f"From {in_words(first)} to {in_words(last)} it is {_count(days, 'day')}{as_calendar}; "
        f"{_count(business, 'business day')}.",
    }


def _today(context: Context) -> datetime.date:
    return context.now.astimezone(zone_or_utc(context.asker.timezone)).date()


def _read(text: str, today: datetime.date, latest: datetime.date | None = None) -> datetime.date:
    if day := read_day(text, today, latest):
        return day
    raise ToolRetry(
        f"{text[:40]!r} cannot be read as a date. Write it as {today.isoformat()} (year, month, day), or say "
        "today, next friday, in 3 weeks, 25 December 2026."
    )


def _count(number: int, word: str) -> str:
    return f"{number:,} {word}{'' if abs(number) == 1 else 's'}"


def _distance(days: int) -> str:
    if days == 0:
        return "today"
    return f"{_count(days, 'day')} from today" if days > 0 else f"{_count(-days, 'day')} ago"
