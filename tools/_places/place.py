"""A place on earth, and what somebody wrote to name one."""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass

from tools._places.regions import meanings


@dataclass(frozen=True, slots=True)
class Place:
    """A town with its coordinates in degrees and the name of its time zone."""

    name: str
    admin1: str
    """The state, province or region; may be empty."""
    country: str
    country_code: str
    latitude: float
    longitude: float
    timezone: str
    population: int = 0

    @property
    def label(self) -> str:
        """The full name: `Boston, Massachusetts, United States`."""
        return ", ".join(dict.fromkeys(part for part in (self.name, self.admin1, self.country) if part))

    @property
    def short_label(self) -> str:
        """The name as in a sentence: `Boston, Massachusetts`, `Paris, France`."""
        region = self.admin1 if self.country_code in ("US", "CA") else self.country
        return ", ".join(dict.fromkeys(part for part in (self.name, region or self.country) if part))

    def lies_in(self, region: str) -> bool:
        """Whether `region` names its state or country: a name, a code such as `TX`, or a common alias."""
        own = {folded(self.admin1), folded(self.country), folded(self.country_code)}
        return bool(own & {folded(region), *map(folded, meanings(folded(region)))})


@dataclass(frozen=True, slots=True)
class Query:
    """A place as written, in parts: `San Francisco, CA` is a name and one region."""

    name: str
    regions: tuple[str, ...] = ()

    @classmethod
    def read(cls, text: str) -> Query:
        """Split at the commas."""
        name, *regions = [part.strip() for part in text.split(",")]
        return cls(" ".join(name.split()), tuple(region for region in regions if region))

    def readings(self) -> Iterable[Query]:
        """This query, then others it may mean where the comma was left out: `Paris Texas`, `Washington DC`."""
        yield self
        words = self.name.split()
        for count in (1, 2):
            if len(words) > count and not self.regions:
                yield Query(" ".join(words[:-count]), (" ".join(words[-count:]),))

    def matches(self, places: Iterable[Place]) -> list[Place]:
        """Those in all the regions asked for: exact names first, then the most people."""
        fitting = [place for place in places if all(place.lies_in(region) for region in self.regions)]
        return sorted(fitting, key=lambda place: (folded(place.name) != folded(self.name), -place.population))


def folded(text: str) -> str:
    """`text` for comparing: without accents, case and dots. `São Paulo` and `sao paulo` are the same."""
    plain = unicodedata.normalize("NFKD", text)
    kept = "".join(letter for letter in plain if not unicodedata.combining(letter) and letter != ".")
    return " ".join(kept.casefold().replace("-", " ").split())
