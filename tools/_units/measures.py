"""What units measure, and how much of it, by the definitions of the pint library."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from fractions import Fraction
from functools import cache, lru_cache
from types import MappingProxyType
from typing import TYPE_CHECKING

from tools._framework.errors import ToolRetry
from tools._units.expression import Factor
from tools._units.suggestions import similar_units

if TYPE_CHECKING:
    import pint

_MOST_POWER = 12
_LARGER = {"milli": "mega", "pico": "peta", "zepto": "zetta", "yocto": "yotta"}
"""Prefixes whose letters differ only in case: MOHM read as mohm would be wrong by a billion."""


@dataclass(frozen=True, slots=True)
class Measure:
    """A unit as so many base units: `scale * value + offset`, exactly."""

    scale: Fraction
    offset: Fraction
    base: Mapping[str, Fraction]
    """Powers of base units: a newton is `{"gram": 1, "meter": 1, "second": -2}`."""


def measure(factors: Sequence[Factor]) -> Measure:
    """The measure of a unit in parts.

    Raises:
        ToolRetry: a name is unknown, or is on no linear scale.
    """
    named = [(_named(factor.name), factor.power) for factor in factors]
    if len(named) == 1 and named[0][1] == 1:
        return named[0][0]
    # Within a product a degree is a difference: a rise of 1 °C per metre has no zero point.
    scale, base = Fraction(1), dict[str, Fraction]()
    for one, power in named:
        if abs(power) > _MOST_POWER:
            raise ToolRetry(f"Powers of units go up to {_MOST_POWER}.")
        scale *= one.scale**power
        for name, own in one.base.items():
            base[name] = base.get(name, Fraction(0)) + own * power
    return Measure(scale, Fraction(0), _without_zeros(base))


@lru_cache(maxsize=1024)
def _named(name: str) -> Measure:
    registry = _registry()
    as_given = registry.parse_unit_name(name)
    found = as_given or registry.parse_unit_name(name.lower())
    if not found:
        raise ToolRetry(f"{name.replace('_', ' ')[:40]!r} is not a known unit.{similar_units(name)}")
    prefix, unit, _ = found[0]
    larger = _LARGER.get(prefix)
    if larger and not as_given and name[0].isupper() and not name.lower().startswith(prefix):
        raise ToolRetry(f"{name!r} may be {larger} or {prefix}. Write {larger}{unit} or {prefix}{unit}.")
    # A container of one name goes past the library's parser.
    container = registry.UnitsContainer({prefix + unit: 1})
    try:
        zero, one = (registry.Quantity(Fraction(value), container).to_root_units() for value in (0, 1))
    except TypeError as error:
        raise ToolRetry(f"{prefix}{unit} has no meaning: {unit} takes no prefix.") from error
    if not isinstance(one.magnitude, Fraction):
        raise ToolRetry(f"{unit} is on a logarithmic scale, which cannot be converted here.")
    base = {name: Fraction(str(power)) for name, power in one.unit_items()}
    return Measure(one.magnitude - zero.magnitude, zero.magnitude, MappingProxyType(base))


@cache
def _registry() -> pint.UnitRegistry[Fraction]:
    # Loading pint and its thousand definitions takes 0.4 seconds, which only those who convert should wait for;
    # and as the tool is a plain function, they wait in a thread and the event loop does not.
    import pint

    # It would log every name that could be read in two ways, such as dB.
    logging.getLogger("pint").setLevel(logging.ERROR)
    registry: pint.UnitRegistry[Fraction] = pint.UnitRegistry(non_int_type=Fraction)
    registry.define("hundred_kilometers = 100 * kilometer")
    registry.define("ten_years = 10 * year")
    return registry


def _without_zeros(base: Mapping[str, Fraction]) -> Mapping[str, Fraction]:
    return MappingProxyType({name: power for name, power in base.items() if power})
