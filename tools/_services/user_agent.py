"""How the bot introduces itself to public services."""

from __future__ import annotations

from tools._framework.context import Context


def user_agent(context: Context) -> str:
    """The `User-Agent` header, with `TOOLS_CONTACT`: some services want to know whom to write to."""
    return f"threadloop {context.setting('TOOLS_CONTACT', '')}".strip()
