"""What time it is somewhere, and what a time in one place is in others."""

from __future__ import annotations

from datetime import MAXYEAR, MINYEAR, date, datetime
from typing import Any
from zoneinfo import ZoneInfo

from tools import Asker, Context, ToolRetry, tool
from tools._clock.moment import Moment, read_moment
from tools._clock.whereabouts import Whereabouts, whereabouts
from tools._places.place import folded
from tools._zones import season_note, zone_or_utc

_US = frozenset({"us", "everyone", "everybody", "all of us", "our time"})


@tool(title="Looking up the time: {place}", open_to_guests=True)
async def current_time(context: Context, place: str = "here") -> dict[str, str]:
    """Get the current date and time in a place.

    Args:
        place: A city (Tokyo or Portland, ME), a country, a time zone (Europe/Paris, UTC+2), or the
            name of a person in this conversation. Leave it out, or say here, for the time where the asker is.
    """
    where = await whereabouts(context, place)
    local = context.now.astimezone(where.zone)
    lead = f"In {where.label} it" if where.label else "It"
    offset = local.isoformat()[-6:]
    return {
        "place": where.label or "here",
        **_clock(local),
        "utc_offset": offset,
        "summary": f"{lead} is {_told(local)} ({where.zone.key}, UTC{offset}).",
    }


@tool(title="Converting {time} ({place}) to other time zones", open_to_guests=True)
async def convert_time(
    time: str, context: Context, place: str = "here", to: list[str] | None = None
) -> dict[str, Any]:
    """Convert a time in one place to other places, or to the time of everybody in this conversation ("for us").

    Args:
        time: 3 pm, 15:30, noon, tomorrow 9 am, friday 18:00, now, in 2 hours, or 2026-11-30T15:00. Without a
            day it is today in that place.
        place: Where that time is meant: a city, a country or a time zone. Leave it out for where the asker is.
        to: Places as above, or us for everybody in this conversation. Leave it out for us.
    """
    source = await whereabouts(context, place)
    moment = _read(time, context.now, source.zone)
    converted: list[dict[str, Any]] = []
    notes = [moment.note, season_note(source.label, moment.at)]
    for wanted in to or ["us"]:
        if folded(wanted) in _US:
            converted += [_for_people(people, moment.at) for people in _by_time(context, moment.at)]
        else:
            where = await whereabouts(context, wanted)
            converted.append(_in_place(where, moment.at))
            notes.append(season_note(where.label, moment.at.astimezone(where.zone)))
    there = f" in {source.label}" if source.label else f" ({source.zone.key})"
    note = " ".join(filter(None, dict.fromkeys(notes)))
    told = "; ".join(_entry(entry, moment.at.date()) for entry in converted)
    return {
        "from": _in_place(source, moment.at),
        "to": converted,
        **({"note": note} if note else {}),
        "summary": f"{_told(moment.at)}{there} is {told}.{' ' + note if note else ''}",
    }


def _read(text: str, now: datetime, zone: ZoneInfo) -> Moment:
    """The moment, if it is one in every other zone as well."""
    too_far = f"{text[:60]!r} is too far away: years go from {MINYEAR + 1} to {MAXYEAR - 1}."
    try:
        moment = read_moment(text, now, zone)
    except OverflowError as error:
        raise ToolRetry(too_far) from error
    if moment.at.year in (MINYEAR, MAXYEAR):
        raise ToolRetry(too_far)
    return moment


def _by_time(context: Context, at: datetime) -> list[list[Asker]]:
    """The people of the conversation, grouped by what their clocks show; the asker's group is the first."""
    others = [person for person in context.participants if person.id != context.asker.id]
    groups: dict[object, list[Asker]] = {}
    for person in [context.asker, *others]:
        groups.setdefault(at.astimezone(zone_or_utc(person.timezone)).utcoffset(), []).append(person)
    return list(groups.values())


def _for_people(people: list[Asker], at: datetime) -> dict[str, Any]:
    zone = zone_or_utc(people[0].timezone)
    return {"people": [person.name for person in people], **_clock(at.astimezone(zone))}


def _in_place(where: Whereabouts, at: datetime) -> dict[str, Any]:
    return {"place": where.label or "here", **_clock(at.astimezone(where.zone))}


def _clock(local: datetime) -> dict[str, str]:
    return {"time": local.isoformat(timespec="seconds"), "timezone": str(local.tzinfo)}


def _entry(entry: dict[str, Any], day: date) -> str:
    """One time in words, with its day only where that differs."""
    local = datetime.fromisoformat(entry["time"])
    told = f"{local:%H:%M}" if local.date() == day else f"{local:%H:%M} on {local:%A}, {local.day} {local:%B}"
    if "people" in entry:
        return f"{told} for {' and '.join(entry['people'])} ({entry['timezone']})"
    return f"{told} {'here' if entry['place'] == 'here' else 'in ' + entry['place']}"


def _told(local: datetime) -> str:
    return f"{local:%H:%M} on {local:%A}, {local.day} {local:%B %Y}"
