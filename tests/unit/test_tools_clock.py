"""The time in a place, mostly without asking anybody."""

from __future__ import annotations

from dataclasses import replace

import pytest
from support.tool_context import tool_context
from support.weather_server import WeatherServer, unreachable

from tools import Asker, ToolRetry
from tools.clock import current_time


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
    async with unreachable() as url, tool_context({"OPEN_METEO_GEOCODING_URL": url}) as context:
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
