"""Posts for the asker: they say so, ping nobody else, and come once."""

from __future__ import annotations

import html
from typing import Any

from tools._framework.context import Context
from tools._framework.errors import ToolRetry
from tools._framework.redaction import secrets_in
from tools._framework.secret_shapes import without_secrets
from tools._slack.access import Channel
from tools._slack.calls import client_of, collect, question_ts
from tools._slack.once import once, writing_client

EVENT_TYPE = "threadloop_posted"
_MOST_CHARS = 3_500
_MOST_LOOKED_AT = 500


def quiet(context: Context, text: str) -> str:
    """`text` for Slack's `text` field, in which no mention, broadcast, hidden link or secret can survive.

    Slack takes nothing for a token but what stands in angle brackets
    (https://docs.slack.dev/messaging/formatting-message-text).

    Raises:
        ToolRetry: there is no text, or too much for one message.
    """
    if not text.strip():
        raise ToolRetry("The text is empty.")
    if len(text) > _MOST_CHARS:
        raise ToolRetry(f"The text has {len(text)} characters; a message takes {_MOST_CHARS}. Make it shorter.")
    # As answers have it: an example's `password=…` stays.
    return html.escape(without_secrets(text.strip(), secrets_in(context.config)), quote=False)


def sent_for(context: Context) -> str:
    """Who wanted a post. A `quiet` text cannot forge it, since there it would be no mention."""
    return f"Sent for <@{context.asker.id}>"


async def post_once(context: Context, channel: Channel, text: str) -> str:
    """Post `text` for the asker, unless an earlier attempt at the same call did, and return its timestamp.

    Raises:
        ToolRetry: the text will not do.
        ToolFailed: Slack could not be reached.
    """
    said = f"_{sent_for(context)}_\n{quiet(context, text)}"

    async def post() -> str:
        answer = await writing_client(context).chat_postMessage(
            channel=channel.id,
            text=said,
            metadata={"event_type": EVENT_TYPE, "event_payload": {"idempotency_key": context.idempotency_key}},
            unfurl_links=False,
            unfurl_media=False,
        )
        return str(answer["ts"])

    return await once(lambda: _posted(context, channel), post)


async def _posted(context: Context, channel: Channel) -> str | None:
    """The timestamp of what an earlier attempt at this call posted."""
    client = client_of(context)
    recent = await collect(
        lambda cursor: client.conversations_history(
            channel=channel.id,
            oldest=question_ts(context),
            include_all_metadata=True,
            limit=200,
            cursor=cursor,
        ),
        "messages",
        most=_MOST_LOOKED_AT,
    )
    return next((str(message["ts"]) for message in recent.entries if _is_from(message, context)), None)


def _is_from(message: dict[str, Any], context: Context) -> bool:
    metadata = message.get("metadata") or {}
    payload = metadata.get("event_payload") or {}
    return (
        metadata.get("event_type") == EVENT_TYPE and payload.get("idempotency_key") == context.idempotency_key
    )
