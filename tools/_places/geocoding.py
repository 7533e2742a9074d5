"""From a written place to coordinates and a time zone: Open-Meteo's geocoder, then the bundled cities.

Protocol: open-meteo.com/en/docs/geocoding-api. A name without a match is answered without `results`.
"""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from typing import Any

from pydantic import BaseModel

from tools._framework.context import Context
from tools._framework.errors import ToolFailed, ToolRetry
from tools._places.cities import all_cities, find_cities
from tools._places.place import Place, Query, folded
from tools._services.service import ServiceError, Unreachable, fetch

_FREE_URL = "https://geocoding-api.open-meteo.com"
_PAID_URL = "https://customer-geocoding-api.open-meteo.com"
_MOST_OTHERS = 3
# London in Ontario has 4 % of London's people, and nobody means it; Portland in Maine has 10 % of Oregon's.
_RIVAL_SHARE = 0.1
_LIKENESS = 0.6


class _Match(BaseModel):
    name: str
    latitude: float
    longitude: float
    admin1: str | None = None
    country: str | None = None
    country_code: str | None = None
    timezone: str | None = None
    population: int | None = None

    def to_place(self) -> Place:
        return Place(
            name=self.name,
            admin1=self.admin1 or "",
            country=self.country or "",
            country_code=self.country_code or "",
            latitude=self.latitude,
            longitude=self.longitude,
            timezone=self.timezone or "UTC",
            population=self.population or 0,
        )


class _Answer(BaseModel):
    results: list[_Match] = []


@dataclass(frozen=True, slots=True)
class Found:
    """The place that was taken, and others of that name that may have been meant."""

    place: Place
    also: tuple[Place, ...] = ()


async def find_place(context: Context, text: str) -> Found:
    """The place that somebody most likely means.

    Raises:
        ToolRetry: there is no such place; the text suggests others.
        ToolFailed: the geocoder gives no answer, and the place is not among the bundled cities.
    """
    if not any(letter.isalnum() for letter in text) or len(text) > 200:
        raise ToolRetry("Name a city, with its state or country if there are several: Portland, ME.")
    try:
        return await _look_up(context, text)
    except ServiceError as error:
        return _look_up_offline(text, error)


async def _look_up(context: Context, text: str) -> Found:
    query = Query.read(text)
    namesakes: list[Place] = []
    for reading in query.readings():
        places = await _search(context, reading.name, count=100 if reading.regions else 20)
        if matches := reading.matches(places):
            return _found(matches)
        namesakes = namesakes or places
    raise ToolRetry(await _unknown(context, text, query, namesakes))


def _found(matches: list[Place]) -> Found:
    taken, *others = matches
    rivals = [
        place
        for place in others
        if folded(place.name) == folded(taken.name)
        and place.population >= max(1, taken.population * _RIVAL_SHARE)
        and (place.admin1, place.country) != (taken.admin1, taken.country)
    ]
    return Found(taken, tuple(rivals[:_MOST_OTHERS]))


def _look_up_offline(text: str, error: ServiceError) -> Found:
    if cities := find_cities(text):
        return _found([city.place for city in cities])
    near = _nearest(Query.read(text).name, [city.place for city in all_cities()])
    hint = f" Without it only some big cities are known, such as {_listed(near)}." if near else ""
    if isinstance(error, Unreachable) and near:
        raise ToolRetry(f"{text!r} cannot be looked up: {error}.{hint}") from error
    raise ToolFailed(f"{text!r} cannot be looked up: {error}.{hint}") from error


async def _search(context: Context, name: str, *, count: int) -> list[Place]:
    key = context.setting("OPEN_METEO_API_KEY", "")
    url = context.setting("OPEN_METEO_GEOCODING_URL", _PAID_URL if key else _FREE_URL).rstrip("/")
    params: dict[str, Any] = {"name": name, "count": count, "language": "en", "format": "json"}
    if key:
        params["apikey"] = key
    answer = await fetch(context, "Open-Meteo", f"{url}/v1/search", params, _Answer)
    return [match.to_place() for match in answer.results]


async def _unknown(context: Context, text: str, query: Query, namesakes: list[Place]) -> str:
    if namesakes:
        return f"No place is called {text!r}. There is {_listed(namesakes[:_MOST_OTHERS])}."
    shorter = query.name[: max(3, len(query.name) - 2)]
    places = [city.place for city in all_cities()] + await _search(context, shorter, count=20)
    near = _nearest(query.name, places)
    return f"No place is called {text!r}. " + (
        f"Did you mean {_listed(near)}?" if near else "Check the spelling, or name a larger town nearby."
    )


def _nearest(name: str, places: list[Place]) -> list[Place]:
    by_name = {folded(place.name): place for place in reversed(places)}
    names = difflib.get_close_matches(folded(name), by_name, n=_MOST_OTHERS, cutoff=_LIKENESS)
    return [by_name[near] for near in names]


def _listed(places: list[Place]) -> str:
    return " or ".join(place.label for place in places)
