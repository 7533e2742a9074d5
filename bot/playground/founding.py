"""Builds a workspace from a seed."""

from __future__ import annotations

from collections.abc import Iterable

from bot.playground.objects import App, Channel, User, UserGroup
from bot.playground.seed import ChannelSeed, MessageSeed, Seed, UserSeed
from bot.playground.speech import spoken
from bot.playground.workspace import Clock, Workspace, slack_id

_SPACING_S = 60


def found(seed: Seed, clock: Clock, stream_lifetime_s: float) -> Workspace:
    """A workspace as `seed` describes it. Ids and tokens are the same each time."""
    team = slack_id("T", seed.team.domain)
    workspace = Workspace(
        team=team,
        name=seed.team.name,
        domain=seed.team.domain,
        clock=clock,
        stream_lifetime_s=stream_lifetime_s,
    )
    for user in seed.users:
        member = _user(team, user)
        workspace.users[member.id] = member
    workspace.install(_app(team, seed))
    for group in seed.groups:
        members = tuple(workspace.user(handle).id for handle in group.members)
        group_id = slack_id("S", team, group.handle)
        workspace.usergroups[group_id] = UserGroup(group_id, group.handle, group.name, members)
    for place in seed.channels:
        workspace.add_channel(_channel(workspace, place))
    _tell_history(workspace, seed)
    return workspace


def _user(team: str, seed: UserSeed) -> User:
    return User(
        id=slack_id("U", team, seed.handle),
        name=seed.handle,
        real_name=seed.name,
        team=slack_id("T", "another", "organisation") if seed.stranger else team,
        display_name=seed.display_name,
        title=seed.title,
        email=seed.email or f"{seed.handle}@example.com",
        tz=seed.tz,
        bot_id=slack_id("B", team, seed.handle) if seed.bot else None,
        app_id=slack_id("A", team, seed.handle) if seed.bot else None,
        is_admin=seed.admin,
        is_restricted=seed.guest,
        is_stranger=seed.stranger,
    )


def _app(team: str, seed: Seed) -> App:
    user = _user(team, UserSeed(handle=seed.app.handle, name=seed.app.name, bot=True))
    app_id, number = str(user.app_id), team[1:]
    return App(
        id=app_id,
        user=user,
        # Real in form only, and the same each time: a bot's settings survive a restart of the workspace.
        bot_token=f"xoxb-{number}-{user.id[1:]}-playground",
        app_token=f"xapp-1-{app_id}-{number}-playground",
        signing_secret=f"{seed.team.domain}-signing-secret",
        verification_token=f"{seed.team.domain}-verification-token",
        events=seed.app.events,
    )


def _channel(workspace: Workspace, seed: ChannelSeed) -> Channel:
    members = [workspace.user(handle).id for handle in seed.members]
    return Channel(
        id=slack_id("C", workspace.team, seed.name),
        name=seed.name,
        kind="group" if seed.private else "channel",
        members=members,
        created=int(workspace.clock()),
        creator=members[0] if members else "",
        topic=seed.topic,
        purpose=seed.purpose,
        is_general=seed.name == "general",
    )


def _tell_history(workspace: Workspace, seed: Seed) -> None:
    count = sum(_count(channel.messages) for channel in seed.channels)
    at = workspace.clock() - count * _SPACING_S
    for place in seed.channels:
        channel = workspace.channel(place.name)
        for message in place.messages:
            root = _say(workspace, channel, message, at, None)
            at += _SPACING_S
            for reply in message.thread:
                _say(workspace, channel, reply, at, root)
                at += _SPACING_S


def _say(workspace: Workspace, channel: Channel, seed: MessageSeed, at: float, root: str | None) -> str:
    speaker = workspace.user(seed.user)
    message = spoken(workspace, channel, speaker, seed.text, thread_ts=root, at=at)
    return workspace.post(message, deliver=False).ts


def _count(messages: Iterable[MessageSeed]) -> int:
    return sum(1 + len(message.thread) for message in messages)
