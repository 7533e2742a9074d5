"""Open-Meteo's forecast. Protocol: open-meteo.com/en/docs. Without a key it is for non-commercial use."""

from __future__ import annotations

from datetime import date, datetime
from zoneinfo import ZoneInfo

from pydantic import BaseModel

from tools._framework.context import Context
from tools._places.place import Place
from tools._services.service import fetch
from tools._weather.observation import Hour, Origin, Weather
from tools._zones import zone_or_utc

_FREE_URL = "https://api.open-meteo.com"
_PAID_URL = "https://customer-api.open-meteo.com"
_ORIGIN = Origin("Open-Meteo", "https://open-meteo.com/", licence="CC BY 4.0")
_CURRENT = "temperature_2m,apparent_temperature,precipitation,weather_code,wind_speed_10m"
_HOURLY = f"{_CURRENT},precipitation_probability"


class _Current(BaseModel):
    time: datetime
    temperature_2m: float | None = None
    apparent_temperature: float | None = None
    precipitation: float | None = None
    weather_code: int | None = None
    wind_speed_10m: float | None = None


class _Hourly(BaseModel):
    time: list[datetime]
    temperature_2m: list[float | None]
    apparent_temperature: list[float | None]
    precipitation: list[float | None]
    weather_code: list[int | None]
    wind_speed_10m: list[float | None]
    precipitation_probability: list[float | None]


class _Answer(BaseModel):
    current: _Current | None = None
    hourly: _Hourly


async def forecast(context: Context, place: Place, first: date, last: date) -> Weather:
    """The weather now, and for each hour of the days from `first` to `last` in the place's own time.

    Raises:
        ServiceError: Open-Meteo gives no usable answer.
    """
    key = context.setting("OPEN_METEO_API_KEY", "")
    url = context.setting("OPEN_METEO_URL", _PAID_URL if key else _FREE_URL).rstrip("/")
    params: dict[str, str | int | float] = {
        "latitude": round(place.latitude, 4),
        "longitude": round(place.longitude, 4),
        "current": _CURRENT,
        "hourly": _HOURLY,
        "timezone": zone_or_utc(place.timezone).key,
        "start_date": first.isoformat(),
        "end_date": last.isoformat(),
    }
    if key:
        params["apikey"] = key
    answer = await fetch(context, "Open-Meteo", f"{url}/v1/forecast", params, _Answer)
    return _weather(answer, zone_or_utc(place.timezone))


def _weather(answer: _Answer, zone: ZoneInfo) -> Weather:
    hourly = answer.hourly
    columns = zip(
        hourly.time,
        hourly.temperature_2m,
        hourly.weather_code,
        hourly.apparent_temperature,
        hourly.precipitation,
        hourly.precipitation_probability,
        hourly.wind_speed_10m,
        strict=False,
    )
    hours = tuple(
        Hour(time.replace(tzinfo=zone), temperature, code, feels_like, precipitation, probability, wind)
        for time, temperature, code, feels_like, precipitation, probability, wind in columns
        if temperature is not None
    )
    return Weather(_ORIGIN, hours, _current(answer.current, hours, zone))


def _current(current: _Current | None, hours: tuple[Hour, ...], zone: ZoneInfo) -> Hour | None:
    if current is None or current.temperature_2m is None:
        return None
    time = current.time.replace(tzinfo=zone)
    # Only the hourly values tell a probability.
    passing = next((hour for hour in hours if hour.time == time.replace(minute=0)), None)
    return Hour(
        time=time,
        temperature=current.temperature_2m,
        code=current.weather_code,
        feels_like=current.apparent_temperature,
        precipitation=current.precipitation,
        probability=passing.probability if passing else None,
        wind=current.wind_speed_10m,
    )
