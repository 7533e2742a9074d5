"""The weather now, and in the days ahead."""

from __future__ import annotations

from typing import Any

from tools import Context, tool
from tools._places.geocoding import find_place
from tools._weather.observation import Hour, Weather
from tools._weather.period import read_period
from tools._weather.report import Unit, current_report, forecast_report, usual_unit
from tools._weather.sources import weather_of_days
from tools._zones import zone_or_utc


@tool(title="Checking the weather in {location}")
async def get_current_weather(location: str, context: Context, unit: Unit | None = None) -> dict[str, Any]:
    """Get the current weather in a given location.

    For tonight or any later time, call get_weather_forecast. For several places, call once for each.

    Args:
        location: The city and state, e.g. San Francisco, CA
        unit: The unit of temperature. Leave it out for the one that is usual there.
    """
    found = await find_place(context, location)
    now = context.now.astimezone(zone_or_utc(found.place.timezone))

    def at_this_moment(weather: Weather) -> list[Hour]:
        return [weather.current] if weather.current else []

    weather, [hour] = await weather_of_days(context, found.place, (now.date(), now.date()), now, at_this_moment)
    return current_report(found, weather, hour, unit or usual_unit(found.place.country_code))


@tool(title="Checking the forecast for {location}, {when}")
async def get_weather_forecast(
    location: str, context: Context, when: str = "today", unit: Unit | None = None
) -> dict[str, Any]:
    """Get the weather forecast for a given location, up to 16 days ahead, in the place's own time.

    For several places, call once for each.

    Args:
        location: The city and state, e.g. San Francisco, CA
        when: today, tonight, tomorrow, a weekday such as friday, or a date such as 2026-11-30
        unit: The unit of temperature. Leave it out for the one that is usual there.
    """
    found = await find_place(context, location)
    now = context.now.astimezone(zone_or_utc(found.place.timezone))
    period = read_period(when, now)

    def in_period(weather: Weather) -> list[Hour]:
        return [hour for hour in weather.hours if period.start <= hour.time < period.end]

    weather, hours = await weather_of_days(context, found.place, period.days, now, in_period)
    return forecast_report(found, weather, hours, period, unit or usual_unit(found.place.country_code))
