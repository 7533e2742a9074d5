"""A PostgreSQL server for the tests, and a fresh database in it for each test that asks for `postgres_url`.

The programs are the machine's own: Debian's package `postgresql`, or whatever `pg_ctl` is on the path. The
server has a folder of its own and a free loopback port, and ends with the tests.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from uuid import uuid4

import psycopg
import pytest
import sqlalchemy as sa
from support.ports import free_port

_USER = "threadloop"
PASSWORD = "not-for-the-logs"
"""The user's password: nothing may print it."""

# What makes a commit wait for the disk. Without it the server is quicker, and loses data in a power cut only.
_HASTY = {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}


class PostgresMissing(Exception):
    """PostgreSQL is not installed: `apt-get install postgresql`."""


@dataclass(frozen=True, slots=True)
class PostgresServer:
    """A running server."""

    url: sa.URL
    """Of its first database, `postgres`."""

    def create_database(self) -> str:
        """Make an empty database, and return its URL with the password."""
        name = f"test_{uuid4().hex}"
        self.execute(f"CREATE DATABASE {name} STRATEGY file_copy")
        return self.url.set(database=name).render_as_string(hide_password=False)

    def drop_database(self, url: str) -> None:
        """Remove a database, and end whatever is still connected to it."""
        self.execute(f"DROP DATABASE {sa.make_url(url).database} WITH (FORCE)")

    def execute(self, statement: str) -> None:
        """Run one statement as the server's superuser, outside a transaction."""
        with psycopg.connect(self.url.render_as_string(hide_password=False), autocommit=True) as connection:
            connection.execute(statement.encode())


@contextmanager
def running_postgres(*, durable: bool = False) -> Iterator[PostgresServer]:
    """Start a server, and stop it when the block ends.

    Args:
        durable: commits wait for the disk, as in production.

    Raises:
        PostgresMissing: no PostgreSQL is installed.
    """
    programs = _programs()
    # Not in pytest's folders: those are closed to other users, and root must run the server as one.
    folder = Path(tempfile.mkdtemp(prefix="threadloop-postgres-"))
    try:
        if (owner := _owner()) is not None:
            shutil.chown(folder, owner, owner)
        _initialise(programs, folder)
        port = free_port()
        _control(programs, folder, "start", "-o", _options(port, durable), "-l", str(folder / "log"))
        try:
            yield PostgresServer(
                sa.URL.create("postgresql", _USER, PASSWORD, host="127.0.0.1", port=port, database="postgres")
            )
        finally:
            _control(programs, folder, "stop", "-m", "immediate")
    finally:
        shutil.rmtree(folder)


@pytest.fixture(scope="session")
def postgres() -> Iterator[PostgresServer]:
    """The server of this test run."""
    try:
        with running_postgres() as server:
            yield server
    except PostgresMissing as missing:
        if os.environ.get("CI"):
            raise
        pytest.skip(str(missing))


@pytest.fixture
def postgres_url(postgres: PostgresServer) -> Iterator[str]:
    """The URL of an empty database that only this test sees."""
    url = postgres.create_database()
    yield url
    postgres.drop_database(url)


def _programs() -> Path:
    """The folder of the server's programs. Debian keeps them off the path, a folder for each version."""
    versions = Path("/usr/lib/postgresql").glob("*/bin/pg_ctl")
    newest = max(versions, key=lambda path: float(path.parts[-3]), default=None)
    found = newest or shutil.which("pg_ctl")
    if found is None:
        raise PostgresMissing(PostgresMissing.__doc__)
    return Path(found).parent


def _initialise(programs: Path, folder: Path) -> None:
    password = folder / "password"
    password.write_text(PASSWORD)
    password.chmod(0o644)
    _run(
        programs / "initdb", "-D", folder / "data", "--username", _USER, "--pwfile", password,
        "--auth", "scram-sha-256", "--encoding", "UTF8", "--locale", "C", "--no-sync", "--no-instructions",
    )  # fmt: skip


def _options(port: int, durable: bool) -> str:
    settings = {"listen_addresses": "127.0.0.1", "port": str(port), "unix_socket_directories": ""}
    if not durable:
        settings |= _HASTY
    return " ".join(f"-c {name}='{value}'" for name, value in settings.items())


def _control(programs: Path, folder: Path, action: str, *options: str) -> None:
    """Start or stop the server, and wait until it has."""
    _run(programs / "pg_ctl", action, "-D", folder / "data", "-w", "-s", *options)


def _run(*command: str | Path) -> None:
    owner = _owner()
    # Output goes to a file: the server would inherit a pipe, and reading from it would never end.
    with tempfile.TemporaryFile() as output:
        done = subprocess.run(
            command, stdin=subprocess.DEVNULL, stdout=output, stderr=output, cwd="/", check=False,
            user=owner, group=owner, extra_groups=None if owner is None else [],
        )  # fmt: skip
        output.seek(0)
        assert done.returncode == 0, output.read().decode()


def _owner() -> str | None:
    """Who runs the server if not the current user: PostgreSQL refuses to run as root."""
    return "postgres" if os.geteuid() == 0 else None
