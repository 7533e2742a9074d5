"""Slack's leave to search as the person who asks, which comes with each event.

It is a secret of that person, so it is kept in memory alone: after a restart the asker has to ask anew.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

_MOST = 2_000


class ActionTokens:
    """The tokens of the latest questions (https://docs.slack.dev/reference/methods/assistant.search.context)."""

    def __init__(self) -> None:
        self._tokens: OrderedDict[str, str] = OrderedDict()

    def keep(self, run_id: str, event: Mapping[str, Any]) -> None:
        """Remember the token of a question's event, if it has one."""
        token = (event.get("assistant_thread") or {}).get("action_token") or event.get("action_token")
        if token:
            self._tokens[run_id] = str(token)
            if len(self._tokens) > _MOST:
                self._tokens.popitem(last=False)

    def of(self, run_id: str) -> str:
        """The token of a question, or nothing."""
        return self._tokens.get(run_id, "")
