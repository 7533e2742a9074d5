"""From one unit of measure to another."""

from __future__ import annotations

import math
from fractions import Fraction

from tools import ToolFailed, ToolRetry, tool
from tools._arithmetic import Number, as_written, is_exact, shown
from tools._units.expression import read_unit
from tools._units.measures import Measure, measure
from tools._units.spellings import NOTES
from tools._units.suggestions import mismatch

# Litres per distance are an area to the base units, and distance per litre the inverse of one.
_FUEL = ({"meter": Fraction(2)}, {"meter": Fraction(-2)})
_WHOLE = 10**15
_TOLD_DIGITS = 7


@tool(title="Converting {from_unit} to {to_unit}", open_to_guests=True)
def convert_units(value: float, from_unit: str, to_unit: str) -> dict[str, str]:
    """Convert a value from one unit of measure to another, exactly.

    Lengths, masses, volumes (US ones, or "imperial pint"), temperatures, speeds, data, energy and so on, also
    products such as kg*m^2/s^2. For money call convert_currency.

    Args:
        value: How many of from_unit.
        from_unit: The unit, e.g. F, lb, miles, mph, square feet, L/100km
        to_unit: The unit to convert to, e.g. C, kg, km, km/h, m^2, mpg
    """
    if not math.isfinite(value):
        raise ToolRetry("The value must be a finite number.")
    amount = as_written(value)
    factors = read_unit(from_unit), read_unit(to_unit)
    source, target = map(measure, factors)
    result = _handy(_converted(amount, source, target, from_unit, to_unit))
    note = next((NOTES[one.name] for unit in factors for one in unit if one.name in NOTES), None)
    equals = "=" if is_exact(result, _TOLD_DIGITS) else "≈"
    return {
        "result": shown(result),
        "unit": to_unit,
        "summary": f"{shown(_handy(amount))} {from_unit} {equals} {shown(result, _TOLD_DIGITS)} {to_unit}",
        **({"note": note} if note else {}),
    }


def _converted(amount: Fraction, source: Measure, target: Measure, from_unit: str, to_unit: str) -> Fraction:
    in_base = amount * source.scale + source.offset
    if in_base < 0 and "kelvin" in source.base and (source.offset or target.offset):
        raise ToolFailed(
            f"{shown(amount)} {from_unit} is below absolute zero, so there is no such temperature."
        )
    if source.base == target.base:
        return (in_base - target.offset) / target.scale
    if (source.base, target.base) in (_FUEL, _FUEL[::-1]):
        if not in_base:
            raise ToolFailed("Zero has no counterpart: it would be infinite.")
        return 1 / in_base / target.scale
    raise ToolRetry(mismatch(from_unit, source.base, to_unit, target.base))


def _handy(number: Fraction) -> Number:
    """`number`, as a float where its whole digits would fill the screen."""
    if abs(number) < _WHOLE:
        return number
    try:
        return float(number)
    except OverflowError as error:
        raise ToolFailed("The result is too large.") from error
