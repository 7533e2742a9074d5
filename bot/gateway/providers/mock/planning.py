"""From a question in plain words to the tool calls that answer it."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal

from bot.gateway.providers.mock.places import read_places
from bot.gateway.providers.mock.sums import Sum, read_conversion, read_sum
from bot.gateway.providers.mock.times import NOW, read_times

Topic = Literal["weather", "time"]

_WEATHER = re.compile(
    r"\b(?:weather|forecasts?|temperatures?|rain(?:ing|y)?|sunny|snow(?:ing|y)?|umbrella|windy?|humid(?:ity)?"
    r"|(?:hot|cold|warm)(?:er)?|degrees|jacket|coat)\b",
    re.IGNORECASE,
)
_TIME = re.compile(r"\b(?:time|clock|o'clock|what day|date)\b", re.IGNORECASE)
_FOLLOW_UP = re.compile(
    r"^(?:ok(?:ay)?|thanks|thank you|great|nice)?[\s,.!]*"
    r"(?:(?P<bare>and|or|also)\b(?!\s+(?:in|for|what|how)\b)"
    r"|(?:and\s+)?(?:what about|how about|same for|in|for)\b)",
    re.IGNORECASE,
)
_UNIT = re.compile(r"\s*\b(?:in|using)?\s*(?:degrees\s+)?(celsius|fahrenheit)\b", re.IGNORECASE)
# The sign of a factorial ends no sentence, nor does a decimal point.
_SENTENCE_END = re.compile(r"[?;\n]+|(?<!\d)!|\.(?=\s|$)")
# "… in Tokyo and 15% of 80" are two questions, "Boston and London" is one.
_NEXT_CLAUSE = re.compile(
    r"(?:,\s+(?:and\s+|then\s+)?|\s+(?:and|then)\s+)(?=(?:also\s+)?(?:what|how|when|is it|will it|do i|should i"
    r"|convert|calculate|compute|tell me|give me|show me"
    r"|(?:the\s+)?(?:time|weather|forecast|temperature)\b|sqrt|-?\d))",
    re.IGNORECASE,
)
_TYPOGRAPHY = {
    ord("\N{RIGHT SINGLE QUOTATION MARK}"): "'",
    ord("\N{MULTIPLICATION SIGN}"): "*",
    ord("\N{MIDDLE DOT}"): "*",
    ord("\N{DIVISION SIGN}"): "/",
    ord("\N{MINUS SIGN}"): "-",
    ord("\N{EN DASH}"): "-",
}
_THERE = re.compile(r"\bthere\b", re.IGNORECASE)
_HERE = "here"
# Patterns take longer than linearly, and nobody asks a mock a longer question.
_QUESTION_MAX = 500
_FOLLOW_UP_WORDS = 12
_BARE_WORDS = 2


@dataclass(frozen=True, slots=True)
class Call:
    """A tool call to make, with its arguments as the tool takes them."""

    tool: str
    arguments: tuple[tuple[str, str], ...]
    sum: Sum | None = None
    """The sum behind a calculation, to say its result in the asker's words."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What to do about a question."""

    calls: tuple[Call, ...]
    place_missing: bool = False
    """The question is about the weather, but nowhere."""


def plan(question: str, earlier: Sequence[str], tools: Collection[str], today: date | None) -> Plan:
    """The calls of `tools` that answer `question`. A follow-up leans on the `earlier` ones, newest first."""
    question = _readable(question)
    reader = _Reader(tools, today, [_readable(before) for before in earlier])
    calls = list(dict.fromkeys(call for clause in _clauses(question) for call in reader.calls(clause)))
    if not calls and not reader.place_missing and (rest := _follow_up(question)):
        calls = reader.follow_up(rest)
    return Plan(tuple(calls), place_missing=reader.place_missing and not calls)


def _readable(question: str) -> str:
    return question[:_QUESTION_MAX].translate(_TYPOGRAPHY)


def _clauses(question: str) -> Iterator[str]:
    for sentence in _SENTENCE_END.split(question):
        for clause in _NEXT_CLAUSE.split(sentence):
            if clause.strip():
                yield clause.strip()


def _topic(clause: str) -> Topic | None:
    if _WEATHER.search(clause):
        return "weather"
    return "time" if _TIME.search(clause) else None


def _follow_up(question: str) -> str:
    """What a follow-up asks about, without its "and what about"; nothing for any other remark."""
    lead = _FOLLOW_UP.match(question.strip())
    rest = question.strip()[lead.end() :].strip(" ?!.,") if lead else ""
    if len(rest.split()) > _FOLLOW_UP_WORDS:
        return ""
    # "and rome?" asks, "and nice work everyone" does not.
    remark = lead is not None and lead["bare"] and rest.islower() and len(rest.split()) > _BARE_WORDS
    return "" if remark else rest


class _Reader:
    def __init__(self, tools: Collection[str], today: date | None, earlier: Sequence[str]) -> None:
        self._tools = tools
        self._today = today
        self._earlier = earlier
        self._places: list[str] = []
        self.place_missing = False

    def calls(self, clause: str) -> list[Call]:
        """The calls for one clause."""
        if total := read_conversion(clause):
            return self._calculation(total)
        topic = _topic(clause)
        if topic == "weather":
            return self._weather(clause)
        if topic == "time":
            return self._time(read_times(clause, self._today)[1])
        total = read_sum(clause)
        return self._calculation(total) if total else []

    def follow_up(self, text: str) -> list[Call]:
        """The calls for a question that leans on an earlier one: "in Rome?", "tomorrow?"."""
        for before in self._earlier:
            topic = _topic(before)
            if topic == "weather":
                times, rest = read_times(text, self._today)
                times_before, rest_before = read_times(before, self._today)
                places = read_places(rest) or read_places(rest_before)
                return self._weather_calls([(place, times or times_before) for place in places], _unit_of(text))
            if topic == "time":
                return self._time(text)
        return []

    def _weather(self, clause: str) -> list[Call]:
        unit = _unit_of(clause)
        text = _UNIT.sub(" ", clause)
        times, without_times = read_times(text, self._today)
        places = self._places_in(without_times)
        self.place_missing = not places
        own = [self._times_after(place, text) for place in places]
        # "Boston tonight and London tomorrow" has a time for each, "Boston and London tonight" one for both.
        wanted = own if all(own) and len(own) > 1 else [times] * len(places)
        return self._weather_calls(list(zip(places, wanted, strict=True)), unit)

    def _places_in(self, text: str) -> list[str]:
        """The places that the text names; "there" is where the talk was of last."""
        named = read_places(text)
        if not named and _THERE.search(text):
            named = self._places or next(filter(None, map(self._places_before, self._earlier)), [])
        self._places = named or self._places
        return named

    def _places_before(self, question: str) -> list[str]:
        return read_places(read_times(question, self._today)[1]) if _topic(question) else []

    def _times_after(self, place: str, text: str) -> list[str]:
        after = text[text.find(place) + len(place) :] if place in text else ""
        return read_times(re.split(r",|\band\b", after, maxsplit=1, flags=re.IGNORECASE)[0], self._today)[0]

    def _weather_calls(self, wanted: Sequence[tuple[str, list[str]]], unit: str | None) -> list[Call]:
        calls = []
        for place, times in wanted:
            for time in times or [NOW]:
                arguments = {"location": place, "unit": unit}
                forecast = time != NOW and "get_weather_forecast" in self._tools
                if forecast:
                    arguments = {"location": place, "when": time, "unit": unit}
                calls += self._offered("get_weather_forecast" if forecast else "get_current_weather", arguments)
        return calls

    def _time(self, text: str) -> list[Call]:
        places = self._places_in(text) or [_HERE]
        return [call for place in places for call in self._offered("current_time", {"place": place})]

    def _calculation(self, total: Sum) -> list[Call]:
        return self._offered("calculate", {"expression": total.expression}, total)

    def _offered(self, tool: str, arguments: dict[str, str | None], total: Sum | None = None) -> list[Call]:
        if tool not in self._tools:
            return []
        given = tuple((name, value) for name, value in arguments.items() if value is not None)
        return [Call(tool, given, total)]


def _unit_of(text: str) -> str | None:
    found = _UNIT.search(text)
    return found[1].lower() if found else None
