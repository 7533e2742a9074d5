"""Finding people by names that are not quite theirs."""

from __future__ import annotations

import difflib
from collections.abc import Iterable

from tools._places.place import folded
from tools._slack.directory import Person

_CLOSE = 0.75
_MOST = 5


def nearest(people: Iterable[Person], wanted: str) -> list[Person]:
    """The people who may be meant by `wanted`, the likeliest first."""
    name = folded(wanted.removeprefix("@").replace(",", " "))
    scored = [(_likeness(person, name), person) for person in people]
    likely = sorted((pair for pair in scored if pair[0] >= _CLOSE), key=lambda pair: (-pair[0], pair[1].name))
    best = likely[0][0] if likely else 0
    # Who is called just so is meant, and nobody who is called alike.
    return [person for score, person in likely if score == best or best <= 1][:_MOST]


def _likeness(person: Person, name: str) -> float:
    """2 for their name, 1 for the beginnings of its words, less for what is spelt alike."""
    names = {folded(person.name), folded(person.real_name)}
    if name in names:
        return 2
    words = [word for each in names for word in each.split()]
    if all(any(word.startswith(part) for word in words) for part in name.split()):
        return 1
    return max(difflib.SequenceMatcher(None, name, each).ratio() for each in (*names, *words))
