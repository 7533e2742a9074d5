"""What people write for units that the unit library does not know, or takes for another unit."""

from __future__ import annotations

import re

_EXACT = {
    "Mb": "megabit", "Gb": "gigabit", "Kb": "kilobit", "b": "bit", "MBps": "megabyte/second",
    "MT": "metric_ton", "GBps": "gigabyte/second", "Cal": "kilocalorie", "Calorie": "kilocalorie",
    "Calories": "kilocalorie", "Gal": "gallon",
    "Nm": "newton*meter", "NM": "nautical_mile", "PS": "metric_horsepower",
}  # fmt: skip
_ANY_CASE = {
    # To the library, C is the coulomb, c the speed of light, and F the farad.
    "c": "degree_Celsius", "centigrade": "degree_Celsius", "f": "degree_Fahrenheit", "k": "kelvin",
    "mpg": "mile/gallon", "us mpg": "mile/gallon", "uk mpg": "mile/imperial_gallon",
    "kmh": "kilometer/hour", "kmph": "kilometer/hour", "kmpl": "kilometer/liter", "kms": "kilometer",
    "sqm": "meter^2", "sqft": "foot^2", "sf": "foot^2", "sqkm": "kilometer^2", "sqmi": "mile^2",
    "sqyd": "yard^2", "ac": "acre", "cbm": "meter^3", "cuft": "foot^3", "'": "foot", '"': "inch",
    "fl oz": "fluid_ounce", "lb/in^2": "psi", "lb/in2": "psi", "lbs/in^2": "psi", "lbs/in2": "psi",
    "lb ft": "foot_pound", "lbs ft": "foot_pound", "lbf ft": "foot_pound", "pound feet": "foot_pound",
    "pound foot": "foot_pound", "newton meter": "newton*meter", "newton meters": "newton*meter",
    "newton metre": "newton*meter", "newton metres": "newton*meter",
    "metric tonne": "metric_ton", "metric tonnes": "metric_ton",
    # To the library, a barrel is one of dry goods, cfm a hundredth of a fermi, and a decade a logarithm.
    "bbl": "oil_barrel", "bbls": "oil_barrel", "barrel": "oil_barrel", "barrels": "oil_barrel",
    "cfm": "foot^3/minute", "gpm": "gallon/minute", "decade": "ten_years", "decades": "ten_years",
    "us fl oz": "fluid_ounce", "uk fl oz": "imperial_fluid_ounce", "us cup": "cup", "us gallon": "gallon",
    "us gallons": "gallon", "uk gallon": "imperial_gallon", "uk gallons": "imperial_gallon",
    "us pint": "pint", "us pints": "pint", "uk pint": "imperial_pint", "uk pints": "imperial_pint",
    "st": "stone", "kilo": "kilogram", "kilos": "kilogram", "kgs": "kilogram", "gm": "gram", "gms": "gram",
    "us ton": "short_ton", "us tons": "short_ton", "uk ton": "long_ton", "uk tons": "long_ton",
    "kb": "kilobyte", "mb": "megabyte", "gb": "gigabyte", "tb": "terabyte", "pb": "petabyte",
    # To the library, mbit is a thousandth of a bit.
    "kbit": "kilobit", "mbit": "megabit", "gbit": "gigabit", "tbit": "terabit", "kbits": "kilobit",
    "mbits": "megabit", "gbits": "gigabit", "tbits": "terabit", "kbyte": "kilobyte", "mbyte": "megabyte",
    "gbyte": "gigabyte", "tbyte": "terabyte", "kbytes": "kilobyte", "mbytes": "megabyte",
    "gbytes": "gigabyte", "tbytes": "terabyte",
    "mbps": "megabit/second", "gbps": "gigabit/second", "btus": "Btu", "wk": "week", "wks": "week",
    "mo": "month", "mos": "month", "mth": "month", "mths": "month",
}  # fmt: skip
_DEGREES = re.compile(
    r"(?:degrees?|deg\.?|°) ?(?=(?:[cfk]|celsius|centigrade|fahrenheit|kelvin)$)", re.IGNORECASE
)

NOTES = {"oil_barrel": "A barrel is taken as one of oil: 42 US gallons."}
"""What to say of a unit whose name has several meanings."""


def spelled_out(text: str) -> str | None:
    """The unit meant by `text` in the names and signs of the grammar; `None` if it stands for itself."""
    name = re.sub(r"[\s_-]+", " ", text.strip())
    without_degrees = _DEGREES.sub("", name)
    meant = _EXACT.get(name) or _ANY_CASE.get(without_degrees.lower())
    return meant or (without_degrees if without_degrees != name else None)
