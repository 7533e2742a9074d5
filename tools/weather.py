"""The weather now, and in the days ahead."""

from __future__ import annotations

from typing import Any

from tools import Context, tool
from tools._places.geocoding import find_place
from tools._weather.coverage import hours_known
from tools._weather.observation import Hour, Weather
from tools._weather.period import read_period
from tools._weather.report import current_report, forecast_report
from tools._weather.scales import Unit, usual_unit
from tools._weather.sources import weather_of_days
from tools._zones import zone_or_utc


@tool(title="Checking the weather in {location}", open_to_guests=True)
async def get_current_weather(location: str, context: Context, unit: Unit | None = None) -> dict[str, Any]:
    """Get the current weather in a given location.

    For tonight or any later time, call get_weather_forecast. For several places, call once for each.

    Args:
        location: The city and state, e.g. San Francisco, CA
        unit: The unit of temperature, if the asker named one. Leave it out for the one they are used to.
    """
    found = await find_place(context, location)
    now = context.now.astimezone(zone_or_utc(found.place.timezone))

    def at_this_moment(weather: Weather) -> list[Hour]:
        return [weather.current] if weather.current else []

    weather, [hour] = await weather_of_days(context, found.place, (now.date(), now.date()), now, at_this_moment)
    unit = unit or usual_unit(context.asker.locale, found.place.country_code)
    return current_report(found, weather, hour, unit)


@tool(title="Checking the forecast for {location}, {when}", open_to_guests=True)
async def get_weather_forecast(
    location: str, context: Context, when: str = "today", hourly: bool = False, unit: Unit | None = None
) -> dict[str, Any]:
    """Get the weather forecast for a given location, up to 16 days ahead, in the place's own time.

    For several places, call once for each. Several days are told day by day.

    Args:
        location: The city and state, e.g. San Francisco, CA
        when: today, tonight, tomorrow, friday evening, tomorrow 5 pm, this weekend, next week, next 3 days,
            next 12 hours, friday to sunday, or a date such as 2026-11-30
        hourly: Whether to list the hours, too: for questions about the course of a day.
        unit: The unit of temperature, if the asker named one. Leave it out for the one they are used to.
    """
    found = await find_place(context, location)
    now = context.now.astimezone(zone_or_utc(found.place.timezone))
    period = read_period(when, now)

    def known(weather: Weather) -> list[Hour]:
        return hours_known(weather, period)

    weather, hours = await weather_of_days(context, found.place, period.days, now, known)
    unit = unit or usual_unit(context.asker.locale, found.place.country_code)
    return forecast_report(found, weather, hours, period, unit, hourly=hourly)
