"""Big cities that are known without asking anybody."""

from __future__ import annotations

import json
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from tools._places.place import Place, Query, folded


@dataclass(frozen=True, slots=True)
class Climate:
    """What the weather of a city is roughly like: degrees Celsius, and percent."""

    mean: float
    """Over the year."""
    season: float
    """How far midsummer is above the mean; negative where July is winter."""
    swing: float
    """How far the afternoon is above the day's mean."""
    wet: int
    """How likely it is that a day has rain or snow."""


@dataclass(frozen=True, slots=True)
class City:
    """A place with its climate."""

    place: Place
    climate: Climate


@cache
def all_cities() -> tuple[City, ...]:
    """The bundled cities, the largest first."""
    rows = json.loads(Path(__file__).with_name("cities.json").read_text(encoding="utf-8"))
    cities = [City(Place(**row["place"]), Climate(**row["climate"])) for row in rows]
    return tuple(sorted(cities, key=lambda city: -city.place.population))


def find_cities(text: str) -> list[City]:
    """The cities that are exactly what somebody wrote, best first. Nothing is guessed."""
    for query in Query.read(text).readings():
        named = {city.place: city for city in all_cities() if folded(city.place.name) == folded(query.name)}
        if matches := query.matches(named):
            return [named[place] for place in matches]
    return []


def climate_at(place: Place) -> Climate | None:
    """The climate of `place` if it is one of the cities."""
    return next((city.climate for city in all_cities() if city.place.label == place.label), None)
