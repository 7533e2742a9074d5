"""Messages for later, each with a reference by which its asker, and a repeated attempt, find it again.

Metadata cannot carry the reference: Slack never posts a scheduled message that has any
(https://docs.slack.dev/reference/methods/chat.scheduleMessage). And the text cannot stand for the message,
since Slack rewrites links and emoji in it.
"""

from __future__ import annotations

import hashlib
import re
from dataclasses import dataclass
from datetime import datetime

from tools._framework.context import Context
from tools._framework.errors import ToolRetry
from tools._slack.calls import Json, client_of, collect
from tools._slack.once import once, writing_client
from tools._slack.posting import quiet, sent_for

_SIGNED = re.compile(r"_Sent for <@(\w+)(?:\|[^>]*)?> \(ref ([0-9a-f]{8})\)_\n(.*)", re.DOTALL)
_MOST = 1_000


@dataclass(frozen=True, slots=True)
class Planned:
    """A message that waits for its time."""

    id: str
    """Slack's own."""
    channel: str
    post_at: int
    """Seconds since 1970."""
    asker: str
    reference: str
    text: str

    @classmethod
    def of(cls, entry: Json) -> Planned | None:
        """Read an entry of chat.scheduledMessages.list; `None` for what no tool of ours scheduled."""
        match = _SIGNED.fullmatch(entry.get("text") or "")
        if match is None:
            return None
        return cls(entry["id"], entry["channel_id"], int(entry["post_at"]), match[1], match[2], match[3])


async def direct_messages(context: Context) -> str:
    """The id of the direct messages between the asker and the bot."""
    opened = await client_of(context).conversations_open(users=[context.asker.id])
    return str(opened["channel"]["id"])


async def schedule_once(context: Context, channel_id: str, moment: datetime, text: str) -> str:
    """Let Slack post `text` for the asker at `moment`, and return the message's reference.

    Raises:
        ToolRetry: the text will not do.
        ToolFailed: Slack could not be reached.
    """
    reference = hashlib.sha256(context.idempotency_key.encode()).hexdigest()[:8]
    said = f"_{sent_for(context)} (ref {reference})_\n{quiet(context, text)}"

    async def scheduled() -> str | None:
        return next((reference for planned in await own(context) if planned.reference == reference), None)

    async def schedule() -> str:
        await writing_client(context).chat_scheduleMessage(
            channel=channel_id,
            post_at=int(moment.timestamp()),
            text=said,
            unfurl_links=False,
            unfurl_media=False,
        )
        return reference

    return await once(scheduled, schedule)


async def own(context: Context) -> list[Planned]:
    """What waits to be sent for the asker, the next one first."""
    client = client_of(context)
    found = await collect(
        lambda cursor: client.chat_scheduledMessages_list(limit=100, cursor=cursor),
        "scheduled_messages",
        most=_MOST,
    )
    planned = [entry for entry in map(Planned.of, found.entries) if entry and entry.asker == context.asker.id]
    return sorted(planned, key=lambda entry: entry.post_at)


async def cancel(context: Context, reference: str) -> Planned:
    """Take back a message that waits to be sent for the asker.

    Raises:
        ToolRetry: none of theirs has that reference.
    """
    waiting = await own(context)
    for planned in waiting:
        if planned.reference == reference.strip().casefold():
            await client_of(context).chat_deleteScheduledMessage(
                channel=planned.channel, scheduled_message_id=planned.id
            )
            return planned
    known = ", ".join(planned.reference for planned in waiting) or "none"
    raise ToolRetry(f"The asker has no scheduled message {reference!r}. There are: {known}.")
