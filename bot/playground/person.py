"""What people, and other people's bots, can do in the workspace."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from bot.playground.blocks import with_ids
from bot.playground.interactions import Interactions
from bot.playground.objects import JSON, Change, Channel, File, Message, User
from bot.playground.shapes import Shapes
from bot.playground.speech import spoken
from bot.playground.storage import guessed_type
from bot.playground.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Upload:
    """A file that somebody attaches to a message."""

    name: str
    content: bytes


class Speaker:
    """Whoever can write a message. Channels are given by id or `#name`."""

    def __init__(self, workspace: Workspace, user: User) -> None:
        self.user = user
        self._workspace = workspace

    @property
    def id(self) -> str:
        """The user's id."""
        return self.user.id

    async def say(
        self,
        channel: str,
        text: str,
        *,
        thread_ts: str | None = None,
        files: Iterable[Upload] = (),
        raw: bool = False,
        blocks: Sequence[JSON] | None = None,
        username: str | None = None,
        deliver: bool = True,
    ) -> str:
        """Write a message and return its timestamp.

        `@name`, `#channel` and links become Slack's tokens, unless `raw` says that the text is in
        Slack's form already. `blocks` stand in for the rich text made from the text. With a
        `username` it is the classic kind of bot message, which has no user. With `deliver=False`
        the app hears nothing of it.
        """
        room = self._joined(channel)
        if thread_ts is not None:
            self._message(channel, thread_ts)
        message = spoken(self._workspace, room, self.user, text, thread_ts=thread_ts, raw=raw)
        if blocks is not None:
            message = replace(message, blocks=tuple(with_ids(self._workspace, blocks)))
        if attached := tuple(self._attach(room, upload) for upload in files):
            message = replace(message, files=attached, subtype="file_share")
        if username is not None:
            message = replace(message, user=None, username=username, subtype="bot_message")
        return self._workspace.post(message, deliver=deliver).ts

    async def edit(self, channel: str, ts: str, text: str) -> None:
        """Change the text of an own message."""
        message = self._own(channel, ts)
        new = spoken(self._workspace, self._workspace.channel(channel), self.user, text)
        self._workspace.change(message, text=new.text, blocks=new.blocks)

    async def delete(self, channel: str, ts: str) -> None:
        """Take an own message away."""
        self._workspace.delete(self._own(channel, ts))

    async def react(self, channel: str, ts: str, emoji: str) -> None:
        """Put an emoji, such as `eyes`, under a message."""
        self._workspace.react(self._message(channel, ts), emoji, self.id)

    def _joined(self, channel: str) -> Channel:
        room = self._workspace.channel(channel)
        if self.id not in room.members:
            raise LookupError(
                f"{self.user.name} is not in #{room.name or room.id}; add them in the seed or let them join()"
            )
        return room

    def _message(self, channel: str, ts: str) -> Message:
        room = self._workspace.channel(channel)
        if ts not in room.messages:
            raise LookupError(f"there is no message {ts} in #{room.name or room.id}")
        return room.messages[ts]

    def _own(self, channel: str, ts: str) -> Message:
        message = self._message(channel, ts)
        if message.user != self.id:
            raise LookupError(f"message {ts} is not one of {self.user.name}'s")
        return message

    def _attach(self, channel: Channel, upload: Upload) -> File:
        file = File(
            id=self._workspace.new_id("F"),
            name=upload.name,
            title=upload.name,
            mimetype=guessed_type(upload.name),
            user=self.id,
            created=int(self._workspace.clock()),
            size=len(upload.content),
            shared_in=(channel.id,),
        )
        self._workspace.files[file.id] = file
        self._workspace.contents[file.id] = upload.content
        return file


class Person(Speaker):
    """A member of the team, at their keyboard."""

    def __init__(self, workspace: Workspace, user: User, interactions: Interactions, token: str) -> None:
        super().__init__(workspace, user)
        self.token = token
        """A user token (`xoxp-…`), for methods that act for a person."""
        self._interactions = interactions

    async def join(self, channel: str) -> None:
        """Join a channel."""
        self._workspace.join(self._workspace.channel(channel), self.id)

    async def invite(self, channel: str, who: str) -> None:
        """Add somebody, such as the app's bot, to a channel."""
        self._workspace.join(self._joined(channel), self._workspace.user(who).id)

    async def open_dm(self) -> str:
        """Open the app's Messages tab, and return the channel of the conversation with its bot."""
        channel = self._workspace.open_direct([self.id, self._workspace.app.user.id])
        self._workspace.announce(Change("home_opened", channel.id, user=self.id, text="messages"))
        return channel.id

    async def open_home(self) -> JSON | None:
        """Open the app's Home tab, and return the view that is published there now, if any."""
        channel = self._workspace.open_direct([self.id, self._workspace.app.user.id])
        self._workspace.announce(Change("home_opened", channel.id, user=self.id, text="home"))
        return self._workspace.views.get(self._workspace.homes.get(self.id, ""))

    async def open_group_dm(self, *others: str) -> str:
        """Open a group conversation with the app's bot and others, and return its channel."""
        members = [self.id, self._workspace.app.user.id, *(self._workspace.user(who).id for who in others)]
        return self._workspace.open_direct(members).id

    async def command(self, command: str, text: str = "", *, channel: str) -> bool:
        """Type a slash command; whether the app acknowledged it. If not, Slackbot tells this person."""
        return await self._interactions.command(self.user, self._joined(channel), command, text)

    async def press(self, channel: str, ts: str, action_id: str, **given: object) -> bool:
        """Press a button, or use another element; whether the app acknowledged it.

        `given` adds to the action what the element's kind calls for, such as `selected_option={…}`, or for
        feedback buttons the `value` of the one that is meant.
        """
        return await self._interactions.press(self.user, self._visible(channel, ts), action_id, given)

    async def submit(self, view_id: str, values: JSON) -> JSON | None:
        """Submit a modal. `values` is its state: `{block_id: {action_id: {"type": …, "value": …}}}`.

        Returns the errors that the app found, by block id, or `None`.
        """
        return await self._interactions.submit(self.user, self._workspace.views[view_id], values)

    async def stop(self, channel: str, thread_ts: str) -> None:
        """Press the Stop button that Slack shows while an agent works in a thread."""
        self._workspace.settle_streams()
        self._workspace.press_stop(self._joined(channel), thread_ts, self.id)

    def ephemerals(self, channel: str) -> list[JSON]:
        """The ephemeral messages that this person sees in a channel, oldest first."""
        shapes, room = Shapes(self._workspace), self._workspace.channel(channel)
        return [shapes.message(shown) for shown in room.ephemerals.values() if shown.visible_to == self.id]

    def _visible(self, channel: str, ts: str) -> Message:
        shown = self._workspace.channel(channel).ephemerals.get(ts)
        return shown if shown is not None and shown.visible_to == self.id else self._message(channel, ts)
