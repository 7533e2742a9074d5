"""The sky in words: WMO weather codes, and MET Norway's symbols as such codes.

Codes: open-meteo.com/en/docs (WMO 4677, as far as models produce it).
Symbols: api.met.no/weatherapi/weathericon.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable

_WORDS = {
    0: "clear sky", 1: "mainly clear", 2: "partly cloudy", 3: "overcast", 45: "fog", 48: "freezing fog",
    51: "light drizzle", 53: "drizzle", 55: "heavy drizzle", 56: "light freezing drizzle",
    57: "freezing drizzle", 61: "light rain", 63: "rain", 65: "heavy rain",
    66: "light freezing rain", 67: "freezing rain",
    68: "light sleet", 69: "sleet", 71: "light snow", 73: "snow", 75: "heavy snow", 77: "snow grains",
    80: "light rain showers", 81: "rain showers", 82: "violent rain showers", 83: "light sleet showers",
    84: "sleet showers", 85: "snow showers", 86: "heavy snow showers",
    95: "thunderstorm", 96: "thunderstorm with hail", 99: "thunderstorm with heavy hail",
}  # fmt: skip
_SYMBOLS = {
    "clearsky": 0, "fair": 1, "partlycloudy": 2, "cloudy": 3, "fog": 45,
    "lightrain": 61, "rain": 63, "heavyrain": 65, "lightsleet": 68, "sleet": 69, "heavysleet": 69,
    "lightsnow": 71, "snow": 73, "heavysnow": 75,
    "lightrainshowers": 80, "rainshowers": 81, "heavyrainshowers": 82, "lightsleetshowers": 83,
    "sleetshowers": 84, "heavysleetshowers": 84, "lightsnowshowers": 85, "snowshowers": 85,
    "heavysnowshowers": 86,
}  # fmt: skip

# From the mildest to the roughest: the numbers of the codes are in another order.
_KINDS = (
    (45, 48),
    (51, 53, 55, 80, 61, 81, 63, 65, 82),
    (68, 83, 69, 84, 56, 66, 57, 67),
    (77, 71, 85, 73, 86, 75),
    (95, 96, 99),
)
"""Fog, rain, sleet and what freezes on the ground, snow, thunder."""


def in_words(code: int | None) -> str:
    """A WMO code in words."""
    return _WORDS.get(code, "unknown conditions") if code is not None else "unknown conditions"


def code_of_symbol(symbol: str | None) -> int | None:
    """A symbol of MET Norway, such as `lightrainshowers_night`, as a WMO code."""
    base = (symbol or "").split("_")[0]
    return 95 if base.endswith("thunder") else _SYMBOLS.get(base)


def conditions(codes: Collection[int | None]) -> str:
    """What most hours have, and what is rougher in others: `overcast, at times heavy snow, thunderstorm`."""
    usual, present = most_telling(codes), set(codes)
    roughest = (max(present.intersection(kind), key=kind.index, default=usual) for kind in _KINDS)
    at_times = ", ".join(in_words(code) for code in roughest if code != usual)
    return in_words(usual) + (f", at times {at_times}" if at_times else "")


def most_telling(codes: Iterable[int | None]) -> int | None:
    """The code of the most hours; of those equally frequent, the roughest."""
    counted = Counter(code for code in codes if code is not None)
    return max(counted, key=lambda code: (counted[code], code), default=None)
