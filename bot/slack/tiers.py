"""How often Slack lets each Web API method be called: https://docs.slack.dev/apis/web-api/rate-limits.

Which method is in which tier: https://github.com/slackapi/java-slack-sdk/blob/main/metadata/web-api/rate_limit_tiers.json
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Limit:
    """So many calls within any `window_s` seconds; some of them are reserved for what an answer needs."""

    calls: float
    window_s: float = 60.0
    reserve: float = 0.0
    """How many calls are left over for others by one that may as well be left out."""
    per_channel: bool = False


def _tier(per_minute: int) -> Limit:
    # A margin for the calls that are not ours to count: of a process before this one, or by a lost answer.
    calls = per_minute - max(1, math.ceil(per_minute / 20))
    return Limit(calls, reserve=calls // 3)


_TIER_2, _TIER_3, _TIER_4 = _tier(20), _tier(50), _tier(100)
_STATUS = Limit(570, reserve=30)
"""Slack's page says "special"; other apps' authors say 600 a minute. If it is less, its 429s teach that."""
_STARTS = Limit(_TIER_2.calls)
"""Any of them may as well be left out: the answer is posted then."""
_APPENDS = Limit(_TIER_4.calls, reserve=5)
"""What is not appended comes with the end of the stream."""
_POSTS = Limit(4, window_s=5.0, reserve=2, per_channel=True)
"""One a second in each channel. Slack bears short bursts, and does not say which."""
_UNPACED = Limit(math.inf)
"""Hundreds a minute, or so few that a wait would only do harm."""

_LIMITS: Mapping[str, Limit] = MappingProxyType(
    {
        "apps.connections.open": _UNPACED,
        "assistant.search.context": _TIER_2,
        "assistant.threads.setStatus": _STATUS,
        "auth.test": _UNPACED,
        "chat.appendStream": _APPENDS,
        "chat.getPermalink": _UNPACED,
        "chat.postEphemeral": _TIER_4,
        "chat.postMessage": _POSTS,
        "chat.startStream": _STARTS,
        "chat.stopStream": _TIER_2,
        "conversations.list": _TIER_2,
        "conversations.members": _TIER_4,
        "files.completeUploadExternal": _TIER_4,
        "files.getUploadURLExternal": _TIER_4,
        "files.info": _TIER_4,
        "reactions.list": _TIER_2,
        "reactions.remove": _TIER_2,
        "response_url": _POSTS,
        "search.messages": _TIER_2,
        "users.conversations": _TIER_2,
        "users.info": _TIER_4,
        "users.list": _TIER_2,
        "users.profile.get": _TIER_4,
        "views.open": _TIER_4,
        "views.publish": _TIER_4,
        "views.push": _TIER_4,
        "views.update": _TIER_4,
    }
)


def limit_of(method: str) -> Limit:
    """The limit of a Web API method, or of posts to a `response_url`; where none is known, the usual Tier 3."""
    return _LIMITS.get(method, _TIER_3)


def unlimited(method: str) -> Limit:
    """No limit, for a stand-in of Slack that has none. Streams stay few: in a crowd, posts serve all better."""
    return _TIER_2 if method in ("chat.startStream", "chat.stopStream") else _UNPACED
