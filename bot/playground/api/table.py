"""Every method the workspace answers. What is not here is, as in Slack, an `unknown_method`."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from bot.playground.api import (
    agents,
    chat,
    conversations,
    files,
    people,
    reactions,
    scheduled,
    search,
    streams,
    usergroups,
    views,
)
from bot.playground.api.call import Method

_FAMILIES = (
    people,
    usergroups,
    conversations,
    chat,
    scheduled,
    streams,
    reactions,
    agents,
    views,
    files,
    search,
)

_FURTHER_SCOPES = ("app_mentions:read", "chat:write.customize", "chat:write.public", "commands")

METHODS: Mapping[str, Method] = MappingProxyType(
    {method.name: method for family in _FAMILIES for method in family.METHODS}
)

ALL_SCOPES = frozenset(_FURTHER_SCOPES).union(*(method.scopes for method in METHODS.values()))
"""Every scope that means anything here."""
