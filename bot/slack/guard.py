"""What must never leave: anything in a model's text that would ping people.

Slack turns `<!channel>`, `<!subteam^S1>` and `<@U1>` into notifications wherever text or Markdown is shown
(https://docs.slack.dev/messaging/formatting-message-text).
"""

from __future__ import annotations

import re

_PING = re.compile(r"<\s*[!@]\s*([^<>|]+?)\s*(?:\|([^<>]*))?>")


def neutralise(text: str) -> str:
    """`text` with every ping as plain words: `<!channel>` becomes `@channel`, which notifies nobody.

    >>> neutralise("Hi <!here> and <@U1|Ada>")
    'Hi @here and @Ada'
    """
    quiet = _PING.sub(_in_words, text)
    # Taking one token out can join two halves of another: again, until there is none.
    return quiet if quiet == text else neutralise(quiet)


def _in_words(match: re.Match[str]) -> str:
    kind, _, rest = match[1].partition("^")
    if kind == "date":
        return match[2] or ""
    return _at(match[2] or rest or kind)


def _at(name: str) -> str:
    return "@" + name.strip().lstrip("@")
