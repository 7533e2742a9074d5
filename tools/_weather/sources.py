"""Whom to ask for the weather, in order: Open-Meteo, MET Norway, and where allowed, the bundled sample."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from datetime import date, datetime

from tools._framework.context import Context
from tools._framework.errors import ToolFailed
from tools._places.place import Place
from tools._services.service import ServiceError, Unreachable
from tools._weather import met_norway, open_meteo, sample
from tools._weather.observation import Hour, Weather


async def weather_of_days(
    context: Context,
    place: Place,
    days: tuple[date, date],
    now: datetime,
    wanted: Callable[[Weather], list[Hour]],
) -> tuple[Weather, list[Hour]]:
    """The weather of a place, and the hours of it that are wanted, from the first service that knows any.

    Args:
        context: the call's surroundings.
        place: where.
        days: the first and the last day, in the place's own time.
        now: the time in the place's own zone.
        wanted: picks the hours; none means that the service does not know them.

    Raises:
        ToolFailed: no service knows.
    """
    services: list[Callable[[], Awaitable[Weather]]] = [
        lambda: open_meteo.forecast(context, place, *days),
        lambda: met_norway.forecast(context, place),
    ]
    failures: list[ServiceError] = []
    for ask in services:
        try:
            weather = await ask()
            if hours := wanted(weather):
                return weather, hours
            failures.append(ServiceError(f"{weather.origin} has nothing for that time yet"))
        except ServiceError as error:
            failures.append(error)
    return _stand_in(context, place, days, now, wanted, failures)


def _stand_in(
    context: Context,
    place: Place,
    days: tuple[date, date],
    now: datetime,
    wanted: Callable[[Weather], list[Hour]],
    failures: list[ServiceError],
) -> tuple[Weather, list[Hour]]:
    offline = all(isinstance(failure, Unreachable) for failure in failures)
    made_up = sample.weather(place, *days, now) if context.sample_data and offline else None
    if made_up and (hours := wanted(made_up)):
        return made_up, hours
    reasons = "; ".join(map(str, failures))
    raise ToolFailed(f"The weather in {place.label} is not available: {reasons}.")
