"""Slack's search, as the person who asks (https://docs.slack.dev/reference/methods/assistant.search.context).

Nothing found is kept: what one person may find, another may not.
"""

from __future__ import annotations

from typing import Any

from slack_sdk.errors import SlackApiError

from tools._framework.context import Context
from tools._framework.errors import ToolFailed, ToolRetry
from tools._framework.limits import cut
from tools._slack.calls import Json, client_of, code_of, question_ts
from tools._slack.directory import Directory, clean
from tools._slack.messages import counted, local_time, people_in, words_of

_MOST = 20
_MOST_TEXT_CHARS = 500
_NO_LEAVE = (
    "Slack lets me search only in answer to a new message. Ask the asker to mention me in a channel, or to "
    "write to me directly; from a slash command, or after a long time, it does not work."
)
_WITHOUT_LEAVE = frozenset(
    {"missing_action_token", "invalid_action_token", "token_expired", "action_token_expired"}
)


async def search(context: Context, query: str) -> dict[str, Any]:
    """The messages of public channels that fit `query`, the best first.

    Raises:
        ToolRetry: the query is empty.
        ToolFailed: Slack gave no leave to search, which comes with each message to the bot.
    """
    if not query.strip():
        raise ToolRetry("The query is empty.")
    if not context.action_token:
        raise ToolFailed(_NO_LEAVE)
    found = await _found(context, query)
    writers = [message["author_user_id"] for message in found if message.get("author_user_id")]
    mentioned = [person for message in found for person in people_in(message.get("content") or "")]
    names = await Directory.of(context).names(client_of(context), [*writers, *mentioned])
    messages = [_entry(context, message, names) for message in found]
    return {
        "summary": f"Found {counted(len(messages), 'message')}.",
        "messages": messages,
        "sources": [
            {"title": f"{message['from']} in {message['channel']}", "url": message["link"]}
            for message in messages
        ],
    }


async def _found(context: Context, query: str) -> list[Json]:
    asked = {
        "query": query,
        "action_token": context.action_token,
        "content_types": ["messages"],
        "channel_types": ["public_channel"],
        "limit": _MOST,
    }
    try:
        answer = await client_of(context).api_call("assistant.search.context", json=asked)
    except SlackApiError as error:
        if code_of(error) in _WITHOUT_LEAVE:
            raise ToolFailed(_NO_LEAVE) from error
        raise
    found = (answer.get("results") or {}).get("messages") or ()
    # The question is a message, too, and holds the very words that are looked for.
    return [message for message in found if message["message_ts"] != question_ts(context)]


def _entry(context: Context, message: Json, names: dict[str, str]) -> dict[str, str]:
    writer = message.get("author_user_id") or ""
    return {
        "from": names.get(writer) or clean(message.get("author_name") or "somebody"),
        "channel": "#" + clean(message.get("channel_name") or message["channel_id"]),
        "at": local_time(context, float(message["message_ts"])),
        "text": cut(words_of(message.get("content") or "", names), _MOST_TEXT_CHARS),
        "link": message["permalink"],
    }
