"""The gateway's tables and every statement that touches them. Synchronous: call it from a thread."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from bot.gateway.logs import File, Log
from bot.storage.database import metadata

logs = sa.Table(
    "gateway_logs",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("file_id", sa.String(64), nullable=False, index=True),
    sa.Column("version_id", sa.String(64), nullable=False),
    sa.Column("trace_parent_id", sa.String(64), index=True),
    sa.Column("trace_id", sa.String(64), index=True),
    sa.Column("evaluates", sa.String(64), index=True),
    sa.Column("status", sa.String(16)),
    sa.Column("created_at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("body", sa.JSON, nullable=False),
)

versions = sa.Table(
    "gateway_versions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("file_id", sa.String(64), primary_key=True),
    sa.Column("file_type", sa.String(16), nullable=False),
    sa.Column("path", sa.String(1024), nullable=False),
    sa.Column("content", sa.JSON, nullable=False),
)

_joined = sa.select(logs, versions.c.file_type, versions.c.path, versions.c.content).join(
    versions, sa.and_(versions.c.id == logs.c.version_id, versions.c.file_id == logs.c.file_id)
)


@dataclass(frozen=True, slots=True)
class StoredLog:
    """A log as the database has it, with the logs nested under it and the judgments about it."""

    log: Log
    children: tuple[StoredLog, ...] = ()
    judgments: tuple[Log, ...] = ()


def insert_log(connection: sa.Connection, log: Log) -> None:
    """Write a log, and its file's version if that is new.

    A log whose id is known is continued: a question taken up again after a restart opens its flow anew.
    """
    if connection.execute(sa.select(logs.c.id).where(logs.c.id == log.id)).first():
        update_log(connection, log.id, {**log.body, "log_status": log.status})
        return
    _insert_version(connection, log.file)
    connection.execute(
        logs.insert().values(
            id=log.id,
            file_id=log.file.id,
            version_id=log.file.version_id,
            trace_parent_id=log.trace_parent_id,
            trace_id=log.trace_id,
            evaluates=log.evaluates,
            status=log.status,
            created_at=log.created_at,
            body=log.body,
        )
    )


def update_log(connection: sa.Connection, log_id: str, changes: dict[str, Any]) -> None:
    """Merge `changes` into a log's body; `log_status` among them becomes its status."""
    row = connection.execute(sa.select(logs.c.body, logs.c.status).where(logs.c.id == log_id)).one_or_none()
    if row is None:  # its insert was given up, and has been reported
        return
    status = changes.get("log_status") or row.status
    connection.execute(
        logs.update().where(logs.c.id == log_id).values(body={**row.body, **changes}, status=status)
    )


def select_log(connection: sa.Connection, log_id: str) -> StoredLog | None:
    """A log with everything under it, or None."""
    row = connection.execute(_joined.where(logs.c.id == log_id)).one_or_none()
    return None if row is None else _with_relatives(connection, row)


def select_page(connection: sa.Connection, file_id: str, page: int, size: int) -> tuple[list[Log], int]:
    """One page (from 1) of a file's logs, newest first, and how many there are in all."""
    total = connection.execute(
        sa.select(sa.func.count()).select_from(logs).where(logs.c.file_id == file_id)
    ).scalar_one()
    rows = connection.execute(
        _joined.where(logs.c.file_id == file_id)
        .order_by(logs.c.created_at.desc(), logs.c.id)
        .limit(size)
        .offset((page - 1) * size)
    )
    return [_log(row) for row in rows], total


def _insert_version(connection: sa.Connection, file: File) -> None:
    known = sa.select(versions.c.id).where(versions.c.id == file.version_id, versions.c.file_id == file.id)
    if connection.execute(known).first() is None:
        connection.execute(
            versions.insert().values(
                id=file.version_id, file_id=file.id, file_type=file.type, path=file.path, content=file.content
            )
        )


def _with_relatives(connection: sa.Connection, row: sa.Row[Any]) -> StoredLog:
    children = _rows(connection, logs.c.trace_parent_id == row.id)
    judgments = _rows(connection, logs.c.evaluates == row.id)
    return StoredLog(
        _log(row),
        children=tuple(_with_relatives(connection, child) for child in children),
        judgments=tuple(_log(judgment) for judgment in judgments),
    )


def _rows(connection: sa.Connection, condition: sa.ColumnElement[bool]) -> Sequence[sa.Row[Any]]:
    return connection.execute(_joined.where(condition).order_by(logs.c.created_at, logs.c.id)).all()


def _log(row: sa.Row[Any]) -> Log:
    file = File(row.file_type, row.path, row.file_id, row.version_id, row.content)
    return Log(
        id=row.id,
        file=file,
        body=row.body,
        trace_parent_id=row.trace_parent_id,
        trace_id=row.trace_id,
        evaluates=row.evaluates,
        status=row.status,
        created_at=row.created_at,
    )
