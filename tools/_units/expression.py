"""Units as people write them, in parts: `ft`, `km/h`, `square feet`, `kg*m^2/s^2`, `miles per gallon`.

A grammar of our own reads them, since the unit library's parser also calculates: `10**10**10 m` keeps it busy
for ever. What comes out is names with small whole powers, and nothing else.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass

from tools._framework.errors import ToolRetry
from tools._units.spellings import spelled_out

MAX_CHARS = 80
_MOST_FACTORS = 8
_SIGN = re.compile(r"\s*(?:\bper\b|[*/])\s*")
_HUNDRED_KM = re.compile(r"100\s*(?:km|kilomet(?:er|re)s?)\b")
_FACTOR = re.compile(
    r"(?:(?P<before>square|sq|cubic|cu)\s+)?"
    r"(?P<name>[^\W\d_]+(?:[ _-]+[^\W\d_]+)*?|[°%'\"][^\W\d_]*)"
    r"(?:\s*\^?\s*(?P<power>-?\d)|\s+(?P<after>squared|cubed))?"
)
_POWERS = {"square": 2, "sq": 2, "squared": 2, "cubic": 3, "cu": 3, "cubed": 3}
_SIGNS = {
    ord("\N{MULTIPLICATION SIGN}"): "*",
    ord("\N{DOT OPERATOR}"): "*",
    ord("\N{MIDDLE DOT}"): "*",
    ord("\N{DIVISION SIGN}"): "/",
    ord("\N{MINUS SIGN}"): "-",
    ord("\N{SUPERSCRIPT MINUS}"): "-",
    ord("\N{MASCULINE ORDINAL INDICATOR}"): "°",
}
# The points of "fl. oz." and "sq.ft."; any other within a word may be a sign, as in m.s, and stays an error.
_POINT = re.compile(r"(?<=[^\W\d_])\.(?!\w)|(?<=\b(?:sq|cu|fl))\.", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Factor:
    """A unit's name, in words that an underscore joins, and its power."""

    name: str
    power: int = 1


def read_unit(text: str) -> tuple[Factor, ...]:
    """The factors of a unit.

    Raises:
        ToolRetry: it cannot be read.
    """
    if len(text) > MAX_CHARS:
        raise ToolRetry(f"A unit has at most {MAX_CHARS} characters.")
    plain = unicodedata.normalize("NFKC", text.strip().translate(_SIGNS)).replace("**", "^")
    plain = " ".join(_POINT.sub(" ", plain).split())
    plain = _HUNDRED_KM.sub("hundred_kilometers", spelled_out(plain) or plain)
    parts = _SIGN.split(plain)
    signs = ["*", *("*" if sign.strip() == "*" else "/" for sign in _SIGN.findall(plain))]
    if len(parts) > _MOST_FACTORS:
        raise ToolRetry(f"A unit has at most {_MOST_FACTORS} factors.")
    if len(parts) > 1 and parts[0] == "1":
        parts, signs = parts[1:], signs[1:]
    return tuple(factor for part, sign in zip(parts, signs, strict=True) for factor in _factors(part, sign))


def _factors(part: str, sign: str) -> list[Factor]:
    """The factor that is written as `part`; more of them where its name is short for a product."""
    found = _FACTOR.fullmatch(part)
    if not found:
        raise ToolRetry(
            f"{part[:40]!r} cannot be read as a unit. Write names with *, / and small powers, without numbers: "
            "km/h, square feet, kg*m^2."
        )
    power = int(found["power"] or _POWERS.get(found["before"] or found["after"] or "", 1))
    name = re.sub(r"[ _-]+", "_", found["name"])
    meant = spelled_out(found["name"])
    inner = read_unit(meant) if meant else (Factor(name),)
    return [Factor(factor.name, factor.power * (power if sign == "*" else -power)) for factor in inner]
