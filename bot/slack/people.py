"""Who and where: people and conversations, asked of Slack once and remembered for an hour."""

from __future__ import annotations

import asyncio
import logging
import re
import time
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import replace
from typing import Any, Generic, TypeVar

from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from bot.conversation import Person
from bot.errors import MissingScope, SlackError, SlackRefused
from bot.slack.client import slack_errors

_log = logging.getLogger(__name__)

Value = TypeVar("Value")

_REMEMBER_S = 3600.0
_MOST = 5_000
_MOST_NAME_CHARS = 80


class Directory:
    """Looks people and conversations up. What cannot be looked up keeps its id as its name.

    Args:
        team_id: the workspace; whoever is of another one is external.
        with_groups: whether to find out which user groups people are in.
    """

    def __init__(self, client: AsyncWebClient, team_id: str, *, with_groups: bool = False) -> None:
        self._client = client
        self._team = team_id
        self._with_groups = with_groups
        self._people = _Memory(self._ask_person)
        self._places = _Memory(self._ask_place)
        self._groups = _Memory(self._ask_groups)

    async def person(self, user_id: str) -> Person:
        """The person with this id. Who cannot be looked up gets no more than somebody from outside."""
        try:
            person = await self._people.get(user_id)
        except SlackError as error:
            _log.warning("%s counts as from another company, for nobody knows better: %s", user_id, error)
            return Person(user_id, user_id, is_external=True)
        return replace(person, groups=await self.groups_of(user_id)) if self._with_groups else person

    async def people(self, user_ids: Iterable[str]) -> dict[str, Person]:
        """The people with these ids, by id."""
        wanted = list(dict.fromkeys(user_ids))
        return dict(zip(wanted, await asyncio.gather(*map(self.person, wanted)), strict=True))

    async def place(self, channel_id: str) -> str:
        """A conversation in words: `#general`, `a direct message`, or the like."""
        return await self._places.get(channel_id)

    async def places(self, channel_ids: Iterable[str]) -> dict[str, str]:
        """The conversations with these ids in words, by id."""
        wanted = list(dict.fromkeys(channel_ids))
        return dict(zip(wanted, await asyncio.gather(*map(self.place, wanted)), strict=True))

    async def groups_of(self, user_id: str) -> tuple[str, ...]:
        """The ids of the user groups that somebody is in; none while Slack does not tell."""
        try:
            groups = await self._groups.get(self._team)
        except SlackError:
            return ()
        return tuple(group for group, members in groups.items() if user_id in members)

    async def members_of(self, groups: Iterable[str]) -> frozenset[str]:
        """The ids of the people in these user groups."""
        known = await self._groups.get(self._team)
        return frozenset[str]().union(*(known.get(group, ()) for group in groups))

    async def _ask_groups(self, _team: str) -> Mapping[str, frozenset[str]]:
        try:
            with slack_errors():
                found = (await self._client.usergroups_list(include_users=True))["usergroups"]
        except (MissingScope, SlackRefused):
            # It would be refused for each question, and there may be few such calls.
            return {}
        return {group["id"]: frozenset(group.get("users") or ()) for group in found}

    async def _ask_person(self, user_id: str) -> Person:
        with slack_errors():
            user = (await self._client.users_info(user=user_id, include_locale=True))["user"]
        profile = user.get("profile") or {}
        name = (
            profile.get("display_name") or profile.get("real_name") or user.get("real_name") or user.get("name")
        )
        return Person(
            user_id,
            clean_name(name or user_id),
            user.get("tz") or "UTC",
            user.get("locale") or "",
            # https://docs.slack.dev/reference/objects/user-object
            is_guest=bool(user.get("is_restricted") or user.get("is_ultra_restricted")),
            is_external=bool(user.get("is_stranger")) or user.get("team_id") not in (None, self._team),
        )

    async def _ask_place(self, channel_id: str) -> str:
        try:
            channel = (await self._client.conversations_info(channel=channel_id))["channel"]
        except SlackApiError:
            return "a conversation"
        return _place_in_words(channel)


def clean_name(name: str) -> str:
    """A display name on one line and of bearable length: people choose their own."""
    return re.sub(r"\s+", " ", name).strip()[:_MOST_NAME_CHARS]


def _place_in_words(channel: dict[str, Any]) -> str:
    if channel.get("is_im"):
        return "a direct message"
    if channel.get("is_mpim"):
        return "a group direct message"
    return "#" + clean_name(channel.get("name") or channel["id"])


class _Memory(Generic[Value]):
    """Remembers answers for an hour; questions asked at the same time share one call."""

    def __init__(self, ask: Callable[[str], Awaitable[Value]]) -> None:
        self._ask = ask
        self._answers: OrderedDict[str, tuple[float, asyncio.Future[Value]]] = OrderedDict()

    async def get(self, key: str) -> Value:
        asked_at, answer = self._answers.get(key, (0.0, None))
        if answer is None or answer.cancelled() or time.monotonic() - asked_at > _REMEMBER_S:
            answer = asyncio.ensure_future(self._ask(key))
            self._answers[key] = (time.monotonic(), answer)
            if len(self._answers) > _MOST:
                self._answers.popitem(last=False)
        try:
            # Shielded: one asker that gives up must not take the answer from the others.
            return await asyncio.shield(answer)
        except Exception:
            self._answers.pop(key, None)
            raise
