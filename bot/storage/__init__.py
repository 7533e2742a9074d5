"""What the bot keeps: the database, its tables, and a module for each that works with them."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import sqlalchemy as sa

from bot.storage import database
from bot.storage.migrations import migrate


@asynccontextmanager
async def open_database(url: str) -> AsyncIterator[sa.Engine]:
    """Open the database for as long as the block lasts, with its tables up to date.

    Raises:
        DatabaseUnusable: the database can't be reached, or refuses us.
        DatabaseInUse: another process works with the same SQLite file.
        DatabaseTooNew: a newer Threadloop has changed the database.
    """
    with database.exclusive(url):
        engine = database.create_engine(url)
        try:
            await asyncio.to_thread(migrate, engine)
            yield engine
        finally:
            engine.dispose()
