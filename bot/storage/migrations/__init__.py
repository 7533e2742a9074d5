"""Our tables, brought up to date when the bot starts. The run engine looks after its own.

Every change of `database.metadata` is a revision in `versions/`, in a file named `r` and its number.
CONTRIBUTING.md says how to add one.
"""

from __future__ import annotations

import logging
from pathlib import Path

import sqlalchemy as sa

from bot.errors import DatabaseTooNew, DatabaseUnusable

_log = logging.getLogger(__name__)

_LOCATION = "bot.storage:migrations"
_VERSION_TABLE = sa.table("alembic_version", sa.column("version_num", sa.String))

# Any number, as long as nobody else locks it in the same database.
_LOCK = 0x7468726561646C70


def migrate(engine: sa.Engine) -> None:
    """Bring our tables up to date. Of several processes that start at once, one does it and the others wait.

    Raises:
        DatabaseUnusable: the database can't be reached, refuses us, or doesn't let us create tables.
        DatabaseTooNew: a newer Threadloop has changed the tables.
    """
    known = _known_revisions()
    try:
        with engine.connect() as connection:
            stored = _stored_revision(connection)
        if stored is None or stored in known[:-1]:
            _upgrade(engine)
            _log.info("The database is at revision %s now; it was at %s.", known[-1], stored or "none")
    except sa.exc.DBAPIError as error:
        raise DatabaseUnusable(
            f"The database {_name(engine)} can't be used: {str(error.orig).strip()}\n"
            "Check DATABASE_URL, that the database runs, and that it lets its user in and create tables."
        ) from error
    _check_known(engine, stored)


def stored_revision(engine: sa.Engine) -> str | None:
    """The revision that the tables are at; `None` if there are none yet.

    Raises:
        DatabaseTooNew: a newer Threadloop has changed them.
    """
    with engine.connect() as connection:
        stored = _stored_revision(connection)
    _check_known(engine, stored)
    return stored


def newest_revision() -> str:
    """The revision to which `migrate` brings the tables."""
    return _known_revisions()[-1]


def _check_known(engine: sa.Engine, stored: str | None) -> None:
    known = _known_revisions()
    if stored is not None and stored not in known:
        raise DatabaseTooNew(
            f"The database {_name(engine)} is at revision {stored}, and this Threadloop knows none after "
            f"{known[-1]}: a newer one has changed it. Run that one, or restore a backup from before it."
        )


def _name(engine: sa.Engine) -> str:
    """The database's URL without its password, which may also stand among its parameters."""
    return engine.url.set(query={}).render_as_string()


def _stored_revision(connection: sa.Connection) -> str | None:
    if not sa.inspect(connection).has_table(_VERSION_TABLE.name):
        return None
    revision: str | None = connection.scalar(sa.select(_VERSION_TABLE.c.version_num))
    return revision


def _known_revisions() -> list[str]:
    """The numbers of all revisions, in order. File names tell, so that most starts need no Alembic."""
    files = (Path(__file__).parent / "versions").glob("r*.py")
    return sorted(path.stem.partition("_")[0].removeprefix("r") for path in files)


def _upgrade(engine: sa.Engine) -> None:
    # It takes 0.4 s to import, and there is something to upgrade once in many starts.
    from alembic import command
    from alembic.config import Config

    # It tells at length how it sets itself up; what it did is said by `migrate`.
    logging.getLogger("alembic").setLevel(logging.WARNING)
    config = Config()
    config.set_main_option("script_location", _LOCATION)
    with engine.begin() as connection:
        _lock(connection)
        # Alembic looks again at the stored revision, now that nobody else can change it.
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


def _lock(connection: sa.Connection) -> None:
    """Let no other process migrate until the transaction ends."""
    if connection.dialect.name == "sqlite":
        # Python's driver begins a transaction before it changes rows, not before it changes tables.
        connection.exec_driver_sql("BEGIN IMMEDIATE")
        return
    # Rewriting a large table may take its time, and so may waiting for another process that does.
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    connection.execute(sa.select(sa.func.pg_advisory_xact_lock(_LOCK)))
