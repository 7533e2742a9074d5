"""Time zones by the names that people use, without asking anybody."""

from __future__ import annotations

import io
import re
import struct
from datetime import datetime
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
# The abbreviations of half a year, which many write all year.
_SEASONAL = frozenset(
    {
        "est",
        "edt",
        "cst",
        "cdt",
        "mst",
        "mdt",
        "pst",
        "pdt",
        "bst",
        "cet",
        "cest",
        "eet",
        "aest",
        "aedt",
        "nzst",
    }
)
_OFFSET = re.compile(r"(?:utc|gmt)? ?([+-]) ?(\d{1,2})(?::?([0-5]\d))?", re.IGNORECASE)
_MOST_OFFSET_HOURS = 14


def zone_or_utc(name: str) -> ZoneInfo:
    """The zone called `name`, or UTC if there is none: whatever comes from outside may be outdated or wrong."""
    if (minutes := _offset_minutes(name)) is not None:
        return _fixed_zone(minutes)
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return ZoneInfo("UTC")


def zone_called(text: str) -> str | None:
    """The zone that is written out (`europe/paris`, `UTC`), abbreviated (`PST`) or an offset (`UTC+5:30`)."""
    if (minutes := _offset_minutes(text)) is not None:
        return _fixed_zone(minutes).key
    name = folded(text.replace("_", " "))
    return _ALIASES.get(name) or _zones_by_name().get(name)


def season_note(written: str, at: datetime) -> str:
    """What to say where clocks show another time than the abbreviation `written`; empty if they don't."""
    shown = at.tzname() or ""
    if written.lower() not in _SEASONAL or shown.lower() == written.lower():
        return ""
    zone = _ALIASES[written.lower()].rpartition("/")[2].replace("_", " ")
    return f"{written} is read as the time in {zone}, which is {shown} (UTC{at.isoformat()[-6:]}) then."


def zone_of_city(text: str) -> str | None:
    """The zone that is named after a city: `tokyo`, `New York`."""
    return _zones_by_city().get(folded(text.replace("_", " ")))


def zones_of_country(text: str) -> tuple[str, ...]:
    """All zones of a country, by its name, code or a common alias; empty if there is no such country."""
    names = (folded(text), *map(folded, meanings(folded(text))))
    return next((found for name in names if (found := _zones_by_country().get(name))), ())


def _offset_minutes(text: str) -> int | None:
    """Minutes ahead of UTC, as in `UTC+2`, `GMT-8`, `+05:30`."""
    found = _OFFSET.fullmatch(text.replace("\N{MINUS SIGN}", "-").strip())
    if found is None:
        return None
    minutes = int(found[2]) * 60 + int(found[3] or 0)
    return None if minutes > _MOST_OFFSET_HOURS * 60 else -minutes if found[1] == "-" else minutes


@cache
def _fixed_zone(minutes: int) -> ZoneInfo:
    """A zone as in the database (RFC 8536), which has none of its own for half hours, and inverted signs."""
    hours, rest = divmod(abs(minutes), 60)
    name = f"UTC{'-' if minutes < 0 else '+'}{hours:02}:{rest:02}"
    abbreviation = name.encode() + b"\0"
    counts = struct.pack(">6l", 0, 0, 0, 0, 1, len(abbreviation))
    data = b"TZif" + bytes(16) + counts + struct.pack(">lbb", minutes * 60, 0, 0) + abbreviation
    return ZoneInfo.from_file(io.BytesIO(data), key=name)


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
