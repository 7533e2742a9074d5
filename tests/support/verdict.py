"""What must hold of a `Load` when all is over, whatever befell the bots."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import sqlalchemy as sa
from support.chaos import Asked, Load, answer, places

from bot.playground.objects import Message
from bot.slack.marker import Marker, read_marker
from bot.storage.database import create_engine


@dataclass(frozen=True, slots=True)
class StoredStep:
    """A finished step of a run, as the run engine keeps it."""

    run_id: str
    name: str
    output: str
    stored_ms: int


def assert_answered_once(load: Load, *, failed: Collection[int] = ()) -> None:
    """Every question has one answer, in one message, and the bot said nothing else.

    The questions in `failed` have a failure with their run id in its place.
    """
    said = _said(load)
    assert said.keys() == {asked.run_id for asked in load.asked}
    for asked in load.asked:
        state, words = ("failed", asked.run_id) if asked.number in failed else ("final", answer(asked.number))
        messages = said[asked.run_id]
        shown = [(marker.part, marker.state, message.thread_ts) for marker, message in messages]
        assert shown == [(0, state, asked.root)], f"{asked} has these messages: {messages}"
        assert words in messages[0][1].text


def assert_in_order(load: Load, *, failed: Collection[int] = ()) -> None:
    """In each thread the answers came in the order of the questions, and each knew the former ones.

    A failure, of a question in `failed`, is not part of the conversation.
    """
    rank = {run_id: position for position, run_id in enumerate(load.settled)}
    for thread in _threads(load):
        ranks = [rank[asked.run_id] for asked in thread]
        assert ranks == sorted(ranks), f"Q{[asked.number for asked in thread]} were answered as {ranks}"
    earlier = _earlier_answers(load, failed)
    for prompt in load.prompts:
        assert prompt.answers == earlier[prompt.number], f"Q{prompt.number}"


def assert_nothing_repeated(load: Load, database_url: str) -> None:
    """No model call and no tool call was made again once its result was stored.

    Nor was one made again without a bot's death in between: that would be two bots, or two runs, at it.
    """
    asked = {question.run_id: question.number for question in load.asked}
    stored = {_call(step, asked[step.run_id]): step.stored_ms for step in _calls(database_url)}
    made = _made(load)
    assert stored.keys() == made.keys()
    for call, times in made.items():
        assert max(times) * 1000 <= stored[call] + 1, f"{call} was made again after its result was stored"
        for first, second in pairwise(sorted(times)):
            assert any(first <= death <= second for death in load.deaths), f"{call} was made twice in one life"


def assert_tools_ran_once(load: Load, *, failed: Collection[int] = ()) -> None:
    """Every tool call was made once. The questions in `failed` failed before they came to any."""
    wanted = [place for asked in load.asked if asked.number not in failed for place in places(asked.number)]
    assert sorted(place for place, _ in load.places.executions) == sorted(wanted)


def stored_runs(database_url: str) -> list[str]:
    """The ids of all runs in a SQLite file, in the order in which they were stored."""
    # The column of the time of storing has whole seconds; SQLite's own row number tells more.
    rows = _read(database_url, "workflow_status", "workflow_uuid", "rowid")
    return [str(run_id) for run_id, _ in sorted(rows, key=lambda row: row[1])]


def _said(load: Load) -> dict[str, list[tuple[Marker, Message]]]:
    """Everything the bot said, by the run that it was said for."""
    workspace = load.playground.workspace
    said = defaultdict[str, list[tuple[Marker, Message]]](list)
    for channel in workspace.channels.values():
        for message in channel.messages.values():
            if message.bot_id == workspace.app.user.bot_id:
                marker = read_marker({"metadata": message.metadata})
                assert marker, f"the bot said something else, too: {message.text}"
                said[marker.run_id].append((marker, message))
    return said


def _threads(load: Load) -> list[list[Asked]]:
    threads = defaultdict[tuple[str, str], list[Asked]](list)
    for asked in load.asked:
        threads[asked.thread].append(asked)
    return list(threads.values())


def _earlier_answers(load: Load, failed: Collection[int]) -> Mapping[int, tuple[str, ...]]:
    return {
        asked.number: tuple(
            answer(former.number) for former in thread[:position] if former.number not in failed
        )
        for thread in _threads(load)
        for position, asked in enumerate(thread)
    }


Call = tuple[str, int | str]
"""A model call: `turn 0` of a question's number; a tool call: `tool` and its place."""


def _made(load: Load) -> dict[Call, list[float]]:
    made = defaultdict[Call, list[float]](list)
    for prompt in load.prompts:
        made[f"turn {prompt.turn}", prompt.number].append(prompt.at)
    for place, at in load.places.executions:
        made["tool", place].append(at)
    return made


def _calls(database_url: str) -> Iterator[StoredStep]:
    for step in _stored_steps(database_url):
        if step.name == "model" or step.name.startswith("tool "):
            yield step


def _call(step: StoredStep, number: int) -> Call:
    if step.name == "model":
        asks_for_tools = bool(json.loads(step.output)["value"]["message"]["tool_calls"])
        return f"turn {0 if asks_for_tools else 1}", number
    [place] = [place for place in places(number) if place in step.output]
    return "tool", place


def _stored_steps(database_url: str) -> list[StoredStep]:
    columns = ("workflow_uuid", "function_name", "output", "completed_at_epoch_ms")
    return [StoredStep(*row) for row in _read(database_url, "operation_outputs", *columns)]


def _read(database_url: str, table: str, *columns: str) -> list[Any]:
    """Columns of one of the run engine's tables."""
    engine = create_engine(database_url)
    schema = "dbos" if engine.dialect.name == "postgresql" else None
    try:
        with engine.connect() as connection:
            wanted = sa.table(table, *map(sa.column, columns), schema=schema)
            return list(connection.execute(sa.select(wanted)))
    finally:
        engine.dispose()
