"""What the tests of a protocol share."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.storage.database import create_engine
from bot.storage.migrations import migrate


@pytest.fixture(params=["sqlite", "postgresql"])
def either_database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[sa.Engine]:
    """A database with our tables: a test that takes it runs on each kind."""
    is_sqlite = request.param == "sqlite"
    url = f"sqlite:///{tmp_path}/bot.db" if is_sqlite else request.getfixturevalue("postgres_url")
    engine = create_engine(url)
    migrate(engine)
    yield engine
    engine.dispose()
