"""The time in a place, mostly without asking anybody."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from support.ports import unreachable
from support.tool_context import tool_context
from support.weather_server import WeatherServer

from tools import Asker, Context, ToolRetry
from tools.clock import convert_time, current_time


@pytest.mark.parametrize(
    ("place", "zone", "time"),
    [
        ("Tokyo", "Asia/Tokyo", "2026-11-22T21:00:00+09:00"),
        ("europe/paris", "Europe/Paris", "2026-11-22T13:00:00+01:00"),
        ("New York, NY", "America/New_York", "2026-11-22T07:00:00-05:00"),
        ("new york", "America/New_York", "2026-11-22T07:00:00-05:00"),
        ("Boston", "America/New_York", "2026-11-22T07:00:00-05:00"),
        ("San Francisco, CA", "America/Los_Angeles", "2026-11-22T04:00:00-08:00"),
        ("Sao Paulo", "America/Sao_Paulo", "2026-11-22T09:00:00-03:00"),
        ("Kolkata", "Asia/Kolkata", "2026-11-22T17:30:00+05:30"),
        ("UTC", "UTC", "2026-11-22T12:00:00+00:00"),
        ("UTC+2", "UTC+02:00", "2026-11-22T14:00:00+02:00"),
        ("gmt-8", "UTC-08:00", "2026-11-22T04:00:00-08:00"),
        ("UTC+5:30", "UTC+05:30", "2026-11-22T17:30:00+05:30"),
        ("+02:00", "UTC+02:00", "2026-11-22T14:00:00+02:00"),
        ("PST", "America/Los_Angeles", "2026-11-22T04:00:00-08:00"),
        ("Germany", "Europe/Berlin", "2026-11-22T13:00:00+01:00"),
        ("UK", "Europe/London", "2026-11-22T12:00:00+00:00"),
        ("here", "Europe/Paris", "2026-11-22T13:00:00+01:00"),
        ("", "Europe/Paris", "2026-11-22T13:00:00+01:00"),
    ],
)
async def test_known_places_need_no_network(place: str, zone: str, time: str) -> None:
    async with tool_context() as context:
        answer = await current_time(context, place)
    assert (answer["timezone"], answer["time"]) == (zone, time)
    assert answer["utc_offset"] == time[-6:]


async def test_the_summary_could_be_the_answer() -> None:
    async with tool_context() as context:
        answer = await current_time(context, "Tokyo")
    assert answer["summary"] == (
        "In Tokyo, Japan it is 21:00 on Sunday, 22 November 2026 (Asia/Tokyo, UTC+09:00)."
    )


async def test_other_places_are_looked_up() -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        answer = await current_time(context, "Paris, TX")
    assert (answer["place"], answer["timezone"]) == ("Paris, Texas", "America/Chicago")


async def test_an_unknown_place_names_the_nearest_ones() -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        with pytest.raises(ToolRetry, match=r"No place is called 'Tokio'. Did you mean Tokyo, Japan"):
            await current_time(context, "Tokio")


async def test_an_unknown_place_without_a_network_names_the_nearest_ones() -> None:
    async with tool_context({"OPEN_METEO_GEOCODING_URL": unreachable()}) as context:
        with pytest.raises(ToolRetry, match=r"cannot be reached.*Kathmandu"):
            await current_time(context, "Katmandoo")


async def test_a_country_with_several_zones_asks_for_a_city() -> None:
    async with tool_context() as context:
        with pytest.raises(ToolRetry, match=r"29 time zones \(America/New_York, .*Name a city"):
            await current_time(context, "USA")


async def test_an_asker_with_an_unknown_zone_gets_utc() -> None:
    async with tool_context() as context:
        answer = await current_time(replace(context, asker=Asker("U1", "Ann", "Mars/Olympus")), "here")
    assert answer["timezone"] == "UTC"
    assert answer["summary"].endswith("(UTC, UTC+00:00).")


BOB = Asker("U2", "Bob", "America/New_York")
CAT = Asker("U3", "Cat", "Europe/Berlin")


def among_colleagues(context: Context) -> Context:
    return replace(context, participants=(BOB, context.asker, CAT))


@pytest.mark.parametrize("name", ["Bob", "@bob", "bob"])
async def test_a_person_of_the_conversation_has_a_time(name: str) -> None:
    async with tool_context() as context:
        answer = await current_time(among_colleagues(context), name)
        there = await convert_time("3 pm", among_colleagues(context), "here", [name])
    assert answer["summary"].startswith("In Bob's time zone it is 07:00 on Sunday")
    assert there["summary"].endswith("is 09:00 in Bob's time zone.")


async def test_a_place_comes_before_a_person_and_nobody_is_guessed_of_two() -> None:
    tokyo = Asker("U4", "Tokyo", "Europe/Berlin")
    async with tool_context({"OPEN_METEO_GEOCODING_URL": unreachable()}) as context:
        several = replace(context, participants=(BOB, replace(BOB, id="U5"), tokyo))
        assert (await current_time(several, "Tokyo"))["timezone"] == "Asia/Tokyo"
        with pytest.raises(ToolRetry):
            await current_time(several, "Bob")


async def test_three_pm_in_tokyo_for_us() -> None:
    async with tool_context() as context:
        answer = await convert_time("3 pm", among_colleagues(context), "Tokyo")
    assert answer == {
        "from": {"place": "Tokyo, Japan", "time": "2026-11-22T15:00:00+09:00", "timezone": "Asia/Tokyo"},
        "to": [
            {"people": ["Ann", "Cat"], "time": "2026-11-22T07:00:00+01:00", "timezone": "Europe/Paris"},
            {"people": ["Bob"], "time": "2026-11-22T01:00:00-05:00", "timezone": "America/New_York"},
        ],
        "summary": "15:00 on Sunday, 22 November 2026 in Tokyo, Japan is 07:00 for Ann and Cat (Europe/Paris); "
        "01:00 for Bob (America/New_York).",
    }


async def test_another_day_is_named_where_it_is_another_day() -> None:
    async with tool_context() as context:
        answer = await convert_time("tomorrow 9 am", context, "Tokyo", ["New York", "UTC", "here"])
    assert answer["summary"] == (
        "09:00 on Monday, 23 November 2026 in Tokyo, Japan is 19:00 on Sunday, 22 November in New York; "
        "00:00 in UTC; 01:00 here."
    )


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("3 pm", "2026-11-22T15:00:00+09:00"),
        ("3PM", "2026-11-22T15:00:00+09:00"),
        ("at 3:30 p.m. on Friday", "2026-11-27T15:30:00+09:00"),
        ("15:00", "2026-11-22T15:00:00+09:00"),
        ("9h30 tomorrow", "2026-11-23T09:30:00+09:00"),
        ("17", "2026-11-22T17:00:00+09:00"),
        ("12 am", "2026-11-22T00:00:00+09:00"),
        ("12 pm", "2026-11-22T12:00:00+09:00"),
        ("noon", "2026-11-22T12:00:00+09:00"),
        ("midnight on 25 December", "2026-12-25T00:00:00+09:00"),
        ("now", "2026-11-22T21:00:00+09:00"),
        ("in 2 hours", "2026-11-22T23:00:00+09:00"),
        ("in an hour", "2026-11-22T22:00:00+09:00"),
        ("in half an hour", "2026-11-22T21:30:00+09:00"),
        ("in 1.5 hours", "2026-11-22T22:30:00+09:00"),
        ("In 20 min", "2026-11-22T21:20:00+09:00"),
        ("2h 5m from now", "2026-11-22T23:05:00+09:00"),
        ("in 2 hours and 5 minutes", "2026-11-22T23:05:00+09:00"),
        ("tonight at 8pm", "2026-11-22T20:00:00+09:00"),
        ("2026-11-30T15:00", "2026-11-30T15:00:00+09:00"),
        ("2026-11-30 15:00", "2026-11-30T15:00:00+09:00"),
        ("2026-11-30T15:00Z", "2026-12-01T00:00:00+09:00"),
    ],
)
async def test_times_are_read_by_the_clocks_of_the_place(text: str, time: str) -> None:
    async with tool_context() as context:
        assert (await convert_time(text, context, "Tokyo", ["UTC"]))["from"]["time"] == time


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("3", "3 am or 3 pm"),
        ("at 3 o'clock", "3 am or 3 pm"),
        ("25:00", "There is no time 25:00"),
        ("9:75", "There is no time 9:75"),
        ("13 pm", "no '13 pm'"),
        ("soon", "not one time of day"),
        ("in", "not one time of day"),
        ("in many hours", "not one time of day"),
        ("in am", "not one time of day"),
        ("tonight 8:00", "the evening or the night"),
        ("midnight tonight", "the evening or the night"),
        ("3 pm or 4 pm", "not one time of day"),
        ("2026-11-30", "not one time of day"),
        ("0001-01-01T00:30", "too far away: years go from 2 to 9998"),
        ("9999-12-31T23:30", "too far away"),
        ("9999-12-31T23:30-12:00", "too far away"),
        ("3 pm on doomsday", "'on doomsday' is not a day"),
    ],
)
async def test_a_time_that_cannot_be_read_is_explained(text: str, told: str) -> None:
    async with tool_context() as context:
        with pytest.raises(ToolRetry, match=told):
            await convert_time(text, context, "Tokyo")


async def test_a_time_that_the_clocks_skip_is_told() -> None:
    answer = await in_new_york("2027-03-14T02:30")
    assert answer["from"]["time"] == "2027-03-14T03:30:00-04:00"
    assert answer["to"][0]["time"] == "2027-03-14T07:30:00+00:00"
    assert answer["note"] == (
        "02:30 does not exist in America/New_York on Sunday, 14 March 2027: "
        "the clocks are put forward over it, so 03:30 is meant."
    )
    assert answer["summary"].endswith(answer["note"])


async def test_a_time_that_comes_twice_is_told() -> None:
    answer = await in_new_york("2027-11-07T01:30")
    assert answer["to"][0]["time"] == "2027-11-07T05:30:00+00:00"
    assert "comes twice" in answer["note"]
    assert answer["note"].endswith("This is the first (EDT); the second (EST) is 60 minutes later.")


async def test_an_abbreviation_of_the_other_season_is_told() -> None:
    async with tool_context() as context:
        answer = await convert_time("2026-07-01T15:00", context, "EST", ["AEST", "UTC+5:30"])
        plain = await convert_time("2026-01-01T15:00", context, "EST", ["UTC"])
    assert answer["note"] == "EST is read as the time in New York, which is EDT (UTC-04:00) then."
    assert [place["time"][11:] for place in answer["to"]] == ["05:00:00+10:00", "00:30:00+05:30"]
    assert "note" not in plain


async def test_ordinary_times_need_no_note() -> None:
    assert "note" not in await in_new_york("2027-11-07T03:30")


async def in_new_york(time: str) -> dict[str, Any]:
    async with tool_context() as context:
        return await convert_time(time, context, "New York", ["UTC"])


async def test_an_unknown_place_to_convert_to_names_the_nearest_ones() -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        with pytest.raises(ToolRetry, match="No place is called 'Tokio'"):
            await convert_time("3 pm", context, "UTC", ["Tokio"])
