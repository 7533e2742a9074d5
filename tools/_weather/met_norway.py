"""MET Norway's forecast for any place on earth, about nine days ahead.

Protocol: api.met.no/weatherapi/locationforecast/2.0. Its terms want at most four decimals in coordinates and a
User-Agent by which whoever runs the program can be reached.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from pydantic import BaseModel

from tools._framework.context import Context
from tools._places.place import Place
from tools._services.service import fetch
from tools._weather.conditions import code_of_symbol
from tools._weather.observation import Hour, Origin, Weather
from tools._zones import zone_or_utc

_URL = "https://api.met.no"
_ORIGIN = Origin("MET Norway", "https://www.met.no/en", licence="CC BY 4.0")
_KMH_PER_MS = 3.6


class _Instant(BaseModel):
    air_temperature: float
    wind_speed: float | None = None


class _Details(BaseModel):
    details: _Instant


class _Summary(BaseModel):
    symbol_code: str | None = None


class _Span(BaseModel):
    summary: _Summary = _Summary()
    details: dict[str, float | None] = {}


class _Data(BaseModel):
    instant: _Details
    next_1_hours: _Span | None = None
    next_6_hours: _Span | None = None


class _Step(BaseModel):
    time: datetime
    data: _Data


class _Properties(BaseModel):
    timeseries: list[_Step]


class _Answer(BaseModel):
    properties: _Properties


async def forecast(context: Context, place: Place) -> Weather:
    """The weather from now on: hourly for two days or so, then every six hours.

    Raises:
        ServiceError: MET Norway gives no usable answer.
    """
    url = context.setting("MET_NORWAY_URL", _URL).rstrip("/")
    params: dict[str, Any] = {"lat": round(place.latitude, 4), "lon": round(place.longitude, 4)}
    agent = f"threadloop {context.setting('TOOLS_CONTACT', '')}".strip()
    answer = await fetch(
        context,
        "MET Norway",
        f"{url}/weatherapi/locationforecast/2.0/compact",
        params,
        _Answer,
        headers={"User-Agent": agent},
    )
    hours = tuple(_hour(step, place) for step in answer.properties.timeseries)
    # The series begins with the hour that is passing.
    return Weather(_ORIGIN, hours, hours[0] if hours else None)


def _hour(step: _Step, place: Place) -> Hour:
    ahead = step.data.next_1_hours or step.data.next_6_hours or _Span()
    instant = step.data.instant.details
    return Hour(
        time=step.time.astimezone(zone_or_utc(place.timezone)),
        temperature=instant.air_temperature,
        code=code_of_symbol(ahead.summary.symbol_code),
        precipitation=ahead.details.get("precipitation_amount"),
        probability=ahead.details.get("probability_of_precipitation"),
        wind=None if instant.wind_speed is None else instant.wind_speed * _KMH_PER_MS,
    )
