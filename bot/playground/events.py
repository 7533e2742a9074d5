"""The Events API: which events a change of the workspace becomes (https://docs.slack.dev/apis/events-api)."""

from __future__ import annotations

from collections.abc import Callable, Iterator

from bot.playground.action_tokens import action_token
from bot.playground.objects import JSON, Change, Channel, Message
from bot.playground.shapes import Shapes
from bot.playground.workspace import Workspace

_SUBSCRIPTIONS = {"channel": "channels", "group": "groups", "im": "im", "mpim": "mpim"}


class Events:
    """Turns changes into `event_callback` payloads for the app, and sends those it subscribed to."""

    def __init__(self, workspace: Workspace, send: Callable[[JSON], None]) -> None:
        self._workspace = workspace
        self._shapes = Shapes(workspace)
        self._send = send

    def on_change(self, change: Change) -> None:
        """Send the events that `change` stands for, if the app may see it."""
        channel = self._workspace.channels.get(change.channel)
        if not change.deliver or (channel and self._workspace.app.user.id not in channel.members):
            return
        for subscription, event in self._events(change, channel):
            wanted = self._workspace.app.events
            if wanted is None or subscription in wanted:
                self._send(self._callback(event, channel))

    def _events(self, change: Change, channel: Channel | None) -> Iterator[tuple[str, JSON]]:
        message = change.message
        match change.kind:
            case "posted" if message and channel:
                yield from self._posted(message, channel)
            case "changed" if message and channel and change.previous:
                yield from self._edited(message, change.previous, channel)
            case "deleted" if message and channel:
                yield self._message_event(channel, self._deleted(message))
            case "reacted" | "unreacted" if message:
                name = "reaction_added" if change.kind == "reacted" else "reaction_removed"
                yield name, self._reaction(name, message, change)
            case "joined" if channel:
                yield "member_joined_channel", self._joined(change, channel)
            case "home_opened":
                yield "app_home_opened", self._home_opened(change)
            case "stopped":
                yield "agent_session_stopped", self._stopped(change)

    def _posted(self, message: Message, channel: Channel) -> Iterator[tuple[str, JSON]]:
        shape = self._as_event(message, channel)
        if message.user != self._workspace.app.user.id:
            shape["assistant_thread"] = {"action_token": action_token(self._workspace, message)}
            if self._mentions_app(message, channel):
                yield "app_mention", shape | {"type": "app_mention"}
        yield self._message_event(channel, shape)

    def _edited(self, message: Message, previous: Message, channel: Channel) -> Iterator[tuple[str, JSON]]:
        # Slack mentions the app anew at each edit: https://github.com/slackapi/bolt-js/issues/960
        if message.edited and message.text != previous.text and self._mentions_app(message, channel):
            yield "app_mention", self._as_event(message, channel) | {"type": "app_mention"}
        yield self._message_event(channel, self._changed(message, previous))

    def _as_event(self, message: Message, channel: Channel) -> JSON:
        shape = self._shapes.message(message, metadata=True)
        return shape | {"event_ts": message.ts, "channel": channel.id}

    def _mentions_app(self, message: Message, channel: Channel) -> bool:
        app = self._workspace.app.user.id
        return message.user != app and f"<@{app}" in message.text and not channel.is_direct

    def _message_event(self, channel: Channel, event: JSON) -> tuple[str, JSON]:
        shape = event | {"channel": channel.id, "channel_type": channel.kind}
        return f"message.{_SUBSCRIPTIONS[channel.kind]}", shape

    def _changed(self, message: Message, previous: Message) -> JSON:
        stamp = self._workspace.next_ts()
        return {
            "type": "message",
            "subtype": "message_changed",
            "message": self._shapes.message(message, metadata=True),
            "previous_message": self._shapes.message(previous, metadata=True),
            "hidden": True,
            "ts": stamp,
            "event_ts": stamp,
        }

    def _deleted(self, message: Message) -> JSON:
        stamp = self._workspace.next_ts()
        return {
            "type": "message",
            "subtype": "message_deleted",
            "previous_message": self._shapes.message(message, metadata=True),
            "deleted_ts": message.ts,
            "hidden": True,
            "ts": stamp,
            "event_ts": stamp,
        }

    def _reaction(self, name: str, message: Message, change: Change) -> JSON:
        return {
            "type": name,
            "user": change.user,
            "reaction": change.text,
            "item": {"type": "message", "channel": message.channel, "ts": message.ts},
            "item_user": message.user,
            "event_ts": self._workspace.next_ts(),
        }

    def _joined(self, change: Change, channel: Channel) -> JSON:
        return {
            "type": "member_joined_channel",
            "user": change.user,
            "channel": channel.id,
            "channel_type": "C" if channel.kind == "channel" else "G",
            "team": self._workspace.team,
            "event_ts": self._workspace.next_ts(),
        }

    def _home_opened(self, change: Change) -> JSON:
        home = self._workspace.views.get(self._workspace.homes.get(change.user or "", ""))
        event = {
            "type": "app_home_opened",
            "user": change.user,
            "channel": change.channel,
            "tab": change.text,
            "event_ts": self._workspace.next_ts(),
        }
        return {**event, "view": home} if home and change.text == "home" else event

    def _stopped(self, change: Change) -> JSON:
        channel = self._workspace.channels[change.channel]
        streaming = [message.ts for message in channel.thread(change.thread_ts or "") if message.is_growing]
        return {
            "type": "agent_session_stopped",
            "channel": change.channel,
            "thread_ts": change.thread_ts,
            "user": change.user,
            "streaming_message_ts": streaming,
            "event_ts": self._workspace.next_ts(),
        }

    def _callback(self, event: JSON, channel: Channel | None) -> JSON:
        workspace = self._workspace
        app = workspace.app
        members = [workspace.users[member] for member in channel.members] if channel else []
        event_id = workspace.new_id("Ev")
        authorization = {
            "enterprise_id": None,
            "team_id": workspace.team,
            "user_id": app.user.id,
            "is_bot": True,
            "is_enterprise_install": False,
        }
        return {
            "token": app.verification_token,
            "team_id": workspace.team,
            "context_team_id": workspace.team,
            "context_enterprise_id": None,
            "api_app_id": app.id,
            "event": event,
            "type": "event_callback",
            "event_id": event_id,
            "event_time": int(workspace.clock()),
            "authorizations": [authorization],
            "is_ext_shared_channel": any(member.is_stranger for member in members),
            "event_context": f"4-{event_id}",
        }
