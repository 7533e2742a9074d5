"""The weather tools against a local server that speaks the real services' shapes."""

from __future__ import annotations

import asyncio
import json
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from support.ports import unreachable
from support.tool_context import NOON, tool_context
from support.weather_server import Service, WeatherServer

from tools import Context, Registry
from tools._places.cities import find_cities
from tools._weather.sources import weather_of_days

REGISTRY = Registry.discover()


async def ask(context: Context, location: str, when: str | None = None, **more: Any) -> dict[str, Any]:
    name = "get_weather_forecast" if when else "get_current_weather"
    arguments = {"location": location, **({"when": when} if when else {}), **more}
    outcome = await REGISTRY.call(name, json.dumps(arguments), context)
    answer: dict[str, Any] = json.loads(outcome.content)
    assert outcome.ok == ("error" not in answer)
    return answer


async def test_the_current_weather_is_a_flat_object_with_a_summary() -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        answer = await ask(context, "Boston, MA", unit="celsius")
    assert answer == {
        "place": "Boston, Massachusetts, United States",
        "local_time": "2026-11-22T12:00",
        "temperature": 9,
        "feels_like": 7,
        "unit": "°C",
        "conditions": "light rain",
        "precipitation_mm": 0.3,
        "precipitation_probability_percent": 60,
        "wind": "14 km/h",
        "source": "Open-Meteo (CC BY 4.0)",
        "sources": [{"title": "Open-Meteo", "url": "https://open-meteo.com/"}],
        "summary": "Now in Boston, Massachusetts: 9 °C (feels like 7 °C), light rain, wind 14 km/h "
        "(source: Open-Meteo (CC BY 4.0)).",
    }


async def test_the_guides_question_is_answered_for_both_cities_in_their_own_evenings() -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        boston, london = await asyncio.gather(*(ask(context, city, "tonight") for city in ("Boston", "London")))
    assert boston["place"] == "Boston, Massachusetts, United States"
    assert london["place"] == "London, England, United Kingdom"
    assert (boston["from"], boston["until"]) == ("2026-11-22T18:00", "2026-11-23T00:00")
    assert (boston["temperature_min"], boston["temperature_max"], boston["unit"]) == (39, 48, "°F")
    assert (london["temperature_min"], london["temperature_max"], london["unit"]) == (7, 12, "°C")
    assert london["summary"] == (
        "Tonight in London, United Kingdom: 7 to 12 °C, partly cloudy, 10% chance of precipitation, "
        "wind up to 14 km/h (source: Open-Meteo (CC BY 4.0))."
    )


@pytest.mark.parametrize(
    ("location", "place"),
    [
        ("San Francisco, CA", "San Francisco, California, United States"),
        ("San Francisco, Argentina", "San Francisco, Córdoba, Argentina"),
        ("Portland, ME", "Portland, Maine, United States"),
        ("portland, maine, usa", "Portland, Maine, United States"),
        ("London, Ontario", "London, Ontario, Canada"),
        ("London, UK", "London, England, United Kingdom"),
        ("Paris, TX", "Paris, Texas, United States"),
        ("Paris Texas", "Paris, Texas, United States"),
        ("Boston United Kingdom", "Boston, England, United Kingdom"),
        ("Tokyo", "Tokyo, Japan"),
    ],
)
async def test_a_state_or_country_selects_the_place(location: str, place: str) -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        answer = await ask(context, location)
    assert answer["place"] == place
    assert "also" not in answer


async def test_a_place_that_is_several_says_which_was_taken() -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        answer = await ask(context, "Portland")
        boston = await ask(context, "Boston")
    assert answer["place"] == "Portland, Oregon, United States"
    assert answer["also"] == ["Portland, Maine, United States"]
    assert "also" not in boston


@pytest.mark.parametrize(
    ("location", "told"),
    [
        ("Bostn", "No place is called 'Bostn'. Did you mean Boston, Massachusetts, United States"),
        ("Twinn Peeks", "No place is called 'Twinn Peeks'."),
        ("Boston, Narnia", "There is Boston, Massachusetts, United States or Boston, England"),
        ("Xyzzyqq", "Check the spelling"),
        ("", "Name a city"),
        ("?!", "Name a city"),
        ("a" * 300, "Name a city"),
    ],
)
async def test_an_unknown_place_names_the_nearest_ones(location: str, told: str) -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        answer = await ask(context, location)
    assert told in answer["error"]


@pytest.mark.parametrize(
    ("when", "now", "start", "end"),
    [
        ("today", NOON, "2026-11-22T12:00", "2026-11-23T00:00"),
        ("tomorrow", NOON, "2026-11-23T00:00", "2026-11-24T00:00"),
        ("Friday", NOON, "2026-11-27T00:00", "2026-11-28T00:00"),
        ("sunday", NOON, "2026-11-22T12:00", "2026-11-23T00:00"),
        ("2026-12-08", NOON, "2026-12-08T00:00", "2026-12-09T00:00"),
        ("tonight", NOON.replace(hour=20), "2026-11-22T20:00", "2026-11-23T00:00"),
        ("tonight", NOON.replace(hour=23, minute=30), "2026-11-22T23:00", "2026-11-23T06:00"),
        ("Tonight", NOON.replace(hour=2), "2026-11-22T02:00", "2026-11-22T06:00"),
        ("tomorrow morning", NOON, "2026-11-23T06:00", "2026-11-23T12:00"),
        ("this afternoon", NOON, "2026-11-22T12:00", "2026-11-22T18:00"),
        ("on Friday evening", NOON, "2026-11-27T18:00", "2026-11-28T00:00"),
        ("day after tomorrow", NOON, "2026-11-24T00:00", "2026-11-25T00:00"),
        ("25 November", NOON, "2026-11-25T00:00", "2026-11-26T00:00"),
        ("this weekend", NOON, "2026-11-22T12:00", "2026-11-23T00:00"),
        ("the weekend", NOON + timedelta(days=1), "2026-11-28T00:00", "2026-11-30T00:00"),
        ("next weekend", NOON, "2026-11-28T00:00", "2026-11-30T00:00"),
        ("next 3 days", NOON, "2026-11-22T12:00", "2026-11-25T00:00"),
        ("the next 12 hours", NOON, "2026-11-22T12:00", "2026-11-23T00:00"),
        ("this week", NOON, "2026-11-22T12:00", "2026-11-29T00:00"),
        ("next week", NOON, "2026-11-23T00:00", "2026-11-30T00:00"),
        ("next week", NOON + timedelta(days=3), "2026-11-30T00:00", "2026-12-07T00:00"),
        ("over the next week", NOON, "2026-11-22T12:00", "2026-11-29T00:00"),
        ("next three days", NOON, "2026-11-22T12:00", "2026-11-25T00:00"),
        ("10 days", NOON, "2026-11-22T12:00", "2026-12-02T00:00"),
        ("the next few days", NOON, "2026-11-22T12:00", "2026-11-25T00:00"),
        ("on friday, 27 november", NOON, "2026-11-27T00:00", "2026-11-28T00:00"),
        ("Friday, 27 November 2026 evening", NOON, "2026-11-27T18:00", "2026-11-28T00:00"),
        ("saturday and sunday", NOON, "2026-11-28T00:00", "2026-11-30T00:00"),
        ("from Friday to Sunday", NOON + timedelta(days=3), "2026-11-27T00:00", "2026-11-30T00:00"),
        ("2026-11-27 to 2026-11-29", NOON, "2026-11-27T00:00", "2026-11-30T00:00"),
        ("overnight", NOON, "2026-11-22T22:00", "2026-11-23T06:00"),
        ("overnight", NOON.replace(hour=23), "2026-11-22T23:00", "2026-11-23T06:00"),
        ("5pm", NOON, "2026-11-22T17:00", "2026-11-22T20:00"),
        ("tomorrow at 8:30 am", NOON, "2026-11-23T08:00", "2026-11-23T11:00"),
        ("tomorrow noon", NOON, "2026-11-23T12:00", "2026-11-23T15:00"),
        ("2026-11-25T17:00", NOON, "2026-11-25T17:00", "2026-11-25T20:00"),
        ("in 3 hours", NOON, "2026-11-22T15:00", "2026-11-22T18:00"),
    ],
)
async def test_a_period_is_in_the_places_own_time(when: str, now: datetime, start: str, end: str) -> None:
    async with WeatherServer() as weather, tool_context(weather.config, now=now) as context:
        answer = await ask(context, "London", when)
    assert (answer["from"], answer["until"]) == (start, end)


async def test_a_weekend_in_tokyo_begins_by_its_own_clocks() -> None:
    friday_evening = NOON + timedelta(days=5, hours=6)
    async with WeatherServer() as weather, tool_context(weather.config, now=friday_evening) as context:
        answer = await ask(context, "Tokyo", "this weekend")
    assert (answer["from"], answer["until"]) == ("2026-11-28T03:00", "2026-11-30T00:00")
    assert [day["day"] for day in answer["days"]] == ["Saturday 2026-11-28", "Sunday 2026-11-29"]


async def test_several_days_are_told_one_by_one() -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        answer = await ask(context, "London", "next weekend")
        long, tonight = await ask(context, "London", "next 7 days"), await ask(context, "London", "tonight")
    assert answer["days"][0] == {
        "day": "Saturday 2026-11-28",
        "temperature_min": 5,
        "temperature_max": 13,
        "unit": "°C",
        "conditions": "partly cloudy",
        "precipitation_mm": 0.0,
        "precipitation_probability_percent": 10,
        "wind": "14 km/h",
    }
    told = "5 to 13 °C, partly cloudy, 10% chance of precipitation, wind up to 14 km/h"
    assert answer["summary"] == (
        f"Next weekend (28 to 29 November) in London, United Kingdom: Saturday {told}; Sunday {told} "
        "(source: Open-Meteo (CC BY 4.0))."
    )
    assert len(long["days"]) == 7
    assert "Saturday" not in long["summary"]
    assert "days" not in tonight


async def test_hours_are_listed_when_asked_for() -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        tonight = await ask(context, "London", "tonight", hourly=True)
        week = await ask(context, "London", "next 7 days", hourly=True)
        boston = await ask(context, "Boston", "next 7 days", hourly=True)
    assert len(tonight["hours"]) == 6
    assert tonight["hours"][0] == {
        "time": "2026-11-22T18:00",
        "temperature": 12,
        "conditions": "partly cloudy",
        "precipitation_mm": 0.0,
        "precipitation_probability_percent": 10,
        "wind": "14 km/h",
    }
    assert [hour["time"][11:] for hour in week["hours"][:3]] == ["12:00", "15:00", "18:00"]
    assert boston["hours"][0]["precipitation_mm"] == 0.9


def open_meteos(codes: list[int | None], amounts: list[float | None], first_hour: int = 18) -> bytes:
    """Open-Meteo's answer for the hours of tonight."""
    count = len(codes)
    return json.dumps(
        {
            "hourly": {
                "time": [f"2026-11-22T{hour:02}:00" for hour in range(first_hour, first_hour + count)],
                "temperature_2m": [-2.0] * count,
                "weather_code": codes,
                "apparent_temperature": [None] * count,
                "precipitation": amounts,
                "precipitation_probability": [90] * count,
                "wind_speed_10m": [None] * count,
            }
        }
    ).encode()


@pytest.mark.parametrize(
    ("codes", "amounts", "unit", "told"),
    [
        (
            [3, 3, 3, 75, 75, 95],
            [0, 0, 0, 12, 15, 20],
            "celsius",
            "-2 °C, overcast, at times heavy snow, thunderstorm, 90% chance of precipitation (47 mm)",
        ),
        (
            [80, 80, 65, 61, 45, 80],
            [1, 1, 9, 1, 0, 0.7],
            "fahrenheit",
            "28 °F, light rain showers, at times fog, heavy rain, 90% chance of precipitation (0.5 in)",
        ),
        ([71] * 6, [0.1, None, 0, 0, 0, 0], "celsius", "-2 °C, light snow, 90% chance of precipitation"),
    ],
)
async def test_the_roughest_of_a_period_is_told_and_how_much_falls(
    codes: list[int | None], amounts: list[float | None], unit: str, told: str
) -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        weather.fail("forecast", status=200, body=open_meteos(codes, amounts))
        answer = await ask(context, "London", "tonight", unit=unit)
    assert answer["summary"] == f"Tonight in London, United Kingdom: {told} (source: Open-Meteo (CC BY 4.0))."
    assert answer.get("precipitation_mm") == (None if None in amounts else sum(filter(None, amounts)))


@pytest.mark.parametrize(
    ("locale", "city", "unit", "shown"),
    [
        ("", "Boston", None, "°F"),
        ("", "London", None, "°C"),
        ("en-US", "London", None, "°F"),
        ("en_US", "London", None, "°F"),
        ("de-DE", "Boston", None, "°C"),
        ("en-GB", "Boston", "fahrenheit", "°F"),
        ("de", "Boston", None, "°F"),
    ],
)
async def test_the_unit_is_the_askers_words_or_locale_or_else_the_places(
    locale: str, city: str, unit: str | None, shown: str
) -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        asker = replace(context.asker, locale=locale)
        answer = await ask(replace(context, asker=asker), city, "tonight", **({"unit": unit} if unit else {}))
    assert answer["unit"] == shown


async def test_tonight_in_tokyo_is_already_under_way_at_noon_in_london() -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        answer = await ask(context, "Tokyo", "tonight")
    assert answer["from"] == "2026-11-22T21:00"


@pytest.mark.parametrize(
    ("when", "told"),
    [
        ("someday", "Say today, tonight, tomorrow, friday"),
        ("2026-11-21", "outside"),
        ("this morning", "outside"),
        ("9 am", "outside"),
        ("tomorrow and today", "Say today"),
        ("many days", "Say today"),
        ("friday to someday", "Say today"),
        ("next 18 days", "outside"),
        ("next 0 days", "Say today"),
        ("2026-12-09", "Forecasts reach from 2026-11-22 to 2026-12-08"),
    ],
)
async def test_a_time_that_cannot_be_forecast_is_explained(when: str, told: str) -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        assert told in (await ask(context, "London", when))["error"]


@pytest.mark.parametrize(
    "failure",
    [
        {"status": 500},
        {"status": 429},
        {"status": 302},
        {"status": 200, "body": b"<html>"},
        {"status": 200, "body": b"[]"},
        {"status": 200, "body": b"{}"},
        {"status": 200, "body": b""},
        {"status": 200, "body": b"[" * 100_000},
        {"status": 200, "body": b" " * 3_000_000},
        {"status": 200, "body": b'{"hourly": {"time": ["x"]}}'},
        {"status": 400, "body": b'{"error": true, "reason": "Too far ahead"}'},
    ],
    ids=lambda failure: f"{failure['status']} {failure.get('body', b'')[:12]!r}",
)
async def test_met_norway_stands_in_when_open_meteo_fails(failure: dict[str, Any]) -> None:
    async with WeatherServer(now=NOON) as weather, tool_context(weather.config) as context:
        weather.fail("forecast", **failure)
        now, tonight = await ask(context, "Boston"), await ask(context, "Boston", "tonight", unit="celsius")
    assert now["source"] == tonight["source"] == "MET Norway (CC BY 4.0)"
    assert now["conditions"] == tonight["conditions"] == "light rain"
    assert (tonight["temperature_min"], tonight["temperature_max"]) == (4, 9)
    assert tonight["wind"] == "14 km/h"


async def test_met_norway_is_asked_by_its_rules() -> None:
    async with WeatherServer(now=NOON) as weather:
        async with tool_context(weather.config | {"TOOLS_CONTACT": "ops@example.org"}) as context:
            weather.fail("forecast")
            await ask(context, "Boston")
        assert weather.asked("met_norway") == [{"lat": "42.3584", "lon": "-71.0598"}]
        assert weather.headers[-1]["user-agent"] == "threadloop ops@example.org"


@pytest.mark.parametrize("service", ["forecast", "geocoding"])
async def test_the_services_reason_and_name_reach_the_model_but_no_key(service: Service) -> None:
    async with WeatherServer() as weather:
        config = weather.config | {"OPEN_METEO_API_KEY": "s3cr3t-value"}
        async with tool_context(config) as context:
            weather.fail(service, status=400, body=b'{"error": true, "reason": "Bad apikey s3cr3t-value"}')
            weather.fail("met_norway", status=503)
            answer = await ask(context, "Twin Peaks")
        assert weather.asked("geocoding")[0]["apikey"] == "s3cr3t-value"
    assert "Open-Meteo answered 400: Bad apikey [redacted]" in answer["error"]
    assert "s3cr3t" not in json.dumps(answer)


async def test_both_services_failing_is_told_with_both_reasons() -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        weather.fail("forecast", status=429)
        weather.fail("met_norway", status=503)
        answer = await ask(context, "Boston")
    assert "Open-Meteo is getting too many requests (429)" in answer["error"]
    assert "MET Norway answered 503" in answer["error"]


@pytest.mark.parametrize("when", ["2026-12-08", "in 9 days"])
async def test_a_date_that_no_service_knows_yet_is_told(when: str) -> None:
    async with WeatherServer(now=NOON) as weather, tool_context(weather.config) as context:
        weather.fail("forecast", status=500)
        # Of the ninth day it knows the first hours.
        answer = await ask(context, "Boston", when)
    assert "MET Norway (CC BY 4.0) has nothing for that time yet" in answer["error"]


async def test_a_forecast_that_ends_early_says_where() -> None:
    async with WeatherServer(now=NOON) as weather, tool_context(weather.config) as context:
        weather.fail("forecast", status=500)
        long, week = await ask(context, "Boston", "next 16 days"), await ask(context, "Boston", "next 7 days")
        evening = await ask(context, "Boston", "in 8 days")
    assert long["until"] == "2026-12-01T00:00"
    assert long["incomplete"] == "The forecast reaches only to Monday, 30 November."
    assert long["summary"].endswith(f". {long['incomplete']}")
    assert [day["day"] for day in long["days"]][-1] == "Monday 2026-11-30"
    assert "incomplete" not in week
    assert evening["until"] == "2026-12-01T00:00"


async def test_of_a_day_with_few_values_each_time_has_the_one_before() -> None:
    async with WeatherServer(now=NOON) as weather, tool_context(weather.config) as context:
        weather.fail("forecast", status=500)
        # The values are those of 1, 7, 13 and 19 o'clock.
        answer = await ask(context, "Boston", "next saturday at 5 pm", unit="celsius")
    assert (answer["from"], answer["until"]) == ("2026-11-28T17:00", "2026-11-28T20:00")
    assert (answer["temperature_min"], answer["temperature_max"]) == (8, 8)


@pytest.mark.parametrize("failure", [{"status": 500}, {"status": 200, "body": b'{"results": [{"name": 1}]}'}])
async def test_a_big_city_is_known_when_only_the_geocoder_fails(failure: dict[str, Any]) -> None:
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        weather.fail("geocoding", **failure)
        boston, twin_peaks = await ask(context, "Boston, MA"), await ask(context, "Twin Peaks")
    assert boston["place"] == "Boston, Massachusetts, United States"
    assert boston["source"] == "Open-Meteo (CC BY 4.0)"
    assert "cannot be looked up" in twin_peaks["error"]


async def test_a_service_that_hangs_ends_in_the_tools_time_limit() -> None:
    registry = Registry.discover(timeout_s=0.1)
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        weather.fail("geocoding", hangs=True)
        outcome = await registry.call("get_current_weather", '{"location": "Boston"}', context)
    assert "within 0.1 seconds" in outcome.content


def offline() -> dict[str, str]:
    url = unreachable()
    return {"OPEN_METEO_URL": url, "OPEN_METEO_GEOCODING_URL": url, "MET_NORWAY_URL": url}


async def test_sample_data_stands_in_without_a_network_and_says_so() -> None:
    async with tool_context(offline(), sample_data=True) as context:
        boston, london = await asyncio.gather(*(ask(context, city, "tonight") for city in ("Boston", "London")))
        again, tokyo = await ask(context, "Boston", "tonight"), await ask(context, "Tokyo")
    assert again == boston
    for answer in (boston, london, tokyo):
        assert answer["source"] == "bundled sample data, not a real measurement"
        assert "sources" not in answer
        assert answer["summary"].endswith("(bundled sample data, not a real measurement).")


async def test_sample_data_is_for_bundled_cities_only() -> None:
    async with tool_context(offline(), sample_data=True) as context:
        assert "such as Boston, Massachusetts" in (await ask(context, "Bostn"))["error"]


async def test_without_leave_for_sample_data_a_missing_network_is_an_error() -> None:
    async with tool_context(offline()) as context:
        answer = await ask(context, "Boston")
    assert "Open-Meteo cannot be reached; MET Norway cannot be reached" in answer["error"]


async def test_sample_data_never_hides_a_service_that_answers_with_an_error() -> None:
    async with WeatherServer() as weather, tool_context(weather.config, sample_data=True) as context:
        weather.fail("forecast", status=500)
        weather.fail("met_norway", status=500)
        assert "error" in await ask(context, "Boston")


async def test_a_missing_network_is_remembered_for_a_minute() -> None:
    async with WeatherServer(now=NOON) as weather, tool_context(sample_data=True) as context:
        away = replace(context, config=offline())
        back = replace(context, config=weather.config)
        assert "sample" in (await ask(away, "Boston"))["source"]
        assert "sample" in (await ask(replace(back, now=NOON + timedelta(seconds=59)), "Boston"))["source"]
        assert weather.requests == []
        assert "Open-Meteo" in (await ask(replace(back, now=NOON + timedelta(seconds=61)), "Boston"))["source"]


@pytest.mark.parametrize("failure", [{"status": 500}, {"status": 429}, {"status": 200, "body": b"<html>"}])
async def test_a_service_that_keeps_failing_is_left_alone_and_tried_again(failure: dict[str, Any]) -> None:
    async with WeatherServer(now=NOON) as weather, tool_context(weather.config) as context:
        weather.fail("forecast", **failure)
        # The geocoder has the same address here, and its answers would count for the forecast: London is known.
        london = find_cities("London")[0].place

        async def source(seconds: int) -> str:
            at = replace(context, now=NOON + timedelta(seconds=seconds))
            found, _ = await weather_of_days(
                at, london, (NOON.date(), NOON.date()), NOON, lambda weather: list(weather.hours[:1])
            )
            return found.origin.name

        assert [await source(0) for _ in range(5)] == ["MET Norway"] * 5
        assert len(weather.asked("forecast")) == 3
        weather.recover("forecast")
        assert await source(59) == "MET Norway"
        assert await source(61) == "Open-Meteo"
        assert await source(62) == "Open-Meteo"


async def test_a_request_that_is_refused_says_nothing_against_the_service() -> None:
    async with WeatherServer(now=NOON) as weather, tool_context(weather.config) as context:
        weather.fail("forecast", status=400, body=b'{"error": true, "reason": "Too far ahead"}')
        for _ in range(5):
            await ask(context, "Boston")
        assert len(weather.asked("forecast")) == 5


async def test_an_open_meteo_hour_without_values_is_left_out() -> None:
    body = {
        "hourly": {
            "time": ["2026-11-22T20:00", "2026-11-22T21:00"],
            "temperature_2m": [None, 7.2],
            "weather_code": [None, None],
            "apparent_temperature": [None, None],
            "precipitation": [None, None],
            "precipitation_probability": [None, None],
            "wind_speed_10m": [None, None],
        }
    }
    async with WeatherServer() as weather, tool_context(weather.config) as context:
        weather.fail("forecast", status=200, body=json.dumps(body).encode())
        answer = await ask(context, "London", "tonight")
    assert answer["summary"] == (
        "Tonight in London, United Kingdom: 7 °C, unknown conditions (source: Open-Meteo (CC BY 4.0))."
    )
