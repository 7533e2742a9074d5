"""Cursor pagination (https://docs.slack.dev/apis/web-api/pagination)."""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from typing import TypeVar

from bot.playground.api.call import ApiError, Call
from bot.playground.objects import JSON

Item = TypeVar("Item")


def page(call: Call, items: Sequence[tuple[str, Item]], *, limit: int, most: int) -> tuple[list[Item], JSON]:
    """The part of `items` (each with its key) that the call asks for, and the answer's paging fields.

    The cursor names the first key of the next page, so that new items do not shift the pages.
    """
    limit = call.number("limit", limit, most=most)
    start = 0
    if cursor := call.text("cursor"):
        wanted = _opened(cursor)
        start = next((at for at, (key, _) in enumerate(items) if key == wanted), len(items))
    chosen = items[start : start + limit]
    rest = items[start + limit : start + limit + 1]
    following = base64.b64encode(f"next:{rest[0][0]}".encode()).decode() if rest else ""
    return [item for _, item in chosen], {"response_metadata": {"next_cursor": following}}


def _opened(cursor: str) -> str:
    try:
        kind, _, key = base64.b64decode(cursor, validate=True).decode().partition(":")
    except (binascii.Error, UnicodeDecodeError) as error:
        raise ApiError("invalid_cursor") from error
    if kind != "next":
        raise ApiError("invalid_cursor")
    return key
