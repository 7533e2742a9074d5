"""Temperatures and speeds in the units that somebody thinks in."""

from __future__ import annotations

from typing import Literal

Unit = Literal["celsius", "fahrenheit"]

_MILES_PER_KM = 0.621371
_MM_PER_INCH = 25.4
# Where the thermometers on the wall show Fahrenheit: the United States with its islands, and a few others.
_FAHRENHEIT = frozenset({"US", "PR", "GU", "VI", "AS", "MP", "UM", "BS", "BZ", "KY", "PW", "FM", "MH", "LR"})


def usual_unit(locale: str, country_code: str) -> Unit:
    """The unit for somebody with this `locale`; if it names no country, that of the weather's own."""
    _, _, theirs = locale.replace("_", "-").rpartition("-")
    country = theirs.upper() if len(theirs) == 2 and theirs != locale else country_code
    return "fahrenheit" if country in _FAHRENHEIT else "celsius"


def degrees(celsius: float, unit: Unit) -> int:
    """A temperature in whole degrees of `unit`."""
    return round(celsius * 1.8 + 32) if unit == "fahrenheit" else round(celsius)


def sign(unit: Unit) -> str:
    """What stands behind a temperature."""
    return "°F" if unit == "fahrenheit" else "°C"


def speed(kmh: float | None, unit: Unit) -> str | None:
    """A wind as people who use `unit` for temperatures write it."""
    if kmh is None:
        return None
    return f"{round(kmh * _MILES_PER_KM)} mph" if unit == "fahrenheit" else f"{round(kmh)} km/h"


def amount(mm: float, unit: Unit) -> str:
    """Water that falls, as people who use `unit` for temperatures write it; empty if it is next to nothing."""
    shown = f"{mm / _MM_PER_INCH:.1f} in" if unit == "fahrenheit" else f"{mm:.0f} mm"
    return "" if float(shown.split()[0]) == 0 else shown
