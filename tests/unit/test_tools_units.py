"""Units: right conversions, helpful refusals, and bounds that hold for any input."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from support.generated_inputs import generated, hold_to_bounds

from tools import ToolFailed, ToolRetry
from tools._units.expression import read_unit
from tools._units.measures import measure
from tools._units.spellings import _ANY_CASE, _EXACT
from tools.units import convert_units


@pytest.mark.parametrize(
    ("value", "source", "target", "result"),
    [
        (1, "mile", "km", "1.609344"),
        (72, "F", "C", "22.2222222222222"),
        (-40, "°F", "°C", "-40"),
        (20, "degrees Celsius", "K", "293.15"),
        (0, "kelvin", "celsius", "-273.15"),
        (1, "°C/m", "°F/m", "1.8"),
        (5, "lbs", "kg", "2.26796185"),
        (1, "stone", "lb", "14"),
        (60, "mph", "km/h", "96.56064"),
        (100, "kph", "miles per hour", "62.1371192237334"),
        (3, "feet per second", "m/s", "0.9144"),
        (1, "m/s/s", "m/s^2", "1"),
        (8, "L/100km", "mpg", "29.4018229166667"),
        (30, "mpg", "l / 100 km", "7.84048611111111"),
        (10, "km/l", "L/100km", "10"),
        (2, "cups", "ml", "473.176473"),
        (16, "fl oz", "pints", "1"),
        (1, "imperial pint", "ml", "568.26125"),
        (100, "square feet", "m²", "9.290304"),
        (100, "sq ft", "ft squared", "100"),
        (1, "cubic metre", "L", "1000"),
        (1, "cm3", "ml", "1"),
        (1, "kg*m^2/s^2", "J", "1"),
        (1, "N·m", "joule", "1"),
        (50, "1/s", "Hz", "50"),
        (1, "kWh", "MJ", "3.6"),
        (1000, "MB", "GB", "1"),
        (1, "GiB", "bytes", "1073741824"),
        (100, "Mbps", "MB/s", "12.5"),
        (100, "MBit/s", "MB/s", "12.5"),
        (100, "mbits/s", "MB/s", "12.5"),
        (1, "MBytes", "KB", "1000"),
        (1, "NM", "km", "1.852"),
        (1, "MILLIGRAM", "g", "0.001"),
        (90, "minutes", "hours", "1.5"),
        (1, "nautical miles", "km", "1.852"),
        (1, "light-year", "km", "9460730472580.8"),
        (6, "'", '"', "72"),
        (1, "Kg", "LB", "2.20462262184878"),
        (1, "µm", "nm", "1000"),
        (0.1, "in", "mm", "2.54"),
        (1, "bbl", "US gallons", "42"),
        (500, "Calories", "kcal", "500"),
        (500, "calories", "kcal", "0.5"),
        (1, "lb.", "oz.", "16"),
        (1, "ft.", "in.", "12"),
        (16, "fl. oz.", "pints", "1"),
        (100, "sq.ft.", "sq. ft", "100"),
        (20, "ºC", "F", "68"),
        (2, "metric tonnes", "kg", "2000"),
        (1, "lb-ft", "newton meters", "1.3558179483314"),
        (60, "gpm", "gallons per second", "1"),
        (60, "cfm", "ft^3/s", "1"),
        (3, "decades", "years", "30"),
        (14, "lb/in^2", "psi", "14"),
        (-5, "delta celsius", "delta fahrenheit", "-9"),
        (1e300, "km", "m", "1e+303"),
        (1e-300, "m", "km", "1e-303"),
    ],
)
def test_conversions_come_out_right(value: float, source: str, target: str, result: str) -> None:
    assert convert_units(value, source, target)["result"] == result


def test_the_summary_says_whether_the_result_is_rounded() -> None:
    assert convert_units(1.0, "mile", "km")["summary"] == "1 mile = 1.609344 km"
    assert convert_units(72.0, "F", "C")["summary"] == "72 F ≈ 22.22222 C"


@pytest.mark.parametrize(
    ("source", "target", "told"),
    [
        ("killometer", "m", "'killometer' is not a known unit. Did you mean kilometer"),
        ("celcius", "F", "Did you mean celsius"),
        ("zorkmid", "m", "Write it in English"),
        ("kg m^2", "J", r"Write \* between units"),
        ("USD", "EUR", "call convert_currency"),
        ("kg", "m", "kg is a mass and m is a length"),
        ("oz", "ml", "fl oz"),
        ("rpm", "Hz", "by 60"),
        ("J", "m", "an energy and m is a length"),
        ("m^5", "m", r"a measure of meter\^5"),
        ("MOHM", "ohm", "may be mega or milli. Write megaohm or milliohm"),
        ("MCAL", "cal", "Write megacalorie or millicalorie"),
        ("dB", "m", "logarithmic"),
        ("kilocelsius", "m", "takes no prefix"),
        ("", "m", "cannot be read as a unit"),
        ("2 m", "m", "without numbers"),
        ("m^99", "m", "cannot be read as a unit"),
        ("m^-9", "m", r"a measure of meter\^-9"),
        ("*".join("m" * 9), "m", "at most 8 factors"),
        ("m" * 81, "m", "at most 80 characters"),
        ("J/(kg*K)", "J", "cannot be read as a unit"),
    ],
)
def test_what_cannot_be_converted_is_explained(source: str, target: str, told: str) -> None:
    with pytest.raises(ToolRetry, match=told):
        convert_units(1.0, source, target)


@pytest.mark.parametrize(
    "unit",
    ["10**10**10 m", "9^9^9", "__import__('os').system('true')", "().__class__", "m if 1 else s", "lambda: m",
     "(m)", "m+s", "m;s", "m\ns^", "[m]", "m**m", "m^1e9", "{m}", "m=1", "@alias m = s"],
)  # fmt: skip
def test_nothing_but_names_and_small_powers_is_accepted(unit: str) -> None:
    with pytest.raises(ToolRetry):
        convert_units(1.0, unit, "m")


def test_a_barrel_is_one_of_oil_and_the_note_says_so() -> None:
    assert convert_units(1, "barrel", "l")["note"] == "A barrel is taken as one of oil: 42 US gallons."
    assert "note" not in convert_units(1, "gallon", "l")


@pytest.mark.parametrize(("source", "target"), [("C", "K"), ("F", "C"), ("K", "C")])
def test_there_is_no_temperature_below_absolute_zero(source: str, target: str) -> None:
    with pytest.raises(ToolFailed, match="below absolute zero"):
        convert_units(-500, source, target)


def test_a_point_between_two_units_is_no_prefix() -> None:
    with pytest.raises(ToolRetry, match="cannot be read"):
        convert_units(1, "m.s", "s")


def test_numbers_beyond_all_bounds_are_refused() -> None:
    with pytest.raises(ToolRetry, match="finite"):
        convert_units(math.nan, "m", "km")
    with pytest.raises(ToolRetry, match="finite"):
        convert_units(math.inf, "m", "km")
    with pytest.raises(ToolFailed, match="too large"):
        convert_units(1e308, "km", "m")
    with pytest.raises(ToolFailed, match="infinite"):
        convert_units(0, "mpg", "L/100km")


@pytest.mark.parametrize("spelling", [*_ANY_CASE, *_EXACT])
def test_every_spelling_means_a_unit(spelling: str) -> None:
    assert measure(read_unit(spelling)).scale > 0


@given(
    st.floats(allow_nan=False, allow_infinity=False, min_value=-1e12, max_value=1e12),
    st.sampled_from(["m", "mile", "inch", "light year", "parsec", "furlong"]),
    st.sampled_from(["km", "yard", "nmi", "foot", "micrometer"]),
)
def test_there_and_back_is_where_it_began(value: float, source: str, target: str) -> None:
    assume(value == 0 or abs(value) > 1e-9)
    there = float(convert_units(value, source, target)["result"])
    back = float(convert_units(there, target, source)["result"])
    assert back == pytest.approx(value, rel=1e-12)


WORDS = [
    "m", "km", "ft", "inch", "F", "°C", "degrees ", "kelvin", "square ", "cubic ", " per ", "/", "*", "^", "**",
    "2", "9", "-", "100km", "mpg", "L/100km", "light year", "parsec", "yotta", "planck_mass", "dB", "pi", "(",
    ")", " ", "_", "__import__", "os", ".", "%", "'", "zorkmid", "kilo" * 5, "µ", "é", "10**10**10",
]  # fmt: skip


def convert_generated(text: str) -> None:
    value, source, target = text.split("|")
    answer = convert_units(float(value), source, target)
    assert len(answer["result"]) <= 30
    assert re.fullmatch(r"-?\d+(\.\d+)?(e[+-]?\d+)?", answer["result"])


def test_very_many_inputs_are_each_answered_in_ten_milliseconds_and_none_is_executed() -> None:
    # Loading the library happens once in a process and is not counted.
    convert_units(1.0, "m", "km")
    values = ("1", "72", "-1e308", "1e-320", "0", "0.1")
    sources, targets = (generated(WORDS, most_words=6, seed=seed) for seed in (1, 2))
    texts = (
        f"{values[number % len(values)]}|{source}|{target if number % 2 else 'm'}"
        for number, (source, target) in enumerate(zip(sources, targets, strict=True))
    )
    hold_to_bounds(convert_generated, texts)
