"""Slack's Web API as tools use it: the bot's client, Slack's refusals in words, and its pages."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus
from typing import TYPE_CHECKING, Any, TypeAlias

import aiohttp
from slack_sdk.errors import SlackApiError, SlackClientError

from tools._framework.context import Context
from tools._framework.errors import ToolError, ToolFailed, ToolRetry

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient
    from slack_sdk.web.async_slack_response import AsyncSlackResponse

Json: TypeAlias = Mapping[str, Any]

_STAMP = re.compile(r"\d+\.\d+")
_PATIENCE_S = 12.0
_MOST_PAGES = 100

_MENDABLE = {
    "invalid_time": "Slack does not take that time.",
    "time_too_far": "That is too far away: Slack takes messages for the next 120 days.",
    "msg_too_long": "The text is too long for one Slack message. Make it shorter.",
    "no_text": "The text is empty.",
    "thread_not_found": "There is no such message.",
    "message_not_found": "There is no such message.",
}
_FINAL = {
    # It was ahead when it was asked for: `read_moment` looks at that.
    "time_in_past": "That time has passed before this could be done. Tell the asker, who can name another one.",
    "channel_not_found": "There is no such conversation, or I am not in it. A member can add me with /invite.",
    "not_in_channel": "I am not in that channel. A member can add me with /invite.",
    "is_archived": "That channel is archived.",
    "restricted_action": "The workspace does not let me post there.",
    "cannot_dm_bot": "Bots get no direct messages.",
    "user_disabled": "That account is no longer active.",
    "restricted_too_many": "Too many messages are scheduled there for about that time; choose another time.",
    "invalid_scheduled_message_id": (
        "It cannot be cancelled any more: it was sent, or will be within a minute."
    ),
    "ratelimited": "Slack asks for fewer requests. Try again in a minute.",
    "rate_limited": "Slack asks for fewer requests. Try again in a minute.",
}

_AWAY = "Slack cannot be reached at the moment. Try again in a minute."
_OWN_TROUBLE = frozenset({"internal_error", "fatal_error", "service_unavailable", "request_timeout"})


def client_of(context: Context) -> AsyncWebClient:
    """The bot's client. Raises ToolFailed where there is no Slack."""
    if context.slack is None:
        raise ToolFailed("Slack is not connected here, so its messages and people are out of reach.")
    return context.slack


def question_ts(context: Context) -> str | None:
    """The timestamp of the question, which its run's id holds; `None` for one that was no post."""
    # `team:channel:ts`, or `team:channel:ts#revision` once it was edited.
    last = context.run_id.partition("#")[0].rpartition(":")[2]
    return last if _STAMP.fullmatch(last) else None


def status_of(error: SlackApiError) -> int:
    """The HTTP status of a refusal."""
    response = error.response
    # The SDK gives a plain dict for an answer that is not JSON.
    status = response.get("status") if isinstance(response, dict) else response.status_code
    return int(status or HTTPStatus.OK)


def code_of(error: SlackApiError) -> str:
    """Slack's own code for a refusal, such as `not_in_channel`; `status 500` for an answer without one."""
    status = status_of(error)
    body = error.response if isinstance(error.response, dict) else error.response.data
    code = body.get("error") if isinstance(body, dict) else None
    return "ratelimited" if status == HTTPStatus.TOO_MANY_REQUESTS else code or f"status {status}"


@contextmanager
def slack_refusals() -> Iterator[None]:
    """Raise whatever goes wrong with Slack as a ToolRetry or ToolFailed that says what it means."""
    try:
        yield
    except SlackApiError as error:
        raise _in_words(error) from error
    except (SlackClientError, aiohttp.ClientError, OSError, TimeoutError) as error:
        raise ToolFailed(_AWAY) from error


def _in_words(error: SlackApiError) -> ToolError:
    code = code_of(error)
    if code in _MENDABLE:
        return ToolRetry(_MENDABLE[code])
    if code == "missing_scope":
        needed = error.response.get("needed") or "one of Slack's permissions"
        return ToolFailed(
            f"I lack the permission {needed}. An admin of the workspace can install me anew with it."
        )
    if code in _OWN_TROUBLE or status_of(error) >= HTTPStatus.INTERNAL_SERVER_ERROR:
        return ToolFailed(_AWAY)
    return ToolFailed(_FINAL.get(code) or f"Slack refused with {code}.")


@dataclass(frozen=True, slots=True)
class Collected:
    """Entries of several pages, in Slack's order."""

    entries: list[Any]
    complete: bool
    """Whether these are all there are."""


async def collect(
    fetch: Callable[[str | None], Awaitable[AsyncSlackResponse]], key: str, *, most: int
) -> Collected:
    """Up to `most` of what lies under `key` in the pages that `fetch(cursor)` gets.

    Some apps get 15 entries and one page a minute (https://docs.slack.dev/apis/web-api/rate-limits): what has
    come within a dozen seconds must do, and the first page is waited for.
    """
    found: list[Any] = []
    cursor: str | None = None
    deadline = asyncio.get_running_loop().time() + _PATIENCE_S
    for _ in range(_MOST_PAGES):
        try:
            async with asyncio.timeout_at(deadline if cursor else None):
                page = await fetch(cursor)
        except (TimeoutError, SlackApiError) as error:
            if not cursor or (isinstance(error, SlackApiError) and code_of(error) != "ratelimited"):
                raise
            return Collected(found, complete=False)
        found += page.get(key) or []
        cursor = (page.get("response_metadata") or {}).get("next_cursor")
        if not cursor or len(found) >= most:
            return Collected(found[:most], complete=not cursor and len(found) <= most)
    return Collected(found, complete=False)
