"""`threadloop runs`: what the bot has been asked, and what became of it."""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from bot.commands.terminal import Terminal
from bot.errors import DatabaseUnusable
from bot.runs import Inspection
from bot.settings import Settings
from bot.storage import database

_MOST = 50


def run(settings: Settings, action: str, run_id: str) -> None:
    """List runs, or show, cancel or retry one.

    Raises:
        NoSuchRun: there is none with this id.
        WrongRunState: it can't be cancelled or retried as it is now.
        DatabaseUnusable: the database can't be read.
    """
    engine = database.create_engine(settings.database_url)
    inspection = Inspection(engine)
    try:
        with _no_tables(settings):
            _do(inspection, Terminal(sys.stdout), action, run_id)
    finally:
        inspection.close()
        engine.dispose()


@contextmanager
def _no_tables(settings: Settings) -> Iterator[None]:
    """Say so where no bot has worked with the database yet."""
    try:
        yield
    except sa.exc.DBAPIError as error:
        where = sa.make_url(settings.database_url).render_as_string()
        raise DatabaseUnusable(
            f"The runs in {where} can't be read ({str(error.orig).strip()}). "
            "Start a bot that uses this database first, or set DATABASE_URL."
        ) from error


def _do(inspection: Inspection, terminal: Terminal, action: str, run_id: str) -> None:
    match action:
        case "list":
            _list(inspection, terminal)
        case "show":
            _show(inspection, terminal, run_id)
        case "cancel":
            inspection.cancel(run_id)
            terminal.say(f"Cancelled {run_id}.")
        case "retry":
            terminal.say(f"Goes on as {inspection.retry(run_id)}. A running bot takes it up at once.")


def _list(inspection: Inspection, terminal: Terminal) -> None:
    runs = list(inspection.runs(_MOST))
    terminal.say(f"{'STATE':<10} {'AGE':>8} {'STEPS':>5}  RUN")
    now = datetime.now(UTC)
    for info in runs:
        in_thread = "" if info.id.startswith(info.thread) else f"   in thread {info.thread}"
        awaits = f"   waits for a decision about {', '.join(info.awaits)}" if info.awaits else ""
        line = f"{info.state:<10} {_age(now - info.begun):>8} {info.steps:>5}  {info.id}{in_thread}{awaits}"
        terminal.say(line)


def _show(inspection: Inspection, terminal: Terminal, run_id: str) -> None:
    for step in inspection.steps(run_id):
        seconds = "" if step.seconds is None else f"{step.seconds:.2f} s"
        at = "" if step.begun is None else f"{step.begun:%Y-%m-%d %H:%M:%S}"
        terminal.say(f"{step.number:>3}  {at}  {seconds:>9}  {step.name}  {step.error or ''}".rstrip())


def _age(age: timedelta) -> str:
    seconds = int(age.total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds >= length:
            return f"{seconds // length} {unit}"
    return f"{seconds} s"
