"""Weather as the model reads it: one flat object, with a sentence that could be the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, Literal

from tools._places.geocoding import Found
from tools._weather.conditions import in_words, most_telling
from tools._weather.observation import Hour, Weather
from tools._weather.period import Period

Unit = Literal["celsius", "fahrenheit"]

_MILES_PER_KM = 0.621371
# Where the thermometers on the wall show Fahrenheit: the United States with its islands, and a few others.
_FAHRENHEIT = frozenset({"US", "PR", "GU", "VI", "AS", "MP", "UM", "BS", "BZ", "KY", "PW", "FM", "MH", "LR"})


def usual_unit(country_code: str) -> Unit:
    """The unit that people in a country think in."""
    return "fahrenheit" if country_code in _FAHRENHEIT else "celsius"


def current_report(found: Found, weather: Weather, hour: Hour, unit: Unit) -> dict[str, Any]:
    """The weather at this moment."""
    return _without_gaps(
        {
            **_place(found),
            "local_time": hour.time.strftime("%Y-%m-%dT%H:%M"),
            "temperature": _degrees(hour.temperature, unit),
            "feels_like": _degrees(hour.feels_like, unit),
            "unit": _sign(unit),
            "conditions": in_words(hour.code),
            "precipitation_mm": hour.precipitation,
            "precipitation_probability_percent": _whole(hour.probability),
            "wind": _speed(hour.wind, unit),
            "source": weather.source,
            "summary": _current_summary(found, weather, hour, unit),
        }
    )


def forecast_report(
    found: Found, weather: Weather, hours: list[Hour], period: Period, unit: Unit
) -> dict[str, Any]:
    """The weather over `hours`, which are those of `period` that are known and at least one."""
    temperatures = [hour.temperature for hour in hours]
    return _without_gaps(
        {
            **_place(found),
            "period": period.words,
            "from": period.start.strftime("%Y-%m-%dT%H:%M"),
            "until": period.end.strftime("%Y-%m-%dT%H:%M"),
            "temperature_min": _degrees(min(temperatures), unit),
            "temperature_max": _degrees(max(temperatures), unit),
            "unit": _sign(unit),
            "conditions": _conditions(hours),
            "precipitation_probability_percent": _whole(_highest(hours, lambda hour: hour.probability)),
            "wind": _speed(_highest(hours, lambda hour: hour.wind), unit),
            "source": weather.source,
            "summary": _forecast_summary(found, weather, hours, period, unit),
        }
    )


def _current_summary(found: Found, weather: Weather, hour: Hour, unit: Unit) -> str:
    parts = [f"{_degrees(hour.temperature, unit)} {_sign(unit)}"]
    if hour.feels_like is not None and _degrees(hour.feels_like, unit) != _degrees(hour.temperature, unit):
        parts[0] += f" (feels like {_degrees(hour.feels_like, unit)} {_sign(unit)})"
    parts.append(in_words(hour.code))
    if hour.wind is not None:
        parts.append(f"wind {_speed(hour.wind, unit)}")
    return _sentence(f"Now in {found.place.short_label}:", parts, weather)


def _forecast_summary(found: Found, weather: Weather, hours: list[Hour], period: Period, unit: Unit) -> str:
    low, high = (_degrees(pick(hour.temperature for hour in hours), unit) for pick in (min, max))
    parts = [f"{low} {_sign(unit)}" if low == high else f"{low} to {high} {_sign(unit)}", _conditions(hours)]
    if (probability := _highest(hours, lambda hour: hour.probability)) is not None:
        parts.append(f"{_whole(probability)}% chance of precipitation")
    if (wind := _highest(hours, lambda hour: hour.wind)) is not None:
        parts.append(f"wind up to {_speed(wind, unit)}")
    return _sentence(f"{period.title} in {found.place.short_label}:", parts, weather)


def _sentence(lead: str, parts: list[str], weather: Weather) -> str:
    origin = weather.source if weather.sample else f"source: {weather.source}"
    return f"{lead} {', '.join(parts)} ({origin})."


def _place(found: Found) -> dict[str, Any]:
    return {"place": found.place.label, "also": [place.label for place in found.also] or None}


def _conditions(hours: Iterable[Hour]) -> str:
    return in_words(most_telling(hour.code for hour in hours))


def _highest(hours: Iterable[Hour], of: Callable[[Hour], float | None]) -> float | None:
    return max((value for hour in hours if (value := of(hour)) is not None), default=None)


def _degrees(celsius: float | None, unit: Unit) -> int | None:
    if celsius is None:
        return None
    return round(celsius * 1.8 + 32) if unit == "fahrenheit" else round(celsius)


def _sign(unit: Unit) -> str:
    return "°F" if unit == "fahrenheit" else "°C"


def _speed(kmh: float | None, unit: Unit) -> str | None:
    if kmh is None:
        return None
    return f"{round(kmh * _MILES_PER_KM)} mph" if unit == "fahrenheit" else f"{round(kmh)} km/h"


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _without_gaps(report: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in report.items() if value is not None}
