"""The workspace's state, in memory, and the notices of what changes in it. It knows no protocol."""

from __future__ import annotations

import hashlib
import itertools
import time
from collections.abc import Callable, Iterable
from dataclasses import replace
from typing import Any

from bot.playground.objects import (
    JSON,
    AgentThread,
    App,
    Change,
    Channel,
    Edit,
    File,
    Message,
    Reaction,
    User,
    UserGroup,
)
from bot.playground.schedule import Schedule

Clock = Callable[[], float]
Listener = Callable[[Change], None]

STREAM_LIFETIME_S = 300.0
"""Not documented; measured by many (https://github.com/slackapi/python-slack-sdk/issues/1859)."""
_STATUS_LASTS_S = 120.0


def slack_id(prefix: str, *parts: str) -> str:
    """An id in Slack's form, the same whenever it is made from the same parts."""
    digest = hashlib.sha256("\0".join((prefix, *parts)).encode()).digest()
    return f"{prefix}0{int.from_bytes(digest[:8]) % 10**9:09d}"


class Workspace:
    """A team, its people and apps, and everything they said.

    Every change goes through a method here, which tells the listeners after the state is complete.
    `clock` gives seconds since 1970; message timestamps follow it and never repeat. A message that an app
    streams ends by itself `stream_lifetime_s` seconds after its start, however much is appended.
    """

    def __init__(
        self,
        *,
        team: str,
        name: str,
        domain: str,
        clock: Clock = time.time,
        stream_lifetime_s: float = STREAM_LIFETIME_S,
    ) -> None:
        self.team = team
        self.name = name
        self.domain = domain
        self.clock = clock
        self.stream_lifetime_s = stream_lifetime_s
        self.users: dict[str, User] = {}
        self.usergroups: dict[str, UserGroup] = {}
        self.channels: dict[str, Channel] = {}
        self.files: dict[str, File] = {}
        self.contents: dict[str, bytes] = {}
        self.views: dict[str, JSON] = {}
        self.homes: dict[str, str] = {}
        """For each user the id of the view that is published as their App Home."""
        self.agent_threads: dict[tuple[str, str], AgentThread] = {}
        self.schedule = Schedule(clock, self._post_scheduled)
        self.url = "http://127.0.0.1"
        """Where the workspace is served; known once it is."""
        self._app: App | None = None
        self._listeners: list[Listener] = []
        self._streaming: dict[tuple[str, str], float] = {}
        """For each message that grows when it ends by itself."""
        self._last_stamp_us = 0
        self._numbers = itertools.count(1)

    @property
    def app(self) -> App:
        """The app that the workspace is there for."""
        if self._app is None:
            raise LookupError("the workspace has no app yet: call install() first")
        return self._app

    def install(self, app: App) -> None:
        """Make `app` the workspace's app and its bot a member."""
        self.users[app.user.id] = app.user
        self._app = app

    def listen(self, listener: Listener) -> Callable[[], None]:
        """Call `listener` for every change from now on; the returned function ends that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def announce(self, change: Change) -> None:
        """Tell every listener."""
        for listener in tuple(self._listeners):
            listener(change)

    def next_ts(self, at: float | None = None) -> str:
        """A timestamp newer than all before it, at `at` (seconds) or now, in Slack's form `seconds.micros`."""
        wanted = int((self.clock() if at is None else at) * 1_000_000)
        self._last_stamp_us = max(wanted, self._last_stamp_us + 1)
        return f"{self._last_stamp_us // 1_000_000}.{self._last_stamp_us % 1_000_000:06d}"

    def new_id(self, prefix: str) -> str:
        """A fresh id, unique in this workspace."""
        return slack_id(prefix, self.team, str(next(self._numbers)))

    # people and channels

    def user(self, who: str) -> User:
        """A user by id or handle. Raises LookupError for an unknown one, naming those there are."""
        if who in self.users:
            return self.users[who]
        handle = who.removeprefix("@")
        for user in self.users.values():
            if user.name == handle:
                return user
        raise LookupError(
            f"nobody here is called {who!r}: there are {', '.join(sorted(u.name for u in self.users.values()))}"
        )

    def channel(self, where: str) -> Channel:
        """A channel by id, `#name` or name. Raises LookupError for an unknown one, naming those there are."""
        if where in self.channels:
            return self.channels[where]
        name = where.removeprefix("#")
        for channel in self.channels.values():
            if channel.name == name and not channel.is_direct:
                return channel
        names = ", ".join(
            sorted(f"#{c.name}" for c in self.channels.values() if c.kind in ("channel", "group"))
        )
        raise LookupError(f"there is no channel {where!r}: there are {names}")

    def add_channel(self, channel: Channel) -> Channel:
        """Keep a new channel."""
        self.channels[channel.id] = channel
        return channel

    def open_direct(self, members: Iterable[str]) -> Channel:
        """The direct message (two members) or group direct message (more) of exactly these users."""
        people = sorted(set(members))
        for channel in self.channels.values():
            if channel.kind in ("im", "mpim") and sorted(channel.members) == people:
                return channel
        pair = len(people) <= 2
        names = "--".join(self.users[person].name for person in people)
        return self.add_channel(
            Channel(
                id=slack_id("D" if pair else "G", self.team, *people),
                name="" if pair else f"mpdm-{names}-1",
                kind="im" if pair else "mpim",
                members=people,
                created=int(self.clock()),
                creator=people[0],
            )
        )

    def join(self, channel: Channel, user: str) -> bool:
        """Make `user` a member; whether they were not one before."""
        if user in channel.members:
            return False
        channel.members.append(user)
        self.announce(Change("joined", channel.id, user=user))
        return True

    # messages

    def post(self, message: Message, *, deliver: bool = True) -> Message:
        """Add a message whose `ts` came from `next_ts`."""
        channel = self.channels[message.channel]
        channel.messages[message.ts] = message
        if message.stream is not None:
            self._streaming[message.channel, message.ts] = message.stream.ends_at
        if message.thread_ts and message.is_reply:
            channel.replies.setdefault(message.thread_ts, []).append(message.ts)
        if message.bot_id == self.app.user.bot_id:
            self._clear_status(message)
        self.announce(
            Change("posted", channel.id, message, message.user, thread_ts=message.thread_ts, deliver=deliver)
        )
        return message

    def _post_scheduled(self, message: Message) -> None:
        # Slack posts no scheduled message that has metadata, and says nothing:
        # https://docs.slack.dev/reference/methods/chat.scheduleMessage
        if message.metadata is None and message.user in self.channels[message.channel].members:
            self.post(replace(message, ts=self.next_ts()))

    def change(self, message: Message, *, quiet: bool = False, **changes: Any) -> Message:
        """Replace some of a message's fields. A `quiet` change leaves no mark of an edit."""
        if not quiet:
            changes.setdefault("edited", Edit(changes.pop("by", message.user) or "", self.next_ts()))
        changed = replace(message, **changes)
        self.channels[message.channel].messages[message.ts] = changed
        self.announce(
            Change(
                "changed", message.channel, changed, changed.user, previous=message, thread_ts=message.thread_ts
            )
        )
        return changed

    def settle_streams(self) -> None:
        """End the streams whose time is up; their messages stay as they are.

        Nothing wakes up for it: whoever is about to look, or to act, calls this first.
        """
        now = self.clock()
        for (channel, ts), ends_at in tuple(self._streaming.items()):
            if now >= ends_at:
                del self._streaming[channel, ts]
                message = self.channels[channel].messages.get(ts)
                if message is not None and message.stream is not None and message.is_growing:
                    self.change(message, quiet=True, stream=replace(message.stream, open=False))

    def press_stop(self, channel: Channel, thread_ts: str, user: str) -> None:
        """What Slack's Stop button does: what grows in the thread takes no more, and the app is told.

        The session's status stays: to change it is the app's part.
        """
        for message in channel.thread(thread_ts):
            if message.stream is not None and message.is_growing:
                channel.messages[message.ts] = replace(message, stream=replace(message.stream, stopped=True))
        self.announce(Change("stopped", channel.id, user=user, thread_ts=thread_ts))

    def delete(self, message: Message) -> None:
        """Take a message away. The root of a thread leaves a tombstone, as in Slack."""
        channel = self.channels[message.channel]
        if channel.replies.get(message.ts):
            self._bury(message)
            return
        del channel.messages[message.ts]
        if message.thread_ts and message.is_reply:
            channel.replies[message.thread_ts].remove(message.ts)
        self.announce(
            Change("deleted", channel.id, message, message.user, previous=message, thread_ts=message.thread_ts)
        )

    def _bury(self, message: Message) -> None:
        self.change(
            message,
            quiet=True,
            user="USLACKBOT",
            text="This message was deleted.",
            subtype="tombstone",
            blocks=(),
            attachments=(),
            files=(),
            bot_id=None,
            app_id=None,
        )

    def show(self, message: Message) -> Message:
        """Show an ephemeral message to the one user that it names, or replace it if it was shown before."""
        shown = self.channels[message.channel].ephemerals
        kind: Any = "ephemeral_changed" if message.ts in shown else "ephemeral"
        shown[message.ts] = message
        self.announce(Change(kind, message.channel, message, message.visible_to, thread_ts=message.thread_ts))
        return message

    def hide(self, message: Message) -> None:
        """Take an ephemeral message away."""
        self.channels[message.channel].ephemerals.pop(message.ts, None)
        self.announce(Change("ephemeral_deleted", message.channel, message, message.visible_to))

    def react(self, message: Message, name: str, user: str) -> bool:
        """Put `user`'s emoji under a message; whether it was not there yet."""
        users = next((reaction.users for reaction in message.reactions if reaction.name == name), ())
        if user in users:
            return False
        others = tuple(reaction for reaction in message.reactions if reaction.name != name)
        self._set_reactions(message, (*others, Reaction(name, (*users, user))))
        self.announce(Change("reacted", message.channel, message, user, text=name))
        return True

    def unreact(self, message: Message, name: str, user: str) -> bool:
        """Take `user`'s emoji away; whether it was there."""
        users = next((reaction.users for reaction in message.reactions if reaction.name == name), ())
        if user not in users:
            return False
        left = tuple(other for other in users if other != user)
        kept = tuple(reaction for reaction in message.reactions if reaction.name != name)
        self._set_reactions(message, (*kept, Reaction(name, left)) if left else kept)
        self.announce(Change("unreacted", message.channel, message, user, text=name))
        return True

    def _set_reactions(self, message: Message, reactions: tuple[Reaction, ...]) -> None:
        self.channels[message.channel].messages[message.ts] = replace(message, reactions=reactions)

    # what agents show beside their messages

    def agent_thread(self, channel: str, thread_ts: str) -> AgentThread:
        """The header of a thread; its status is gone two minutes after it was set, as in Slack."""
        thread = self.agent_threads.setdefault((channel, thread_ts), AgentThread())
        if thread.status and self.clock() - thread.status_at > _STATUS_LASTS_S:
            thread.status, thread.loading_messages = "", ()
        return thread

    def _clear_status(self, message: Message) -> None:
        thread = self.agent_threads.get((message.channel, message.thread_ts or message.ts))
        if thread is not None:
            thread.status, thread.loading_messages = "", ()
