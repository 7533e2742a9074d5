"""The migrations make the tables that the code works with: the same tests on SQLite and on PostgreSQL."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa
from alembic.autogenerate import compare_metadata, produce_migrations, render_python_code
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from support.patience import PATIENCE_S

import bot.app  # with it every module that has tables
from bot.errors import DatabaseTooNew, DatabaseUnusable
from bot.storage.database import create_engine, metadata
from bot.storage.migrations import migrate

_ROOT = Path(bot.app.__file__).parents[1]

# What the gateway made before there were revisions.
_BEFORE_REVISIONS = """
CREATE TABLE gateway_versions (
    id VARCHAR(64) NOT NULL, file_id VARCHAR(64) NOT NULL, file_type VARCHAR(16) NOT NULL,
    path VARCHAR(1024) NOT NULL, content JSON NOT NULL, PRIMARY KEY (id, file_id)
)
"""
_A_ROW = "INSERT INTO gateway_versions VALUES ('v', 'f', 'prompt', 'bot', '{}')"

_MIGRATE = """
import sys
from bot.storage.database import create_engine
from bot.storage.migrations import migrate
engine = create_engine(sys.argv[1])
migrate(engine)
engine.dispose()
print("alembic" in sys.modules)
"""


@pytest.fixture(params=["sqlite", "postgresql"])
def url(request: pytest.FixtureRequest, tmp_path: Path) -> str:
    if request.param == "sqlite":
        return f"sqlite:///{tmp_path}/bot.db"
    url: str = request.getfixturevalue("postgres_url")
    return url


@pytest.fixture
def engine(url: str) -> Iterator[sa.Engine]:
    engine = create_engine(url)
    yield engine
    engine.dispose()


def assert_migrated(engine: sa.Engine) -> None:
    with engine.connect() as connection:
        context = MigrationContext.configure(connection)
        missing = produce_migrations(context, metadata).upgrade_ops
        assert missing is not None
        assert compare_metadata(context, metadata) == [], (
            f"bot/storage/migrations/versions lacks a revision that says:\n{render_python_code(missing)}"
        )


def migrate_in_processes(url: str, count: int) -> list[str]:
    """Start so many at once; return for each whether it imported Alembic."""
    command = [sys.executable, "-W", "error", "-c", _MIGRATE, url]
    processes = [
        subprocess.Popen(command, cwd=_ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        for _ in range(count)
    ]
    ended = [process.communicate(timeout=PATIENCE_S) for process in processes]
    assert "".join(err for _, err in ended) == ""
    return [out.strip() for out, _ in ended]


def test_the_revisions_make_the_tables_of_the_code(engine: sa.Engine) -> None:
    migrate(engine)
    assert_migrated(engine)


def test_tables_from_before_there_were_revisions_keep_their_rows(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.exec_driver_sql(_BEFORE_REVISIONS)
        connection.exec_driver_sql(_A_ROW)
    migrate(engine)
    assert_migrated(engine)
    with engine.connect() as connection:
        assert connection.scalar(sa.text("SELECT path FROM gateway_versions")) == "bot"


def test_a_newer_database_is_refused_with_the_remedy(engine: sa.Engine) -> None:
    migrate(engine)
    with engine.begin() as connection:
        connection.execute(sa.text("UPDATE alembic_version SET version_num = '9999'"))
    with pytest.raises(DatabaseTooNew, match=r"revision 9999.*newer.*backup"):
        migrate(engine)


def test_a_revision_that_fails_leaves_nothing_behind(engine: sa.Engine) -> None:
    with engine.begin() as connection:
        connection.execute(sa.text("CREATE TABLE gateway_logs (id VARCHAR(64))"))  # lacks what is indexed
    with pytest.raises(DatabaseUnusable, match="file_id"):
        migrate(engine)
    assert sa.inspect(engine).get_table_names() == ["gateway_logs"]


def test_processes_that_start_at_once_migrate_once(url: str, engine: sa.Engine) -> None:
    assert "True" in migrate_in_processes(url, 3)
    assert_migrated(engine)
    # A process that finds everything done is spared the time that Alembic takes to import.
    assert migrate_in_processes(url, 1) == ["False"]


def test_the_revisions_are_numbered_one_after_the_other() -> None:
    config = Config()
    config.set_main_option("script_location", "bot.storage:migrations")
    revisions = list(ScriptDirectory.from_config(config).walk_revisions())[::-1]
    numbers = [f"{number:04}" for number in range(1, len(revisions) + 1)]
    assert [revision.revision for revision in revisions] == numbers
    assert [Path(revision.path).name[1:5] for revision in revisions] == numbers
