"""What the bot must be allowed in Slack. `manifest.yml` asks for the same, and a test holds the two equal."""

from __future__ import annotations

SCOPES = frozenset({
    "app_mentions:read", "assistant:write", "channels:history", "channels:read", "chat:write", "commands",
    "files:read", "files:write", "groups:history", "groups:read", "im:history", "im:read", "im:write",
    "mpim:history", "mpim:read", "reactions:write", "search:read.public", "usergroups:read", "users:read",
})  # fmt: skip
