"""Who is who in a workspace, asked of Slack and remembered for some minutes."""

from __future__ import annotations

import asyncio
import re
import time
from collections import OrderedDict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from slack_sdk.errors import SlackApiError

from tools._framework.context import Context
from tools._slack.calls import Collected, Json, client_of, collect

if TYPE_CHECKING:
    from slack_sdk.web.async_client import AsyncWebClient

_REMEMBER_S = 600.0
_MOST_NAMES = 5_000
_MOST_PEOPLE = 20_000
_MOST_WORKSPACES = 50
_MOST_NAME_CHARS = 80
_STATE = "slack.directories"


def clean(name: str) -> str:
    """A name that people chose themselves, on one line and of bearable length."""
    return re.sub(r"\s+", " ", name).strip()[:_MOST_NAME_CHARS]


@dataclass(frozen=True, slots=True)
class Person:
    """A member of the workspace. Mail addresses are nobody's business, so there is none."""

    id: str
    name: str
    """The display name, or the real name of somebody without one."""
    real_name: str
    title: str
    timezone: str

    @classmethod
    def of(cls, user: Json) -> Person:
        """Read a user of Slack's."""
        profile = user.get("profile") or {}
        real_name = clean(profile.get("real_name") or user.get("real_name") or user.get("name") or user["id"])
        return cls(
            id=user["id"],
            name=clean(profile.get("display_name") or "") or real_name,
            real_name=real_name,
            title=clean(profile.get("title") or ""),
            timezone=user.get("tz") or "UTC",
        )


class Directory:
    """The people of one workspace, and its address."""

    def __init__(self) -> None:
        self._names: OrderedDict[str, tuple[float, str]] = OrderedDict()
        self._everybody: tuple[float, Collected] | None = None
        self._listing = asyncio.Lock()
        self._url = ""

    @classmethod
    def of(cls, context: Context) -> Directory:
        """The directory of the context's workspace: whoever has another token sees another one."""
        kept = context.state.setdefault(_STATE, OrderedDict())
        known: OrderedDict[str, Directory] = kept if isinstance(kept, OrderedDict) else OrderedDict()
        found = known.setdefault(client_of(context).token or "", cls())
        if len(known) > _MOST_WORKSPACES:
            known.popitem(last=False)
        return found

    async def url(self, client: AsyncWebClient) -> str:
        """Where the workspace is found in a browser."""
        if not self._url:
            self._url = str((await client.auth_test())["url"])
        return self._url

    async def names(self, client: AsyncWebClient, user_ids: Iterable[str]) -> dict[str, str]:
        """The names of these people, by id. Who cannot be looked up keeps the id as a name."""
        wanted = list(dict.fromkeys(user_ids))
        return dict(zip(wanted, await asyncio.gather(*(self._name(client, i) for i in wanted)), strict=True))

    async def everybody(self, client: AsyncWebClient) -> Collected:
        """The people whose accounts are active, as `Person`s."""
        # Locked: in a large workspace the list takes many calls, which those who wait can share.
        async with self._listing:
            if self._everybody is None or self._everybody[0] < time.monotonic():
                found = await collect(
                    lambda cursor: client.users_list(limit=500, cursor=cursor), "members", most=_MOST_PEOPLE
                )
                people = [Person.of(user) for user in found.entries if _is_active_person(user)]
                self._everybody = (time.monotonic() + _REMEMBER_S, Collected(people, found.complete))
            return self._everybody[1]

    async def _name(self, client: AsyncWebClient, user_id: str) -> str:
        until, name = self._names.get(user_id, (0.0, ""))
        if until < time.monotonic():
            try:
                name = Person.of((await client.users_info(user=user_id))["user"]).name
            except SlackApiError:
                return user_id
            self._names[user_id] = (time.monotonic() + _REMEMBER_S, name)
            if len(self._names) > _MOST_NAMES:
                self._names.popitem(last=False)
        return name


def _is_active_person(user: dict[str, Any]) -> bool:
    return not (user.get("deleted") or user.get("is_bot") or user["id"] == "USLACKBOT")
