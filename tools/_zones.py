"""Time zones by the names that people use, without asking anybody."""

from __future__ import annotations

from functools import cache
from importlib.resources import files
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from tools._places.place import folded
from tools._places.regions import meanings

_CONTINENTS = (
    "Africa", "America", "Antarctica", "Arctic", "Asia", "Atlantic", "Australia", "Europe", "Indian", "Pacific",
)  # fmt: skip
_ALIASES = {
    "z": "UTC", "zulu": "UTC", "utc": "UTC", "gmt": "Etc/GMT",
    "et": "America/New_York", "est": "America/New_York", "edt": "America/New_York",
    "eastern": "America/New_York", "eastern time": "America/New_York",
    "ct": "America/Chicago", "cst": "America/Chicago", "cdt": "America/Chicago",
    "central time": "America/Chicago",
    "mt": "America/Denver", "mst": "America/Denver", "mdt": "America/Denver", "mountain time": "America/Denver",
    "pt": "America/Los_Angeles", "pst": "America/Los_Angeles", "pdt": "America/Los_Angeles",
    "pacific": "America/Los_Angeles", "pacific time": "America/Los_Angeles",
    "bst": "Europe/London", "cet": "Europe/Paris", "cest": "Europe/Paris", "eet": "Europe/Athens",
    "ist": "Asia/Kolkata", "jst": "Asia/Tokyo", "kst": "Asia/Seoul", "sgt": "Asia/Singapore",
    "hkt": "Asia/Hong_Kong", "aest": "Australia/Sydney", "aedt": "Australia/Sydney", "nzst": "Pacific/Auckland",
}  # fmt: skip


def zone_or_utc(name: str) -> ZoneInfo:
    """The zone called `name`, or UTC if there is none: whatever comes from outside may be outdated or wrong."""
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def zone_called(text: str) -> str | None:
    """The zone that is written out (`europe/paris`, `UTC`) or abbreviated (`PST`)."""
    name = folded(text.replace("_", " "))
    return _ALIASES.get(name) or _zones_by_name().get(name)


def zone_of_city(text: str) -> str | None:
    """The zone that is named after a city: `tokyo`, `New York`."""
    return _zones_by_city().get(folded(text.replace("_", " ")))


def zones_of_country(text: str) -> tuple[str, ...]:
    """All zones of a country, by its name, code or a common alias; empty if there is no such country."""
    names = (folded(text), *map(folded, meanings(folded(text))))
    return next((found for name in names if (found := _zones_by_country().get(name))), ())


@cache
def city_names() -> tuple[str, ...]:
    """The cities that zones are named after, in lower case."""
    return tuple(_zones_by_city())


@cache
def _zones_by_name() -> dict[str, str]:
    names = files("tzdata").joinpath("zones").read_text(encoding="utf-8").split()
    return {folded(name.replace("_", " ")): name for name in names}


@cache
def _zones_by_city() -> dict[str, str]:
    # Deeper names (America/Argentina/San_Juan) are small places that share their name with larger ones.
    parts = [(name.split("/"), name) for name in _zones_by_name().values()]
    return {
        folded(path[1].replace("_", " ")): name
        for path, name in parts
        if len(path) == 2 and path[0] in _CONTINENTS
    }


@cache
def _zones_by_country() -> dict[str, tuple[str, ...]]:
    folder = files("tzdata").joinpath("zoneinfo")
    zones: dict[str, list[str]] = {}
    for code, _, zone, *_ in _rows(folder.joinpath("zone.tab").read_text(encoding="utf-8")):
        zones.setdefault(code, []).append(zone)
    countries = dict(_rows(folder.joinpath("iso3166.tab").read_text(encoding="utf-8")))
    by_code = {folded(code): tuple(zones[code]) for code in zones}
    return by_code | {folded(countries[code]): tuple(zones[code]) for code in zones}


def _rows(table: str) -> list[list[str]]:
    return [line.split("\t") for line in table.splitlines() if line and not line.startswith("#")]
