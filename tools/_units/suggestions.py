"""Words for a unit that is unknown, or that measures something else."""

from __future__ import annotations

import difflib
from collections.abc import Mapping
from fractions import Fraction

# Those that people convert; the nearest of all thousand would be more exotic than helpful.
_COMMON = (
    "meter", "kilometer", "centimeter", "millimeter", "inch", "foot", "yard", "mile", "nautical mile",
    "light year", "gram", "kilogram", "milligram", "pound", "ounce", "stone", "ton", "metric ton", "carat",
    "liter", "milliliter", "gallon", "quart", "pint", "cup", "tablespoon", "teaspoon", "fluid ounce",
    "square meter", "square foot", "acre", "hectare", "celsius", "fahrenheit", "kelvin",
    "second", "minute", "hour", "day", "week", "month", "year", "mph", "km/h", "knot",
    "joule", "kilojoule", "calorie", "kilocalorie", "kWh", "watt", "kilowatt", "horsepower", "newton",
    "pascal", "bar", "psi", "atmosphere", "bit", "byte", "kilobyte", "megabyte", "gigabyte", "terabyte",
    "degree", "radian", "hertz", "volt", "ampere", "mpg",
)  # fmt: skip
_MONEY = frozenset(
    {"usd", "eur", "gbp", "jpy", "chf", "cad", "aud", "dollar", "dollars", "euro", "euros", "yen"}
)
_QUANTITIES: tuple[tuple[str, Mapping[str, int]], ...] = (
    ("a length", {"meter": 1}),
    ("an area", {"meter": 2}),
    ("a volume", {"meter": 3}),
    ("a mass", {"gram": 1}),
    ("a time", {"second": 1}),
    ("a temperature", {"kelvin": 1}),
    ("a speed", {"meter": 1, "second": -1}),
    ("an acceleration", {"meter": 1, "second": -2}),
    ("a force", {"gram": 1, "meter": 1, "second": -2}),
    ("an energy", {"gram": 1, "meter": 2, "second": -2}),
    ("a power", {"gram": 1, "meter": 2, "second": -3}),
    ("a pressure", {"gram": 1, "meter": -1, "second": -2}),
    ("an amount of data", {"bit": 1}),
    ("a data rate", {"bit": 1, "second": -1}),
    ("an angle", {"radian": 1}),
    ("a rate of turning", {"radian": 1, "second": -1}),
    ("a frequency", {"second": -1}),
    ("an electric current", {"ampere": 1}),
    ("a plain number", {}),
)


def similar_units(name: str) -> str:
    """A sentence, after a space, with the units that may have been meant; empty if none come near."""
    written = name.replace("_", " ").lower()
    if written in _MONEY:
        return " For money, call convert_currency."
    between = " Write * between units." if " " in written else ""
    near = difflib.get_close_matches(written[:20], _COMMON, n=3, cutoff=0.65)
    if near:
        return f"{between} Did you mean {' or '.join(near)}?"
    return f"{between} Write it in English, such as meter or square foot."


def mismatch(
    source: str, source_base: Mapping[str, Fraction], target: str, target_base: Mapping[str, Fraction]
) -> str:
    """Why there is no way from one unit to the other."""
    kinds = _kind(source_base), _kind(target_base)
    hint = {
        ("a mass", "a volume"): " That takes a density. An ounce of volume is a fl oz.",
        ("a volume", "a mass"): " That takes a density. An ounce of volume is a fl oz.",
        ("a rate of turning", "a frequency"): " Divide the turns per minute (rpm) by 60 for turns per second.",
        ("a frequency", "a rate of turning"): " Multiply the turns per second by 60 for rpm.",
    }.get(kinds, "")
    return f"{source} is {kinds[0]} and {target} is {kinds[1]}, so one cannot become the other.{hint}"


def _kind(base: Mapping[str, Fraction]) -> str:
    known = next((words for words, its_base in _QUANTITIES if its_base == base), None)
    return known or "a measure of " + " ".join(
        name if power == 1 else f"{name}^{power}" for name, power in sorted(base.items())
    )
