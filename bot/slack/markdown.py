"""What Slack can show: Markdown, streamed or whole, as messages and files.

`Writer` is the one way in: it reads blocks (`prose.blocks`), makes what stands in them safe (`prose.inline`),
and fills messages (`prose.pages`).
"""

from __future__ import annotations

from bot.slack.prose.operations import Append, Attach, NextMessage, Operation
from bot.slack.prose.writer import Composed, Writer, compose

__all__ = ["Append", "Attach", "Composed", "NextMessage", "Operation", "Writer", "compose"]
