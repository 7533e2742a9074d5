"""A local server that speaks Open-Meteo's geocoding and forecast, and MET Norway's locationforecast.

    async with WeatherServer() as weather:
        context = Context(..., config=weather.config)
        weather.fail("forecast", status=500)

Its days are made from a curve, so any date can be asked for: 4 degrees above `temperature` at 15:00, and
4 below at 03:00.
"""

from __future__ import annotations

import asyncio
import contextlib
import math
from dataclasses import asdict, dataclass, field, replace
from datetime import UTC, date, datetime, timedelta
from typing import Any, Literal, Self
from zoneinfo import ZoneInfo

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from bot.http_server import serve

Service = Literal["geocoding", "forecast", "met_norway"]
"""`forecast` is Open-Meteo's."""


@dataclass(frozen=True)
class Spot:
    """A place of the geocoder, and the weather there."""

    name: str
    admin1: str
    country: str
    country_code: str
    latitude: float
    longitude: float
    timezone: str
    population: int
    temperature: float = 10.0
    code: int = 3
    symbol: str = "cloudy"
    probability: int = 20
    wind_kmh: float = 14.4


SPOTS = (
    Spot(
        "Boston", "Massachusetts", "United States", "US", 42.35843, -71.05977, "America/New_York", 675647,
        temperature=6.0, code=61, symbol="lightrain", probability=60,
    ),
    Spot("Boston", "England", "United Kingdom", "GB", 52.97633, -0.02664, "Europe/London", 41340),
    Spot(
        "London", "England", "United Kingdom", "GB", 51.50853, -0.12574, "Europe/London", 8961989,
        temperature=9.0, code=2, symbol="partlycloudy_night", probability=10,
    ),
    Spot("London", "Ontario", "Canada", "CA", 42.98339, -81.23304, "America/Toronto", 422324, temperature=3.0),
    Spot("Londonderry", "Northern Ireland", "United Kingdom", "GB", 54.9981, -7.30934, "Europe/London", 83652),
    Spot("Portland", "Oregon", "United States", "US", 45.52345, -122.67621, "America/Los_Angeles", 652503),
    Spot("Portland", "Maine", "United States", "US", 43.65737, -70.2589, "America/New_York", 68408),
    Spot(
        "San Francisco", "California", "United States", "US", 37.77493, -122.41942,
        "America/Los_Angeles", 873965,
    ),
    Spot("San Francisco", "Córdoba", "Argentina", "AR", -31.428, -62.08266, "America/Argentina/Cordoba", 59062),
    Spot("Paris", "Île-de-France", "France", "FR", 48.85341, 2.3488, "Europe/Paris", 2138551),
    Spot(
        "Paris", "Texas", "United States", "US", 33.66094, -95.55551, "America/Chicago", 24782,
        temperature=15.0,
    ),
    Spot("Tokyo", "Tokyo", "Japan", "JP", 35.6895, 139.69171, "Asia/Tokyo", 9733276, temperature=14.0),
    Spot("New York", "New York", "United States", "US", 40.71427, -74.00597, "America/New_York", 8804190),
    Spot("Sydney", "New South Wales", "Australia", "AU", -33.86785, 151.20732, "Australia/Sydney", 5450496),
    Spot("Berlin", "State of Berlin", "Germany", "DE", 52.52437, 13.41053, "Europe/Berlin", 3426354),
    Spot("Reykjavik", "Capital Region", "Iceland", "IS", 64.13548, -21.89541, "Atlantic/Reykjavik", 118918),
    Spot("Twin Peaks", "Washington", "United States", "US", 47.54, -121.83, "America/Los_Angeles", 3000),
)  # fmt: skip


@dataclass(frozen=True)
class Failure:
    """How a service misbehaves."""

    status: int
    body: bytes
    hangs: bool


@dataclass
class WeatherServer:
    """Serves as long as its `async with` block lasts."""

    now: datetime = field(default_factory=lambda: datetime.now(UTC))
    """When MET Norway's series begins."""
    spots: list[Spot] = field(default_factory=lambda: list(SPOTS))
    requests: list[tuple[Service, dict[str, str]]] = field(default_factory=list)
    """Every request: the service, and its query."""
    headers: list[dict[str, str]] = field(default_factory=list)
    url: str = ""

    _failures: dict[Service, Failure] = field(default_factory=dict)
    _stopping: asyncio.Event = field(default_factory=asyncio.Event)
    _stack: contextlib.AsyncExitStack = field(default_factory=contextlib.AsyncExitStack)

    async def __aenter__(self) -> Self:
        self.url = await self._stack.enter_async_context(serve(self._app()))
        return self

    async def __aexit__(self, *exception: object) -> None:
        self._stopping.set()
        await self._stack.aclose()

    @property
    def config(self) -> dict[str, str]:
        """What `Context.config` needs, and the environment of a whole bot, to ask this server."""
        return {
            "OPEN_METEO_GEOCODING_URL": self.url,
            "OPEN_METEO_URL": self.url,
            "MET_NORWAY_URL": self.url,
        }

    def fail(self, service: Service, *, status: int = 500, body: bytes = b"{}", hangs: bool = False) -> None:
        """Answer `service` with this until `recover`. `hangs` never answers."""
        self._failures[service] = Failure(status, body, hangs)

    def recover(self, service: Service) -> None:
        """Answer `service` properly again."""
        self._failures.pop(service, None)

    def change(self, name: str, **values: Any) -> None:
        """Change the weather of every spot called `name`: `change("Boston", temperature=20.0, code=0)`."""
        self.spots = [replace(spot, **values) if spot.name == name else spot for spot in self.spots]

    def asked(self, service: Service) -> list[dict[str, str]]:
        """The queries that `service` got."""
        return [query for asked, query in self.requests if asked == service]

    def _app(self) -> Starlette:
        async def geocoding(request: Request) -> Response:
            return await self._answer("geocoding", request, self._search)

        async def forecast(request: Request) -> Response:
            return await self._answer("forecast", request, self._forecast)

        async def met_norway(request: Request) -> Response:
            return await self._answer("met_norway", request, self._timeseries)

        return Starlette(
            routes=[
                Route("/v1/search", geocoding),
                Route("/v1/forecast", forecast),
                Route("/weatherapi/locationforecast/2.0/compact", met_norway),
            ]
        )

    async def _answer(self, service: Service, request: Request, answer: Any) -> Response:
        query = dict(request.query_params)
        self.requests.append((service, query))
        self.headers.append(dict(request.headers))
        failure = self._failures.get(service)
        if failure is None:
            return JSONResponse(answer(query))
        if failure.hangs:
            await self._stopping.wait()
        return Response(failure.body, failure.status, media_type="application/json")

    def _search(self, query: dict[str, str]) -> dict[str, Any]:
        """Names that begin with what was asked, as the real service finds them from three letters on."""
        name = query["name"].lower()
        found = [
            spot
            for spot in sorted(self.spots, key=lambda spot: -spot.population)
            if spot.name.lower() == name or (len(name) >= 3 and spot.name.lower().startswith(name))
        ][: int(query.get("count", "10"))]
        keys = ("temperature", "code", "symbol", "probability", "wind_kmh")
        results = [{k: v for k, v in asdict(spot).items() if k not in keys} for spot in found]
        return {"results": results, "generationtime_ms": 0.5} if results else {"generationtime_ms": 0.5}

    def _forecast(self, query: dict[str, str]) -> dict[str, Any]:
        spot = self._nearest(query["latitude"], query["longitude"])
        first, last = date.fromisoformat(query["start_date"]), date.fromisoformat(query["end_date"])
        midnight = datetime.combine(first, datetime.min.time())
        times = [midnight + timedelta(hours=hour) for hour in range(((last - first).days + 1) * 24)]
        noon = midnight.replace(hour=12)
        return {
            "latitude": spot.latitude,
            "longitude": spot.longitude,
            "timezone": spot.timezone,
            "current_units": {"temperature_2m": "°C", "wind_speed_10m": "km/h"},
            "current": {"time": _minutes(noon), "interval": 900, **_open_meteo(spot, noon)},
            "hourly": {
                "time": [_minutes(time) for time in times],
                "precipitation_probability": [spot.probability for _ in times],
                **{key: [_open_meteo(spot, time)[key] for time in times] for key in _open_meteo(spot, noon)},
            },
        }

    def _timeseries(self, query: dict[str, str]) -> dict[str, Any]:
        """Hourly for two days, then every six hours until the ninth day."""
        spot = self._nearest(query["lat"], query["lon"])
        start = self.now.astimezone(UTC).replace(minute=0, second=0, microsecond=0)
        hours = [*range(48), *range(48, 9 * 24, 6)]
        return {
            "type": "Feature",
            "geometry": {"type": "Point", "coordinates": [spot.longitude, spot.latitude, 10]},
            "properties": {
                "meta": {"units": {"air_temperature": "celsius", "wind_speed": "m/s"}},
                "timeseries": [_met_norway(spot, start + timedelta(hours=hour), hour < 48) for hour in hours],
            },
        }

    def _nearest(self, latitude: str, longitude: str) -> Spot:
        here = (float(latitude), float(longitude))
        return min(self.spots, key=lambda spot: math.dist(here, (spot.latitude, spot.longitude)))


def _open_meteo(spot: Spot, time: datetime) -> dict[str, Any]:
    temperature = _temperature(spot, time)
    return {
        "temperature_2m": temperature,
        "apparent_temperature": round(temperature - 2, 1),
        "precipitation": 0.3 if spot.code >= 51 else 0.0,
        "weather_code": spot.code,
        "wind_speed_10m": spot.wind_kmh,
    }


def _met_norway(spot: Spot, time: datetime, hourly: bool) -> dict[str, Any]:
    details = {
        "air_temperature": _temperature(spot, time.astimezone(ZoneInfo(spot.timezone))),
        "wind_speed": round(spot.wind_kmh / 3.6, 1),
    }
    ahead = {"summary": {"symbol_code": spot.symbol}, "details": {"precipitation_amount": 0.0}}
    data = {"instant": {"details": details}, "next_6_hours": ahead}
    return {"time": f"{time:%Y-%m-%dT%H:%M:%SZ}", "data": data | ({"next_1_hours": ahead} if hourly else {})}


def _temperature(spot: Spot, time: datetime) -> float:
    return round(spot.temperature + 4 * math.cos((time.hour - 15) / 24 * math.tau), 1)


def _minutes(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M")
