"""Slack's `<…>` tokens: which may stay, and what the others are in plain words.

Slack turns `<!channel>`, `<!subteam^S1>` and `<@U1>` into notifications wherever text or Markdown is shown
(https://docs.slack.dev/messaging/formatting-message-text).
"""

from __future__ import annotations

import re
from collections.abc import Set

_LT = r"(?:<|&(?:amp;){0,4}(?:lt|LT|#0{0,5}60|#[xX]0{0,5}3[cC]);)"
_GT = r"(?:>|&(?:amp;){0,4}(?:gt|GT|#0{0,5}62|#[xX]0{0,5}3[eE]);)"
_CALL = r"\s*!\s*(?:here|channel|everyone|group|subteam\s*\^|date\s*\^)|\s*@\s*[UWS][A-Z0-9]"
# In code there is much that only looks like a token: `<!DOCTYPE html>`, `<@Component>`.
_IN_CODE = re.compile(rf"{_LT}(?P<body>(?:{_CALL})[^<>&]*){_GT}", re.IGNORECASE)
_BEGUN_IN_CODE = re.compile(rf"{_LT}(?={_CALL})", re.IGNORECASE)
_KNOWN = re.compile(_CALL, re.IGNORECASE)
_PERSON = re.compile(r"@([UW][A-Z0-9]+)")
_PLACE = re.compile(r"#[CGD][A-Z0-9]+")
_OPENING = re.compile(r"(?:<(\s*))+")
_MENTION = re.compile(r"<@([UW][A-Z0-9]+)>")
BEGUN = re.compile(r"<(?=\s*[!@])")
"""What might become a token with what comes later."""


def token(body: str, people: Set[str]) -> str | None:
    """What stands for the token `<body>`: itself, or plain words; none if it is no token."""
    target, _, label = body.partition("|")
    target, label = target.strip(), label.strip()
    if (person := _PERSON.fullmatch(target)) and person[1] in people:
        return f"<{target}>"
    if _PLACE.fullmatch(target):
        return f"<{target}>"
    if _KNOWN.match(body):
        return _in_words(target, label)
    if target.startswith("!--") or re.match(r"!\s*(?:doctype|\[)", target, re.IGNORECASE):
        return None
    return body.strip() if target.startswith(("!", "@")) else None


def _in_words(target: str, label: str) -> str:
    kind, _, rest = target[1:].strip().partition("^")
    if kind.strip().lower() == "date":
        return label or rest.partition("^")[0]
    return "@" + (label or rest or kind).strip().lstrip("@").strip()


def without_pings(code: str) -> str:
    """Code in which nothing can be read as a token that pings."""
    quiet = _IN_CODE.sub(lambda match: _in_words(*_halves(match["body"])), code)
    # Taking one out can join two halves of another; and the end of one may come later.
    return _BEGUN_IN_CODE.sub("", quiet) if _BEGUN_IN_CODE.search(quiet) else quiet


def _halves(body: str) -> tuple[str, str]:
    target, _, label = body.partition("|")
    return target.strip(), label.strip()


def without_begun(text: str, people: Set[str]) -> str:
    """Markdown without the `<` of what might become a token: only whole tokens of `people` are left."""

    def kept(match: re.Match[str]) -> str:
        if text[match.end() : match.end() + 1] not in {"!", "@"}:
            return match[0]
        person = _MENTION.match(text, match.end() - 1)
        if person and person[1] in people:
            return match[0]
        # Left over, the space would part marks from the word they stand at.
        before = text[match.start() - 1 : match.start()]
        return match[1] if before.isalnum() else ""

    return _OPENING.sub(kept, text) if "<" in text else text
