"""The database engine and our tables: SQLite in a file by default, PostgreSQL by `DATABASE_URL`.

One engine serves the run engine's tables and ours. It is synchronous, as the run engine wants it: call it
from a thread, never from the event loop.
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import sqlalchemy as sa

metadata = sa.MetaData()

_BUSY_TIMEOUT_MS = 10_000


def create_engine(url: str) -> sa.Engine:
    """An engine for `url`, a SQLAlchemy URL such as `sqlite:///var/threadloop.db`.

    A SQLite file's folder is made if it is missing.
    """
    parsed = sa.make_url(url)
    if parsed.get_backend_name() != "sqlite":
        return sa.create_engine(
            parsed.set(drivername="postgresql+psycopg"), pool_pre_ping=True, hide_parameters=True
        )
    if parsed.database and parsed.database != ":memory:":
        Path(parsed.database).parent.mkdir(parents=True, exist_ok=True)
    # Parameters hold what people wrote: they stay out of error messages, and so out of logs.
    engine = sa.create_engine(parsed, hide_parameters=True)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def create_tables(engine: sa.Engine) -> None:
    """Create our tables where they are missing."""
    metadata.create_all(engine)


def _prepare_sqlite(connection: sqlite3.Connection, _record: Any) -> None:
    # IMMEDIATE takes the write lock when a transaction begins: two writers then queue up,
    # where the default lets both read first and fails one of them at its first write.
    connection.isolation_level = "IMMEDIATE"
    connection.execute(f"PRAGMA busy_timeout={_BUSY_TIMEOUT_MS}")
    connection.execute("PRAGMA journal_mode=WAL")
    # FULL makes a commit durable before it returns: an acknowledged question survives a power cut.
    connection.execute("PRAGMA synchronous=FULL")
    connection.execute("PRAGMA foreign_keys=ON")
    if sqlite3.sqlite_version_info < (3, 42):
        # The run engine's statements call unixepoch('subsec'), which SQLite knows since 3.42.
        connection.create_function("unixepoch", -1, lambda *_: time.time())
