"""Made-up weather that looks right for the city and the season: the same for the same hour, every time.

It stands in only where `Context.sample_data` allows it and no service can be reached, and it always says
what it is.
"""

from __future__ import annotations

import math
import zlib
from datetime import date, datetime, timedelta

from tools._places.cities import Climate, climate_at
from tools._places.place import Place
from tools._weather.observation import Hour, Origin, Weather
from tools._zones import zone_or_utc

_ORIGIN = Origin("bundled sample data, not a real measurement")

_DRY_CODES = (0, 1, 2, 3)
_RAIN_CODES = (61, 63, 80)
_SNOW_CODES = (71, 73)
_MIDSUMMER = 200
"""The day of the year, about 19 July."""
_WARMEST_HOUR = 15


def weather(place: Place, first: date, last: date, now: datetime) -> Weather | None:
    """Every hour from `first` to `last` and the one at `now`, or `None` for a place that is not bundled."""
    climate = climate_at(place)
    if climate is None:
        return None
    midnight = datetime.combine(first, datetime.min.time(), zone_or_utc(place.timezone))
    count = ((last - first).days + 1) * 24
    hours = tuple(_hour(place, climate, midnight + timedelta(hours=ahead)) for ahead in range(count))
    return Weather(_ORIGIN, hours, _hour(place, climate, now))


def _hour(place: Place, climate: Climate, time: datetime) -> Hour:
    day = time.date().isoformat()
    turn = math.cos((time.timetuple().tm_yday - _MIDSUMMER) / 365 * math.tau)
    daily = math.cos((time.hour - _WARMEST_HOUR) / 24 * math.tau)
    drift = _pick(f"{place.label} {day}", 61) / 10 - 3
    temperature = climate.mean + climate.season * turn + climate.swing * daily + drift
    chance = min(95, max(0, climate.wet + _pick(f"{place.label} {day} rain", 61) - 30))
    wind = 5 + _pick(f"{place.label} {day} wind", 20)
    code = _code(f"{place.label} {day} {time.hour // 6}", temperature, chance)
    return Hour(
        time=time,
        temperature=round(temperature, 1),
        code=code,
        feels_like=round(temperature - wind / 10, 1),
        precipitation=0.4 if code not in _DRY_CODES else 0.0,
        probability=chance,
        wind=wind,
    )


def _code(seed: str, temperature: float, chance: int) -> int:
    """A WMO code for a quarter of a day."""
    codes: tuple[int, ...]
    if _pick(f"{seed} wet", 100) < chance:
        codes = _SNOW_CODES if temperature < 0 else _RAIN_CODES
    else:
        codes = _DRY_CODES
    return codes[_pick(seed, len(codes))]


def _pick(seed: str, count: int) -> int:
    """A number below `count` that depends on nothing but `seed`."""
    return zlib.crc32(seed.encode()) % count
