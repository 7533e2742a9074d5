"""Places in a question: "in both Boston AND London", "Paris, Rome and San Francisco, CA"."""

from __future__ import annotations

import re

from bot.gateway.providers.mock.regions import CITIES_TOO, CODES, NAMES

_PREPOSITION = re.compile(r"\b(?:in|for|at|near|of|from)\s+", re.IGNORECASE)
_SEPARATOR = re.compile(r"\s*(?:[;/&]|\bvs\.?\s|\bversus\b|\bthan\b|\band\b|\bor\b|\bthen\b)\s*", re.IGNORECASE)
_LEAD = re.compile(
    r"^(?:(?:both|either|also|the|in|for|at|near|of|from|and|or|like|city)\b[\s,]*)+", re.IGNORECASE
)
_TRAIL = re.compile(
    r"\s+(?:please|thanks|thank you|is|are|do|does|should|will|would|because|so|if|when|using|with|but|i|we"
    r"|like|looking|going|compared|right)\b.*$",
    re.IGNORECASE,
)
# What a question about weather or time is made of besides its places.
_FILLER = re.compile(
    r"\b(?:what|what's|whats|how|how's|hows|is|it|the|a|an|be|will|would|like|me|tell|show|give|get|check|please|can|could"
    r"|you|do|does|i|we|need|about|current|local|weather|forecast|forecasts|temperature|temperatures|time|clock"
    r"|hot|cold|warm|rain|raining|rainy|snow|snowing|sunny|windy|humid|umbrella|jacket|coat|outside|hi|hello|hey"
    r"|thanks|thank|both|in|for|at|of|s|there|here|now|date|day|look|looking|going|to|an|know|many|degrees|again)\b",
    re.IGNORECASE,
)
_CAPITALS = re.compile(
    r"[A-ZÀ-ÖØ-Þ][\w.'-]*"
    r"(?:\s+(?:(?:de|del|da|do|of|la|le|las|los|upon|am|an|der|den|the|es)\s+)*[A-ZÀ-ÖØ-Þ][\w.'-]*)*"
)
_MOST_WORDS = 4


def read_places(text: str) -> list[str]:
    """The places that the text names, in its order, each once."""
    named = _after_preposition(text)
    places = named if named else _split(_FILLER.sub(" ", text))
    return list(dict.fromkeys(places))


def _after_preposition(text: str) -> list[str]:
    """Places after the first preposition that a name follows; "for a picnic in Rome" is Rome's."""
    lowercase: list[str] = []
    for found in _PREPOSITION.finditer(text):
        tail = text[found.end() :]
        if _CAPITALS.match(_LEAD.sub("", tail)):
            return _split(tail)
        lowercase = lowercase or _split(tail)
    return lowercase


def _split(text: str) -> list[str]:
    groups = _SEPARATOR.split(text)
    return [place for group in groups for place in _joined_with_regions(group, alone=len(groups) == 1)]


def _joined_with_regions(group: str, *, alone: bool) -> list[str]:
    names = [name for part in group.split(",") if (name := _name(part))]
    places: list[str] = []
    for name in names:
        if places and (_is_region(name) or (alone and len(names) == 2 and name.lower() in CITIES_TOO)):
            places[-1] += f", {name}"
        else:
            places.append(name)
    return places


def _is_region(name: str) -> bool:
    short = name.replace(".", "")
    return (short.isupper() and len(short) <= 3) or short.lower() in NAMES | CODES


def _name(part: str) -> str:
    text = _TRAIL.sub("", _LEAD.sub("", part.strip(" \t?!.:\"'()*_"))).strip(" ?!.:\"'()*_")
    if capitals := _CAPITALS.search(text):
        return capitals[0].rstrip(".'-")
    words = _FILLER.sub(" ", text).split()
    return " ".join(words) if len(words) <= _MOST_WORDS and text[:1].isalpha() else ""
