"""Replicas on one PostgreSQL database notice who is dead, once and rightly."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import asynccontextmanager

import pytest
import sqlalchemy as sa
from support.patience import PATIENCE_S
from support.postgres import PostgresServer

from bot.runs.replicas import Replicas
from bot.storage.database import create_engine
from bot.storage.migrations import migrate


@pytest.fixture
def engine(postgres_url: str) -> Iterator[sa.Engine]:
    engine = create_engine(postgres_url)
    migrate(engine)
    yield engine
    engine.dispose()


class Adoptions:
    """Who was adopted, by whoever did it."""

    def __init__(self) -> None:
        self.ids: list[str] = []
        self.first = asyncio.Event()

    async def adopt(self, replica: str) -> None:
        """Note it."""
        self.ids.append(replica)
        self.first.set()


@asynccontextmanager
async def watching(engine: sa.Engine, adoptions: Adoptions, count: int) -> AsyncIterator[list[Replicas]]:
    replicas = [Replicas(engine, adoptions.adopt) for _ in range(count)]
    for replica in replicas:
        await replica.announce()
        replica.watch()
    yield replicas
    for replica in replicas:
        await replica.unwatch()
        await replica.leave()


async def listed(engine: sa.Engine) -> set[str]:
    def read() -> set[str]:
        with engine.connect() as connection:
            return set(connection.scalars(sa.text("SELECT id FROM replicas")))

    return await asyncio.to_thread(read)


def leave(_server: PostgresServer, _url: str) -> None:
    """End the dead replica's session only."""


def drop_every_session(server: PostgresServer, url: str) -> None:
    """What a restart of the database does to the living, too."""
    server.execute(
        f"SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity "
        f"WHERE datname = '{sa.make_url(url).database}'"
    )


@pytest.mark.parametrize("meanwhile", [leave, drop_every_session])
async def test_the_living_adopt_the_dead_once_and_never_each_other(
    engine: sa.Engine,
    postgres: PostgresServer,
    postgres_url: str,
    meanwhile: Callable[[PostgresServer, str], None],
) -> None:
    adoptions = Adoptions()
    dead = Replicas(engine, adoptions.adopt)
    await dead.announce()
    async with watching(engine, adoptions, 2) as living:
        await dead.leave()
        meanwhile(postgres, postgres_url)
        await asyncio.wait_for(adoptions.first.wait(), PATIENCE_S)
    assert adoptions.ids == [dead.id]
    # The living have left by now, and stay listed until another one has adopted what they left open.
    assert await listed(engine) == {replica.id for replica in living}
