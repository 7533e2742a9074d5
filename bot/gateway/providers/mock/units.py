"""Units of measure, and the arithmetic from one to another."""

from __future__ import annotations

import re

# For each kind, its units and how much of the kind's base (metre, gram, litre, km/h, second, byte) each is.
_KINDS: tuple[dict[str, float], ...] = (
    {"mm": 0.001, "cm": 0.01, "m": 1, "km": 1000, "in": 0.0254, "ft": 0.3048, "yd": 0.9144, "mi": 1609.344},
    {"mg": 0.001, "g": 1, "kg": 1000, "oz": 28.349523125, "lb": 453.59237, "st": 6350.29318},
    {"ml": 0.001, "l": 1, "gal": 3.785411784, "cup": 0.2365882365, "pt": 0.473176473},
    {"km/h": 1, "mph": 1.609344, "m/s": 3.6, "kn": 1.852},
    {"s": 1, "min": 60, "h": 3600, "days": 86400, "weeks": 604800},
    {"KB": 1e3, "MB": 1e6, "GB": 1e9, "TB": 1e12, "KiB": 1024, "MiB": 1048576, "GiB": 1073741824},
)

_TEMPERATURES = {
    ("°F", "°C"): "({} - 32) * 5 / 9",
    ("°C", "°F"): "{} * 9 / 5 + 32",
    ("°C", "K"): "{} + 273.15",
    ("K", "°C"): "{} - 273.15",
    ("°F", "K"): "({} - 32) * 5 / 9 + 273.15",
    ("K", "°F"): "({} - 273.15) * 9 / 5 + 32",
}

_NAMES = {
    "mm": "millimet(?:er|re)s?",
    "cm": "centimet(?:er|re)s?",
    "m": "met(?:er|re)s?",
    "km": "kilomet(?:er|re)s?|kms",
    "in": "inch(?:es)?",
    "ft": "f(?:oo|ee)t",
    "yd": "yards?|yds",
    "mi": "miles?",
    "mg": "milligrams?",
    "g": "gram(?:me)?s?",
    "kg": "kilos?|kilogram(?:me)?s?|kgs",
    "oz": "ounces?",
    "lb": "pounds?|lbs",
    "st": "stones?",
    "ml": "millilit(?:er|re)s?",
    "l": "lit(?:er|re)s?",
    "gal": "gallons?",
    "cup": "cups?",
    "pt": "pints?",
    "km/h": "kph|kmh|kilomet(?:er|re)s? per hour",
    "mph": "miles? per hour",
    "m/s": "met(?:er|re)s? per second",
    "kn": "knots?",
    "s": "seconds?|secs?",
    "min": "minutes?|mins",
    "h": "hours?|hrs?",
    "days": "days?",
    "weeks": "weeks?",
    "°C": r"°\s?c|c|(?:degrees? )?(?:celsius|centigrade)|degrees? c",
    "°F": r"°\s?f|f|(?:degrees? )?fahrenheit|degrees? f",
    "K": "k|kelvins?",
}
_SYMBOLS = [*(symbol for kind in _KINDS for symbol in kind), "°C", "°F", "K"]
_SPELLINGS = {
    symbol: rf"(?:{_NAMES[symbol]}|{re.escape(symbol)})" if symbol in _NAMES else re.escape(symbol)
    for symbol in _SYMBOLS
}

PATTERN = "|".join(sorted(_SPELLINGS.values(), key=len, reverse=True))
"""A regular expression for a unit, in any spelling; to be used with IGNORECASE."""


def symbol_of(written: str) -> str:
    """The symbol of a unit that `PATTERN` has found; its case counts only where it matters."""
    exact = (symbol for symbol, spelling in _SPELLINGS.items() if re.fullmatch(spelling, written))
    anyhow = (
        symbol for symbol, spelling in _SPELLINGS.items() if re.fullmatch(spelling, written, re.IGNORECASE)
    )
    return next(exact, None) or next(anyhow)


def formula(number: str, source: str, target: str) -> str | None:
    """The expression that turns `source` into `target`; None where they measure different things."""
    if temperature := _TEMPERATURES.get((source, target)):
        return temperature.format(number)
    for kind in _KINDS:
        if source in kind and target in kind:
            return _scaled(number, kind[source], kind[target])
    return None


def _scaled(number: str, source: float, target: float) -> str:
    divisor = target / source
    # "90 / 60" is easier to follow than "90 * 0.01666666667", and exact.
    if divisor.is_integer() and divisor > 1:
        return f"{number} / {divisor:.0f}"
    return f"{number} * {source / target:.10g}"
