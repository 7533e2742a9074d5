"""From a written place to a time zone, mostly without asking anybody."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from tools._framework.context import Context
from tools._framework.errors import ToolFailed, ToolRetry
from tools._places.cities import all_cities, find_cities
from tools._places.geocoding import find_place
from tools._places.place import Query, folded
from tools._zones import city_names, zone_called, zone_of_city, zone_or_utc, zones_of_country

_HERE = frozenset({"", "here", "local", "me", "my place", "my time", "local time"})
_MOST_ZONES = 4


@dataclass(frozen=True, slots=True)
class Whereabouts:
    """A place as far as its clocks are concerned."""

    label: str
    """The name for people; empty for where the asker is."""
    zone: ZoneInfo


async def whereabouts(context: Context, place: str) -> Whereabouts:
    """Where `place` is: a city, a country with one time, a time zone, "here" for the asker's own, or a person.

    Raises:
        ToolRetry: there is no such place, or it has several times; the text suggests others.
    """
    if folded(place) in _HERE:
        return Whereabouts("", zone_or_utc(context.asker.timezone))
    # Places first: a Jordan in the thread does not move the country.
    known = _known_offline(place, context.now) or _of_a_person(context, place)
    label, zone = known or await _looked_up(context, place)
    return Whereabouts(label, zone_or_utc(zone))


def _of_a_person(context: Context, name: str) -> tuple[str, str] | None:
    """A label and the zone of the one person of the conversation who is called so, by a full or first name."""
    called = folded(name.removeprefix("@"))
    people = {person.id: person for person in (context.asker, *context.participants)}
    full = [person for person in people.values() if folded(person.name) == called]
    first = [person for person in people.values() if called in folded(person.name).split()[:1]]
    found = full or first
    return (f"{found[0].name}'s time zone", found[0].timezone) if len(found) == 1 else None


def _known_offline(place: str, now: datetime) -> tuple[str, str] | None:
    """A label for the place and its zone, where no look-up is needed."""
    if zone := zone_called(place):
        return place.strip(), zone
    if cities := find_cities(place):
        return cities[0].place.short_label, cities[0].place.timezone
    # "Paris, TX" is not the Paris that gave its name to a zone.
    if not Query.read(place).regions and (zone := zone_of_city(place)):
        return zone.rpartition("/")[2].replace("_", " "), zone
    if zones := zones_of_country(place):
        return place.strip(), _common(zones, place, now)
    return None


def _common(zones: tuple[str, ...], country: str, now: datetime) -> str:
    """The zone of a country in which all clocks show the same; Germany has two zones and one time."""
    if len({now.astimezone(zone_or_utc(zone)).utcoffset() for zone in zones}) > 1:
        shown = ", ".join(zones[:_MOST_ZONES])
        raise ToolRetry(f"{country!r} has {len(zones)} time zones ({shown} …). Name a city there.")
    return zones[0]


async def _looked_up(context: Context, place: str) -> tuple[str, str]:
    try:
        found = (await find_place(context, place)).place
    except ToolFailed as error:
        names = [city.place.name for city in all_cities()] + [name.title() for name in city_names()]
        near = list(dict.fromkeys(difflib.get_close_matches(place.title(), names, n=3)))
        hint = (
            f" Did you mean {' or '.join(near)}?" if near else " A time zone such as Europe/Paris always works."
        )
        raise ToolRetry(f"{error}{hint}") from error
    return found.short_label, found.timezone
