"""Tool calls that wait for a person's approval, and what was decided. Kept in the database, not in memory."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal, TypeAlias, TypeVar

import sqlalchemy as sa

from bot.conversation import ToolCall, Verdict
from bot.storage.database import in_transaction, metadata, upsert

State: TypeAlias = Literal["pending", "approved", "denied", "expired", "withdrawn"]
Value = TypeVar("Value")

_approvals = sa.Table(
    "approvals",
    metadata,
    sa.Column("run_id", sa.String(160), primary_key=True),
    sa.Column("call_id", sa.String(128), primary_key=True),
    sa.Column("tool", sa.String(64), nullable=False),
    sa.Column("arguments", sa.Text, nullable=False),
    sa.Column("digest", sa.String(64), nullable=False),
    sa.Column("state", sa.String(16), nullable=False, index=True),
    sa.Column("decided_by", sa.String(32)),
    sa.Column("reason", sa.Text),
    sa.Column("card_ts", sa.String(32)),
    sa.Column("expires_at", sa.Float, nullable=False, index=True),
    sa.Column("settled", sa.Boolean, nullable=False, index=True),
    sa.Column("words", sa.Text, nullable=False, server_default=""),
)


@dataclass(frozen=True, slots=True)
class Approval:
    """One call that has to be approved."""

    run_id: str
    """Of the run that paused for it."""
    call: ToolCall
    digest: str
    """Of the tool and its arguments: a decision holds for just these."""
    state: State
    decided_by: str | None
    """A user id."""
    reason: str | None
    card_ts: str | None
    """The message in which people decide, once it is posted."""
    expires_at: float
    settled: bool
    """Whether what follows from the decision is done."""
    words: str
    """What would be done, as people were asked; empty where a version before this one has asked."""

    def is_about(self, call: ToolCall) -> bool:
        """Whether it was asked about this very call."""
        return self.digest == digest(call)

    def verdict(self, call: ToolCall) -> Verdict:
        """What was decided about `call`, for the loop. Whatever is not approved is refused."""
        if not self.is_about(call):
            return Verdict(False, "It is not what was asked about.")
        match self.state:
            case "approved":
                return Verdict(True)
            case "expired":
                return Verdict(False, "Nobody decided in time.")
        return Verdict(False, f"The reason given: {self.reason}" if self.reason else "")


def digest(call: ToolCall) -> str:
    """What a decision about a call is bound to: the tool and the arguments, word for word."""
    return hashlib.sha256(json.dumps([call.name, call.arguments]).encode()).hexdigest()


def _by_name(call: ToolCall) -> str:
    return call.name


class Approvals:
    """The calls in the database. Times are seconds since the epoch.

    Every change of a state is one statement that names the state before: of two replicas, one succeeds.
    """

    def __init__(self, engine: sa.Engine) -> None:
        self._engine = engine

    async def ask(
        self,
        run_id: str,
        calls: Sequence[ToolCall],
        expires_at: float,
        in_words: Callable[[ToolCall], str] = _by_name,
    ) -> list[Approval]:
        """Note that these calls wait, and return them in their order.

        Asked again after a restart, those that are known stay as they are.
        """
        rows = [
            {
                "run_id": run_id,
                "call_id": call.id,
                "tool": call.name,
                "arguments": call.arguments,
                "digest": digest(call),
                "state": "pending",
                "expires_at": expires_at,
                "settled": False,
                "words": in_words(call),
            }
            for call in calls
        ]
        await self._do(
            lambda connection: connection.execute(
                upsert(connection, _approvals).values(rows).on_conflict_do_nothing()
            )
        )
        known = {approval.call.id: approval for approval in await self.of_run(run_id)}
        return [known[call.id] for call in calls]

    async def of_run(self, run_id: str) -> list[Approval]:
        """All calls that the run paused for."""
        return await self._do(lambda connection: of_run(connection, run_id))

    async def find(self, run_id: str, call_id: str) -> Approval | None:
        """One of them."""
        found = await self._find(_approvals.c.run_id == run_id, _approvals.c.call_id == call_id)
        return found[0] if found else None

    async def posted(self, approval: Approval, card_ts: str) -> None:
        """Note where people decide about it."""
        # What was decided meanwhile is to be shown there.
        await self._change(approval, {"card_ts": card_ts, "settled": False})

    async def decide(
        self, approval: Approval, state: State, *, by: str | None = None, reason: str | None = None
    ) -> bool:
        """Decide about a call that waits; whether this was the decision that counts."""
        decided = {"state": state, "decided_by": by, "reason": reason}
        return await self._change(approval, decided, _approvals.c.state == "pending")

    async def withdraw(self, run_id: str) -> None:
        """Let no decision about a run's calls count, but for those of which all that follows is done."""
        await self._do(lambda connection: withdraw(connection, run_id))

    async def settle(self, approval: Approval) -> None:
        """Note that what follows from the decision is done."""
        await self._change(approval, {"settled": True})

    async def overdue(self, now: float) -> list[Approval]:
        """The calls that have waited for too long."""
        return await self._find(_approvals.c.state == "pending", _approvals.c.expires_at < now)

    async def waiting(self, prefix: str) -> list[Approval]:
        """The calls that wait for a decision or for what follows from it, of the runs with this prefix."""
        return await self._find(
            _approvals.c.state != "withdrawn",
            _approvals.c.settled.is_(False),
            _approvals.c.run_id.startswith(prefix, autoescape=True),
        )

    async def count_pending(self) -> int:
        """How many calls wait for a decision."""
        query = sa.select(sa.func.count()).select_from(_approvals).where(_approvals.c.state == "pending")
        return await self._do(lambda connection: connection.scalar(query) or 0)

    async def unsettled(self) -> list[Approval]:
        """The calls from whose decision something has to follow yet."""
        return await self._find(_approvals.c.state != "pending", _approvals.c.settled.is_(False))

    async def forget_before(self, expired_before: float) -> None:
        """Delete what is settled and was due before a time."""
        old = sa.delete(_approvals).where(
            _approvals.c.expires_at < expired_before, _approvals.c.settled.is_(True)
        )
        await self._do(lambda connection: connection.execute(old))

    async def _change(
        self, approval: Approval, values: Mapping[str, Any], *conditions: sa.ColumnElement[bool]
    ) -> bool:
        change = sa.update(_approvals).where(
            _approvals.c.run_id == approval.run_id,
            _approvals.c.call_id == approval.call.id,
            _approvals.c.digest == approval.digest,
            *conditions,
        )
        return await self._do(lambda connection: connection.execute(change.values(**values)).rowcount == 1)

    async def _find(self, *conditions: sa.ColumnElement[bool]) -> list[Approval]:
        query = sa.select(_approvals).where(*conditions)
        return await self._do(lambda connection: [_approval(row) for row in connection.execute(query)])

    async def _do(self, work: Callable[[sa.Connection], Value]) -> Value:
        return await in_transaction(self._engine, work)


def withdraw(connection: sa.Connection, run_id: str) -> None:
    """As `Approvals.withdraw`, where there is no event loop."""
    withdrawn = (
        sa.update(_approvals)
        .where(_approvals.c.run_id == run_id, _approvals.c.settled.is_(False))
        .values(state="withdrawn", decided_by=None, reason=None)
    )
    connection.execute(withdrawn)


def of_run(connection: sa.Connection, run_id: str) -> list[Approval]:
    """As `Approvals.of_run`, where there is no event loop."""
    query = sa.select(_approvals).where(_approvals.c.run_id == run_id)
    return [_approval(row) for row in connection.execute(query)]


def _approval(row: sa.Row[Any]) -> Approval:
    return Approval(
        run_id=row.run_id,
        call=ToolCall(row.call_id, row.tool, row.arguments),
        digest=row.digest,
        state=row.state,
        decided_by=row.decided_by,
        reason=row.reason,
        card_ts=row.card_ts,
        expires_at=row.expires_at,
        settled=row.settled,
        words=row.words,
    )
