"""Links to messages (https://docs.slack.dev/reference/methods/chat.getPermalink)."""

from __future__ import annotations

import html
import re
from dataclasses import dataclass
from urllib.parse import parse_qs, urlsplit

from tools._framework.errors import ToolRetry

_PATH = re.compile(r"/archives/([CDG][A-Z0-9]+)/p(\d{10})(\d{6})/?")
_STAMP = re.compile(r"\d{10}\.\d{6}")


@dataclass(frozen=True, slots=True)
class MessageLink:
    """The message that a link names."""

    channel: str
    root: str
    """The timestamp of the message that began the thread, or of the message itself."""

    @classmethod
    def read(cls, text: str) -> MessageLink:
        """Read a link as people paste it or as Slack writes it. Raises ToolRetry."""
        url = urlsplit(html.unescape(text.strip().strip("<>").partition("|")[0]))
        match = _PATH.fullmatch(url.path)
        if match is None:
            raise ToolRetry(
                "That is no link to a Slack message. It looks like "
                "https://team.slack.com/archives/C0123ABCD/p1700000000000000."
            )
        thread = parse_qs(url.query).get("thread_ts", [""])[0]
        return cls(match[1], thread if _STAMP.fullmatch(thread) else f"{match[2]}.{match[3]}")


def link_to(workspace_url: str, channel: str, ts: str = "") -> str:
    """The address of a channel, or of a message that stands in it."""
    address = f"{workspace_url.rstrip('/')}/archives/{channel}"
    return f"{address}/p{ts.replace('.', '')}" if ts else address
