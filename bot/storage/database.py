"""The database: SQLite in a file by default, PostgreSQL by `DATABASE_URL`.

One engine serves the run engine's tables and ours. It is synchronous, as the run engine wants it: call it
from a thread, never from the event loop.
"""

from __future__ import annotations

import asyncio
import fcntl
import sqlite3
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeVar, cast

import sqlalchemy as sa
from sqlalchemy.dialects import postgresql, sqlite

from bot.errors import DatabaseInUse, DatabaseUnusable, SettingsError

Value = TypeVar("Value")

metadata = sa.MetaData()
"""Our tables. The migrations in `bot/storage/migrations` make them; a test holds the two equal."""

_BUSY_TIMEOUT_MS = 10_000

# At most twenty of the hundred connections that PostgreSQL allows by default, for each replica. The run engine
# works in sixteen threads.
_CONNECTIONS = 10
_MORE_CONNECTIONS = 10

# Parameters of libpq: https://www.postgresql.org/docs/current/libpq-connect.html#LIBPQ-PARAMKEYWORDS
_POSTGRES_PARAMETERS = {
    "application_name": "threadloop",
    "connect_timeout": "10",
    # A server that vanished is given up after 25 seconds; by itself the network waits for a quarter of an hour.
    "keepalives_idle": "10",
    "keepalives_interval": "5",
    "keepalives_count": "3",
    "tcp_user_timeout": "25000",
    "options": "-c statement_timeout=60s -c idle_in_transaction_session_timeout=60s",
}


def create_engine(url: str) -> sa.Engine:
    """An engine for `url`, such as `sqlite:///var/threadloop.db` or `postgresql://user:password@host/name`.

    A SQLite file's folder is made if it is missing. Parameters of a PostgreSQL URL are libpq's, such as
    `?sslmode=verify-full`, and win over ours. Nothing is connected yet.

    Raises:
        SettingsError: the URL is not one of these.
    """
    parsed = _parse(url)
    if parsed.get_backend_name() == "sqlite":
        return _sqlite(parsed)
    return _postgres(parsed)


@contextmanager
def exclusive(url: str) -> Iterator[None]:
    """Keep every other process from this SQLite file while the block lasts. Nothing to do for PostgreSQL.

    Raises:
        DatabaseInUse: another process is in such a block of its own.
        DatabaseUnusable: the file's folder can't be written to.
    """
    path = _file(_parse(url))
    if path is None:
        yield
        return
    with _open_lock(path) as lock:
        try:
            # The system itself releases it when the process ends, however it ends.
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError as error:
            raise DatabaseInUse(
                f"Another Threadloop is working with the database {path}. Stop it, or set DATABASE_URL to "
                "another file. Several that share a workspace need PostgreSQL: see docs/operations.md."
            ) from error
        yield


def _parse(url: str) -> sa.URL:
    try:
        parsed = sa.make_url(url)
    except (sa.exc.ArgumentError, ValueError):
        parsed = None
    if parsed is None or not _is_known(parsed):
        # Neither the URL nor an error that quotes it: it may hold a password.
        raise SettingsError(
            "DATABASE_URL should be sqlite:///a/file.db or postgresql://user:password@host/name. "
            "In a password, write characters such as @ : / % as their codes, for example %40."
        ) from None
    return parsed


def _is_known(url: sa.URL) -> bool:
    backend = url.get_backend_name()
    return backend == "sqlite" or (backend in ("postgresql", "postgres") and bool(url.database))


def _open_lock(database: Path) -> IO[str]:
    """A file beside the database. It stays: whoever removed it might remove it under the next one's lock."""
    # Not the database's own file, since closing that would end SQLite's locks on it, too.
    try:
        _make_folder(database)
        return database.with_name(f"{database.name}.lock").open("w")
    except OSError as error:
        raise DatabaseUnusable(
            f"The database {database} can't be used: {error.strerror} ({error.filename}). "
            "Check DATABASE_URL, and that this user may write there."
        ) from error


def _postgres(url: sa.URL) -> sa.Engine:
    return sa.create_engine(
        url.set(drivername="postgresql+psycopg"),
        connect_args={name: value for name, value in _POSTGRES_PARAMETERS.items() if name not in url.query},
        pool_size=_CONNECTIONS,
        max_overflow=_MORE_CONNECTIONS,
        # A connection that the server has closed meanwhile, as when it restarted, is replaced unnoticed.
        pool_pre_ping=True,
        # Parameters hold what people wrote: they stay out of error messages, and so out of logs.
        hide_parameters=True,
    )


def _sqlite(url: sa.URL) -> sa.Engine:
    path = _file(url)
    if path is not None:
        _make_folder(path)
    # One connection, for which threads queue in order. SQLite lets one write at a time anyway, and has the
    # others sleep for up to a tenth of a second before they look again.
    engine = sa.create_engine(url, hide_parameters=True, pool_size=1, max_overflow=0)
    sa.event.listen(engine, "connect", _prepare_sqlite)
    return engine


def _file(url: sa.URL) -> Path | None:
    """The file of a SQLite database; `None` for one in memory, and for PostgreSQL."""
    if url.get_backend_name() != "sqlite" or url.database in (None, "", ":memory:"):
        return None
    return Path(str(url.database))


def _make_folder(path: Path) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)


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


async def in_transaction(engine: sa.Engine, work: Callable[[sa.Connection], Value]) -> Value:
    """Do `work` in a transaction of its own, in a thread: the event loop goes on meanwhile."""

    def do() -> Value:
        with engine.begin() as connection:
            return work(connection)

    return await asyncio.to_thread(do)


def upsert(connection: sa.Connection, table: sa.Table) -> sqlite.Insert:
    """An insertion that can say what to do with a row that is there: both databases write it alike."""
    insert = postgresql.insert if connection.dialect.name == "postgresql" else sqlite.insert
    return cast(sqlite.Insert, insert(table))
