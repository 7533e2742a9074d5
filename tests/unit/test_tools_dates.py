"""Reckoning with dates: today is Sunday, 22 November 2026."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.tool_context import tool_context

from tools import Asker, ToolRetry
from tools._calendar import add_business_days, add_months, business_days_between, years_months_days
from tools._days import in_words, read_day
from tools.dates import add_to_date, days_between

TODAY = date(2026, 11, 22)
DATES = st.dates(date(1900, 1, 1), date(2200, 1, 1))


@pytest.mark.parametrize(
    ("text", "day"),
    [
        ("today", "2026-11-22"),
        ("Tomorrow", "2026-11-23"),
        ("yesterday", "2026-11-21"),
        ("the day after tomorrow", "2026-11-24"),
        ("friday", "2026-11-27"),
        ("on Fri", "2026-11-27"),
        ("sunday", "2026-11-22"),
        ("this sunday", "2026-11-22"),
        ("next sunday", "2026-11-29"),
        ("next friday", "2026-11-27"),
        ("last friday", "2026-11-20"),
        ("last sunday", "2026-11-15"),
        ("in 3 days", "2026-11-25"),
        ("in two weeks", "2026-12-06"),
        ("a week ago", "2026-11-15"),
        ("25 December", "2026-12-25"),
        ("Dec. 25th, 2027", "2027-12-25"),
        ("1st of March", "2027-03-01"),
        ("29 Feb", "2028-02-29"),
        ("2026-11-30", "2026-11-30"),
        ("2026-W49-1", "2026-11-30"),
        ("Friday, 27 November 2026", "2026-11-27"),
        ("Fri 27 Nov", "2026-11-27"),
        ("Friday the 20th of November", "2026-11-20"),
        ("friday 2026-11-27", "2026-11-27"),
        ("weds", "2026-11-25"),
        ("in 2 months", "2027-01-22"),
        ("a year ago", "2025-11-22"),
        ("3 days from now", "2026-11-25"),
        ("the end of the month", "2026-11-30"),
        ("last day of next month", "2026-12-31"),
        ("end of the year", "2026-12-31"),
        ("2026-12-25T10:00", "2026-12-25"),
        ("2026-12-25 10:00", "2026-12-25"),
    ],
)
def test_days_are_read_as_people_mean_them(text: str, day: str) -> None:
    assert read_day(text, TODAY) == date.fromisoformat(day)


@pytest.mark.parametrize(
    "text",
    ["", "someday", "3/4/2026", "30 February", "32 May", "ju 5", "in many days", "in 99999 weeks ago", "next",
     "25 December 20266", "in 99999 weeks in 1 day", "fr", "0000-00-00",
     "Friday, 26 November 2026", "Friday 26 November", "in 9999 years", "many years ago", "friday 5",
     "next week", "2026-12-25T23:00-08:00", "\N{SNOWMAN}", "9" * 400],
)  # fmt: skip
def test_what_is_no_day_is_not_guessed(text: str) -> None:
    assert read_day(text, TODAY) is None


@given(DATES, DATES)
def test_a_day_is_read_as_it_is_written(day: date, today: date) -> None:
    assert read_day(in_words(day), today) == day


@given(st.text(max_size=60))
def test_any_text_is_a_day_or_none(text: str) -> None:
    assert isinstance(read_day(text, TODAY), date | None)


@pytest.mark.parametrize(
    ("arguments", "result"),
    [
        ({}, "2026-11-22"),
        ({"days": 90}, "2027-02-20"),
        ({"days": -1}, "2026-11-21"),
        ({"date": "2026-01-31", "months": 1}, "2026-02-28"),
        ({"date": "2024-02-29", "years": 1}, "2025-02-28"),
        ({"date": "2024-02-29", "years": -4}, "2020-02-29"),
        ({"weeks": 2, "days": 1}, "2026-12-07"),
        ({"business_days": 1}, "2026-11-23"),
        ({"business_days": -1}, "2026-11-20"),
        ({"date": "friday", "business_days": 1}, "2026-11-30"),
        ({"date": "friday", "business_days": 10}, "2026-12-11"),
    ],
)
async def test_time_is_added_to_a_date(arguments: dict[str, Any], result: str) -> None:
    async with tool_context() as context:
        assert add_to_date(context, **arguments)["date"] == result


async def test_the_result_tells_all_about_its_date() -> None:
    async with tool_context() as context:
        answer = add_to_date(context, "next friday", weeks=5)
    assert answer == {
        "date": "2027-01-01",
        "weekday": "Friday",
        "iso_week": "2026-W53",
        "day_of_year": 1,
        "days_from_today": 40,
        "summary": "Friday, 27 November 2026 plus 5 weeks is Friday, 1 January 2027 "
        "(week 53 of 2026, 40 days from today).",
    }


async def test_the_days_between_are_counted_in_every_way() -> None:
    async with tool_context() as context:
        answer = days_between("2027-01-01", context)
        back = days_between("yesterday", context, start="tomorrow")
    assert answer == {
        "start": "2026-11-22",
        "end": "2027-01-01",
        "days": 40,
        "weeks": 5.71,
        "years_months_days": "1 month 10 days",
        "business_days": 30,
        "summary": "From Sunday, 22 November 2026 to Friday, 1 January 2027 it is 40 days, which is "
        "1 month and 10 days; 30 business days.",
    }
    assert (back["days"], back["business_days"]) == (-2, 0)


@pytest.mark.parametrize(
    ("start", "end", "first", "last"),
    [
        ("1 October", "today", "2026-10-01", "2026-11-22"),
        ("1 January", "25 December", "2026-01-01", "2026-12-25"),
        ("25 December", "5 January", "2026-12-25", "2027-01-05"),
        ("29 February", "today", "2024-02-29", "2026-11-22"),
        ("1 December", "25 December", "2026-12-01", "2026-12-25"),
        ("22 November", "today", "2026-11-22", "2026-11-22"),
        ("1 October 2027", "today", "2027-10-01", "2026-11-22"),
        ("25 December", "1999-01-01", "1998-12-25", "1999-01-01"),
        ("2 January", "0001-01-01", None, None),
    ],
)
async def test_a_start_without_a_year_is_before_the_end(
    start: str, end: str, first: str | None, last: str | None
) -> None:
    async with tool_context() as context:
        if first is None:
            with pytest.raises(ToolRetry, match="cannot be read as a date"):
                days_between(end, context, start=start)
            return
        answer = days_between(end, context, start=start)
    assert (answer["start"], answer["end"]) == (first, last)


async def test_today_is_the_askers_own() -> None:
    late = datetime(2026, 11, 22, 23, 30, tzinfo=UTC)
    async with tool_context(now=late) as context:
        assert add_to_date(context)["date"] == "2026-11-23"
        honolulu = replace(context, asker=Asker("U1", "Ann", "Pacific/Honolulu"))
        assert add_to_date(honolulu)["date"] == "2026-11-22"


@pytest.mark.parametrize(
    "arguments",
    [{"years": 10**30}, {"years": -3000}, {"days": 10**12}, {"weeks": -(10**30)}, {"business_days": 10**30},
     {"months": 10**6}],
)  # fmt: skip
async def test_dates_beyond_the_calendar_are_refused(arguments: dict[str, Any]) -> None:
    async with tool_context() as context:
        with pytest.raises(ToolRetry, match="beyond the years"):
            add_to_date(context, **arguments)


async def test_what_is_no_date_is_explained() -> None:
    async with tool_context() as context:
        with pytest.raises(ToolRetry, match=r"'3/4/2026' cannot be read as a date. Write it as 2026-11-22"):
            days_between("3/4/2026", context)


@given(DATES, st.integers(-2000, 2000))
def test_business_days_are_counted_as_they_are_added(start: date, count: int) -> None:
    end = add_business_days(start, count)
    assert business_days_between(start, end) == count
    assert count == 0 or end.weekday() < 5


@given(DATES, st.integers(0, 400))
def test_business_days_agree_with_counting_on_fingers(start: date, days: int) -> None:
    after = [start + timedelta(days=number + 1) for number in range(days)]
    business = sum(day.weekday() < 5 for day in after)
    assert business_days_between(start, start + timedelta(days=days)) == business


@given(DATES, DATES)
def test_years_months_and_days_lead_from_one_date_to_the_other(one: date, other: date) -> None:
    start, end = sorted((one, other))
    years, months, days = years_months_days(start, end)
    assert add_months(start, 12 * years + months) + timedelta(days=days) == end
    assert months < 12
    assert days < 31
