"""Weather as the model reads it: one flat object, with a sentence that could be the answer."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import date, timedelta
from itertools import groupby
from typing import Any

from tools._places.geocoding import Found
from tools._weather.conditions import conditions, in_words
from tools._weather.coverage import known_until
from tools._weather.observation import Hour, Origin, Weather
from tools._weather.period import Period
from tools._weather.scales import Unit, amount, degrees, sign, speed

# A forecast for longer than this is told day by day.
_ONE_DAY = timedelta(hours=24)
_MOST_DAYS_TOLD = 4
_MOST_HOURS_LISTED = 36


def current_report(found: Found, weather: Weather, hour: Hour, unit: Unit) -> dict[str, Any]:
    """The weather at this moment."""
    return _without_gaps(
        {
            **_place(found),
            "local_time": hour.time.strftime("%Y-%m-%dT%H:%M"),
            "temperature": degrees(hour.temperature, unit),
            "feels_like": None if hour.feels_like is None else degrees(hour.feels_like, unit),
            "unit": sign(unit),
            "conditions": in_words(hour.code),
            "precipitation_mm": hour.precipitation,
            "precipitation_probability_percent": _whole(hour.probability),
            "wind": speed(hour.wind, unit),
            **_origin(weather.origin),
            "summary": _current_summary(found, weather, hour, unit),
        }
    )


def forecast_report(
    found: Found, weather: Weather, hours: list[Hour], period: Period, unit: Unit, *, hourly: bool
) -> dict[str, Any]:
    """The weather over `hours`, which are those of `period` that are known and at least one. A gap is told."""
    days = _by_day(hours) if period.end - period.start > _ONE_DAY else {}
    until = known_until(hours, period)
    last = hours[-1].time.date()
    gap = f"The forecast reaches only to {last:%A}, {last.day} {last:%B}." if until < period.end else None
    return _without_gaps(
        {
            **_place(found),
            "period": period.words,
            "from": period.start.strftime("%Y-%m-%dT%H:%M"),
            "until": until.strftime("%Y-%m-%dT%H:%M"),
            "incomplete": gap,
            **_over(hours, unit),
            "days": [{"day": f"{day:%A %Y-%m-%d}", **_over(of_day, unit)} for day, of_day in days.items()]
            or None,
            "hours": [_at(hour, unit) for hour in _listed(hours)] if hourly else None,
            **_origin(weather.origin),
            "summary": _forecast_summary(found, weather, hours, days, period, unit)
            + (f" {gap}" if gap else ""),
        }
    )


def _over(hours: Sequence[Hour], unit: Unit) -> dict[str, Any]:
    """What several hours have in common."""
    temperatures = [hour.temperature for hour in hours]
    return _without_gaps(
        {
            "temperature_min": degrees(min(temperatures), unit),
            "temperature_max": degrees(max(temperatures), unit),
            "unit": sign(unit),
            "conditions": _conditions(hours),
            "precipitation_mm": _fallen(hours),
            "precipitation_probability_percent": _whole(_highest(hours, lambda hour: hour.probability)),
            "wind": speed(_highest(hours, lambda hour: hour.wind), unit),
        }
    )


def _at(hour: Hour, unit: Unit) -> dict[str, Any]:
    return _without_gaps(
        {
            "time": hour.time.strftime("%Y-%m-%dT%H:%M"),
            "temperature": degrees(hour.temperature, unit),
            "conditions": in_words(hour.code),
            "precipitation_mm": hour.precipitation,
            "precipitation_probability_percent": _whole(hour.probability),
            "wind": speed(hour.wind, unit),
        }
    )


def _by_day(hours: Iterable[Hour]) -> dict[date, list[Hour]]:
    return {day: list(of_day) for day, of_day in groupby(hours, key=lambda hour: hour.time.date())}


def _listed(hours: Sequence[Hour]) -> list[Hour]:
    """All hours of a day or so, and every third of more, with what falls until the next one listed."""
    step = 1 if len(hours) <= _MOST_HOURS_LISTED else 3
    starts = range(0, len(hours), step)
    return [replace(hours[start], precipitation=_fallen(hours[start : start + step])) for start in starts]


def _current_summary(found: Found, weather: Weather, hour: Hour, unit: Unit) -> str:
    temperature = degrees(hour.temperature, unit)
    parts = [f"{temperature} {sign(unit)}"]
    if hour.feels_like is not None and (felt := degrees(hour.feels_like, unit)) != temperature:
        parts[0] += f" (feels like {felt} {sign(unit)})"
    parts.append(in_words(hour.code))
    if hour.wind is not None:
        parts.append(f"wind {speed(hour.wind, unit)}")
    return _sentence(f"Now in {found.place.short_label}:", ", ".join(parts), weather.origin)


def _forecast_summary(
    found: Found,
    weather: Weather,
    hours: Sequence[Hour],
    days: dict[date, list[Hour]],
    period: Period,
    unit: Unit,
) -> str:
    told = _told(hours, unit)
    if 1 < len(days) <= _MOST_DAYS_TOLD:
        told = "; ".join(f"{day:%A} {_told(of_day, unit)}" for day, of_day in days.items())
    return _sentence(f"{period.title} in {found.place.short_label}:", told, weather.origin)


def _told(hours: Sequence[Hour], unit: Unit) -> str:
    low, high = (degrees(pick(hour.temperature for hour in hours), unit) for pick in (min, max))
    parts = [f"{low} {sign(unit)}" if low == high else f"{low} to {high} {sign(unit)}", _conditions(hours)]
    fallen = amount(_fallen(hours) or 0, unit)
    if (probability := _highest(hours, lambda hour: hour.probability)) is not None:
        parts.append(f"{_whole(probability)}% chance of precipitation" + (f" ({fallen})" if fallen else ""))
    elif fallen:
        parts.append(f"{fallen} of precipitation")
    if (wind := _highest(hours, lambda hour: hour.wind)) is not None:
        parts.append(f"wind up to {speed(wind, unit)}")
    return ", ".join(parts)


def _sentence(lead: str, told: str, origin: Origin) -> str:
    return f"{lead} {told} ({origin if origin.is_sample else f'source: {origin}'})."


def _place(found: Found) -> dict[str, Any]:
    return {"place": found.place.label, "also": [place.label for place in found.also] or None}


def _origin(origin: Origin) -> dict[str, Any]:
    sources = None if origin.is_sample else [{"title": origin.name, "url": origin.url}]
    return {"source": str(origin), "sources": sources}


def _conditions(hours: Iterable[Hour]) -> str:
    return conditions([hour.code for hour in hours])


def _fallen(hours: Iterable[Hour]) -> float | None:
    """Millimetres in all hours. A sum over some of them would pass for it."""
    amounts = [hour.precipitation for hour in hours]
    return None if None in amounts else round(sum(filter(None, amounts)), 1)


def _highest(hours: Iterable[Hour], of: Callable[[Hour], float | None]) -> float | None:
    return max((value for hour in hours if (value := of(hour)) is not None), default=None)


def _whole(value: float | None) -> int | None:
    return None if value is None else round(value)


def _without_gaps(report: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in report.items() if value is not None}
