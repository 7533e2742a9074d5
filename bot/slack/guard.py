"""What must never leave: anything in a model's text that would ping people.

Slack turns `<!channel>`, `<!subteam^S1>` and `<@U1>` into notifications wherever text or Markdown is shown
(https://docs.slack.dev/messaging/formatting-message-text).
"""

from __future__ import annotations

import re

_BROADCAST = re.compile(r"<\s*!\s*([^<>|\s]+?)\s*(?:\|([^<>]*))?>")
_MENTION = re.compile(r"<\s*@\s*([A-Z0-9]+)\s*(?:\|([^<>]*))?>", re.IGNORECASE)


def neutralise(text: str) -> str:
    """`text` with every ping as plain words: `<!channel>` becomes `@channel`, which notifies nobody.

    >>> neutralise("Hi <!here> and <@U1|Ada>")
    'Hi @here and @Ada'
    """
    quiet = _MENTION.sub(lambda match: _at(match[2] or match[1]), _BROADCAST.sub(_quiet_broadcast, text))
    # Taking one token out can join two halves of another: again, until there is none.
    return quiet if quiet == text else neutralise(quiet)


def _quiet_broadcast(match: re.Match[str]) -> str:
    command, label = match[1], match[2]
    kind, _, rest = command.partition("^")
    if kind == "date":
        return label or ""
    return _at(label or (rest if kind == "subteam" else kind))


def _at(name: str) -> str:
    return "@" + name.strip().lstrip("@")
