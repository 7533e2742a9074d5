"""What must never leave: pings of people who are not part of the thread, links that nobody brought in, secrets.

Slack turns `<!channel>`, `<!subteam^S1>` and `<@U1>` into notifications wherever text or Markdown is shown
(https://docs.slack.dev/messaging/formatting-message-text).
"""

from __future__ import annotations

from bot.slack.prose.inline import one_line
from bot.slack.prose.links import Allowed, urls_in, urls_shown_in
from bot.slack.prose.redaction import Redaction

__all__ = ["Allowed", "guarded", "urls_in", "urls_shown_in", "without_secrets"]


_MOST_TIMES = 4


def guarded(text: str, allowed: Allowed, most_chars: int | None = None) -> str:
    """`text` in one line, as Slack may show it: titles, summaries, sentences about failures.

    >>> guarded("<!here> see https://evil.example/x", Allowed())
    '@here see `https://evil.example/x`'
    """
    words = " ".join(without_secrets(text, allowed).split())
    if most_chars is not None:
        # What will not be shown need not be read: a tool may report whole pages.
        words = words[: _MOST_TIMES * most_chars]
    line = one_line(words, allowed)
    most = len(words)
    # The words are cut, not the line: a cut could take away what makes it safe.
    while most_chars is not None and len(line) > most_chars:
        most = min(most - 1, most * most_chars // len(line))
        line = one_line(f"{words[:most]}…", allowed)
    return line


def without_secrets(text: str, allowed: Allowed) -> str:
    """`text` without configured secrets, and without what looks like a token or a key."""
    return Redaction(allowed.secrets).redacted(text)
