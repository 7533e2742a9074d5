"""The database's URL, and the lock that keeps a second process off a SQLite file."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.errors import DatabaseInUse, DatabaseUnusable, SettingsError
from bot.storage import database

_HOLD = """
import sys, time
from bot.storage.database import exclusive
with exclusive(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@pytest.mark.parametrize(
    "url",
    [
        "postgresql://bot:hunter2:@:5432:/x",
        "mysql://bot:hunter2@host/name",
        "bot:hunter2@host",
        "postgresql://bot:hunter2@host",
        "",
    ],
)
def test_a_url_of_another_kind_is_an_error_without_the_password(url: str) -> None:
    with pytest.raises(SettingsError, match="DATABASE_URL") as refused:
        database.create_engine(url)
    assert "hunter2" not in str(refused.value)


@pytest.mark.parametrize("scheme", ["postgres", "postgresql", "postgresql+psycopg2", "postgresql+asyncpg"])
def test_every_spelling_of_postgresql_takes_the_driver_that_is_installed(scheme: str) -> None:
    engine = database.create_engine(f"{scheme}://bot:hunter2@host/name")
    assert (engine.dialect.name, engine.driver) == ("postgresql", "psycopg")
    assert "hunter2" not in repr(engine)


def test_a_sqlite_file_makes_its_folder_and_keeps_what_is_committed(tmp_path: Path) -> None:
    engine = database.create_engine(f"sqlite:///{tmp_path}/deep/down/bot.db")
    with engine.connect() as connection:
        settings = [connection.scalar(sa.text(f"PRAGMA {name}")) for name in ("journal_mode", "synchronous")]
    engine.dispose()
    assert settings == ["wal", 2]


def test_a_second_holder_of_a_sqlite_file_is_told_which_and_what_to_do(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/var/bot.db"
    with database.exclusive(url), pytest.raises(DatabaseInUse) as refused, database.exclusive(url):
        pass
    assert f"{tmp_path}/var/bot.db" in str(refused.value)
    assert "DATABASE_URL" in str(refused.value)
    with database.exclusive(url):
        pass


def test_another_process_is_kept_off_until_it_is_killed(tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/bot.db"
    with subprocess.Popen(
        [sys.executable, "-c", _HOLD, url],
        cwd=Path(database.__file__).parents[1],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        with pytest.raises(DatabaseInUse), database.exclusive(url):
            pass
        holder.kill()
        holder.wait()
        with database.exclusive(url):
            pass


@pytest.mark.parametrize("url", ["sqlite://", "sqlite:///:memory:", "postgresql://bot@host/name"])
def test_only_files_have_one_holder(url: str, tmp_path: Path) -> None:
    with database.exclusive(url), database.exclusive(url):
        assert list(tmp_path.iterdir()) == []


def test_a_folder_that_cannot_be_made_is_a_clear_error(tmp_path: Path) -> None:
    (tmp_path / "var").write_text("not a folder")
    with (
        pytest.raises(DatabaseUnusable, match="DATABASE_URL"),
        database.exclusive(f"sqlite:///{tmp_path}/var/bot.db"),
    ):
        pass
