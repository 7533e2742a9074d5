"""Slack's JSON for users, channels, messages, files and views, as its API and events show them."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from zoneinfo import ZoneInfo

from bot.playground.objects import JSON, Channel, File, Message, User
from bot.playground.workspace import Workspace


@dataclass(frozen=True, slots=True)
class Shapes:
    """Turns a workspace's objects into Slack's JSON."""

    workspace: Workspace

    def user(self, user: User) -> JSON:
        """As `users.info` shows a user."""
        zone = datetime.fromtimestamp(self.workspace.clock(), tz=UTC).astimezone(ZoneInfo(user.tz))
        offset = zone.utcoffset()
        shape: JSON = {
            "id": user.id,
            "team_id": user.team,
            "name": user.name,
            "deleted": False,
            "color": "9f69e7",
            "real_name": user.real_name,
            "tz": user.tz,
            "tz_label": zone.tzname(),
            "tz_offset": int(offset.total_seconds()) if offset else 0,
            "profile": self.profile(user),
            "is_admin": user.is_admin,
            "is_owner": user.is_admin,
            "is_primary_owner": False,
            "is_restricted": user.is_restricted,
            "is_ultra_restricted": user.is_ultra_restricted,
            "is_bot": user.is_bot,
            "is_app_user": False,
            "updated": 1700000000,
            "is_email_confirmed": not user.is_bot,
            "who_can_share_contact_card": "EVERYONE",
        }
        return {**shape, "is_stranger": True} if user.is_stranger else shape

    def profile(self, user: User) -> JSON:
        """As `users.profile.get` shows a profile."""
        first, _, last = user.real_name.partition(" ")
        profile = {
            "title": user.title,
            "real_name": user.real_name,
            "real_name_normalized": user.real_name,
            "display_name": user.display_name,
            "display_name_normalized": user.display_name,
            "first_name": first,
            "last_name": last,
            "status_text": "",
            "status_emoji": "",
            "avatar_hash": "g" + user.id.lower(),
            "image_72": f"{self.workspace.url}/avatars/{user.id}.png",
            "team": user.team,
        }
        if user.is_bot:
            return {**profile, "bot_id": user.bot_id, "api_app_id": user.app_id, "always_active": True}
        return {**profile, "email": user.email}

    def bot(self, user: User) -> JSON:
        """As `bots.info` and a message's `bot_profile` show a bot."""
        return {
            "id": user.bot_id,
            "app_id": user.app_id,
            "user_id": user.id,
            "name": user.real_name,
            "deleted": False,
            "updated": 1700000000,
            "icons": {"image_72": f"{self.workspace.url}/avatars/{user.id}.png"},
            "team_id": user.team,
        }

    def channel(self, channel: Channel, viewer: str) -> JSON:
        """As `conversations.info` shows a channel to `viewer`."""
        shape: JSON = {
            "id": channel.id,
            "created": channel.created,
            "is_archived": False,
            "is_im": channel.kind == "im",
            "is_org_shared": False,
            "context_team_id": self.workspace.team,
            "updated": channel.created * 1000,
        }
        if channel.is_direct:
            other = next((member for member in channel.members if member != viewer), viewer)
            return {**shape, "user": other, "is_user_deleted": False, "is_open": True, "priority": 0}
        shared = any(self.workspace.users[member].is_stranger for member in channel.members)
        return {
            **shape,
            "name": channel.name,
            "name_normalized": channel.name,
            "is_channel": channel.kind == "channel",
            "is_group": channel.kind == "group",
            "is_mpim": channel.kind == "mpim",
            "is_private": channel.kind != "channel",
            "is_general": channel.is_general,
            "is_shared": shared,
            "is_ext_shared": shared,
            "is_pending_ext_shared": False,
            "is_member": viewer in channel.members,
            "creator": channel.creator,
            "unlinked": 0,
            "topic": _note(channel.topic, channel),
            "purpose": _note(channel.purpose, channel),
            "previous_names": [],
            "num_members": len(channel.members),
        }

    def message(self, message: Message, *, metadata: bool = False) -> JSON:
        """As `conversations.history` shows a message; `metadata` only where it was asked for."""
        shape: JSON = {"type": "message", "user": message.user, "ts": message.ts, "text": message.text}
        optional: JSON = {
            "subtype": message.subtype,
            "username": message.username,
            "bot_id": message.bot_id,
            "app_id": message.app_id,
            "client_msg_id": message.client_msg_id,
            "blocks": list(message.blocks),
            "attachments": list(message.attachments),
            "files": [self.file(file) for file in message.files],
            "reactions": [
                {"name": reaction.name, "users": list(reaction.users), "count": len(reaction.users)}
                for reaction in message.reactions
            ],
            "edited": {"user": message.edited.user, "ts": message.edited.ts} if message.edited else None,
            "metadata": message.metadata if metadata else None,
            "is_ephemeral": message.visible_to is not None,
            "upload": bool(message.files) and message.bot_id is None,
        }
        shape = {
            "team": self.workspace.team,
            **shape,
            **{key: value for key, value in optional.items() if value},
        }
        if message.user is None:
            del shape["user"]
        if message.bot_id and message.user and message.subtype is None:
            shape["bot_profile"] = self.bot(self.workspace.users[message.user])
        if message.stream is not None:
            shape["streaming_state"] = "in_progress" if message.stream.open else "completed"
        return shape | self._thread(message)

    def _thread(self, message: Message) -> JSON:
        channel = self.workspace.channels[message.channel]
        if message.is_reply:
            root = channel.messages.get(message.thread_ts or "")
            parent = {"parent_user_id": root.user} if root and root.user else {}
            return {"thread_ts": message.thread_ts, **parent}
        replies = channel.replies.get(message.ts)
        if not replies:
            return {"thread_ts": message.thread_ts} if message.thread_ts else {}
        speakers = list(dict.fromkeys(user for ts in replies if (user := channel.messages[ts].user)))
        return {
            "thread_ts": message.ts,
            "reply_count": len(replies),
            "reply_users_count": len(speakers),
            "latest_reply": replies[-1],
            "reply_users": speakers[:5],
            "is_locked": False,
            "subscribed": self.workspace.app.user.id in (message.user, *speakers),
        }

    def file(self, file: File) -> JSON:
        """As `files.info` shows a file; its bytes are at `url_private`, for a bearer of a token."""
        location = f"{self.workspace.url}/files-pri/{self.workspace.team}-{file.id}"
        name = file.name.rsplit("/", 1)[-1]
        kind = name.rsplit(".", 1)[-1].lower() if "." in name else "binary"
        return {
            "id": file.id,
            "created": file.created,
            "timestamp": file.created,
            "name": file.name,
            "title": file.title,
            "mimetype": file.mimetype,
            "filetype": "text" if kind == "txt" else kind,
            "pretty_type": kind.upper(),
            "user": file.user,
            "user_team": self.workspace.team,
            "mode": "hosted",
            "editable": False,
            "size": file.size,
            "is_external": False,
            "is_public": any(self.workspace.channels[c].kind == "channel" for c in file.shared_in),
            "url_private": f"{location}/{name}",
            "url_private_download": f"{location}/download/{name}",
            "permalink": f"{self.workspace.url}/files/{file.user}/{file.id}/{name}",
            "channels": [c for c in file.shared_in if self.workspace.channels[c].kind == "channel"],
            "groups": [c for c in file.shared_in if self.workspace.channels[c].kind in ("group", "mpim")],
            "ims": [c for c in file.shared_in if self.workspace.channels[c].kind == "im"],
            "file_access": "visible",
        }

    def permalink(self, message: Message) -> str:
        """Where a message is found in a browser."""
        stamp = message.ts.replace(".", "")
        link = f"{self.workspace.url}/archives/{message.channel}/p{stamp}"
        return f"{link}?thread_ts={message.thread_ts}&cid={message.channel}" if message.is_reply else link


def _note(text: str, channel: Channel) -> JSON:
    return {
        "value": text,
        "creator": channel.creator if text else "",
        "last_set": channel.created if text else 0,
    }
