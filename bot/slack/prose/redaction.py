"""Secrets, taken out of a text that arrives bit by bit."""

from __future__ import annotations

import re

_GONE = "[redacted]"
_TOKEN = re.compile(
    r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{8,}"
    r"|(?<![A-Za-z0-9])(?:xapp-[A-Za-z0-9-]{8,}"
    r"|sk[-_][A-Za-z0-9_-]{16,}"
    r"|gh[pousr]_[A-Za-z0-9]{16,}"
    r"|github_pat_[A-Za-z0-9_]{16,}"
    r"|A(?:KIA|SIA)[A-Z0-9]{16}"
    r"|AIza[A-Za-z0-9_-]{30,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r")"
)
# "Bearer authentication" is no secret: it takes a digit, or more letters than a word has.
_BEARER = re.compile(
    r"\b(bearer\s+)(?=[A-Za-z._~+/=-]{0,200}\d|[A-Za-z._~+/=-]{24})[A-Za-z0-9._~+/=-]{8,}", re.IGNORECASE
)
_BEARER_AT_END = re.compile(r"\bbearer\s+\Z", re.IGNORECASE)

_KEY_MARK = "-----BEGIN"
_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY-----"
    r"(?=(?:\s|\\n|>){0,9}(?:[A-Za-z0-9+/]{16}|Proc-Type|DEK-Info))[A-Za-z0-9+/=\s\\,:>-]*"
)
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")
_KEY_DECIDED = 120
_LONGEST_KEY = 10_000

_SPACE = re.compile(r"[ \t\r\n]")
_WORD = re.compile(r"[^ \t\r\n]+")
# A word that goes on and on is shown in pieces, and so is not held back for ever.
_LONGEST_WORD = 4_000
_PIECE = 3_000


class Redaction:
    """Takes out what looks like a token or key, and each of `secrets`; what may become one is held back."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self.secrets = secrets
        self._held = ""

    def feed(self, text: str, *, last: bool = False) -> str:
        """What of the text so far is certain, and was not given before."""
        self._held += text
        if not last and len(self._held) < _LONGEST_WORD and not _SPACE.search(text):
            return ""
        shown: list[str] = []
        while self._held and (end := self._certain(last)):
            shown.append(self.redacted(self._held[:end]))
            self._held = self._held[end:]
        return "".join(shown)

    def redacted(self, text: str) -> str:
        """A whole text without its secrets."""
        for secret in self.secrets:
            text = text.replace(secret, _GONE)
        if _KEY_MARK in text:
            text = _KEY_END.sub("", _KEY.sub(_GONE, text)) if _KEY.search(text) else text
        return _TOKEN.sub(_GONE, _BEARER.sub(rf"\1{_GONE}", text))

    def _certain(self, last: bool) -> int:
        """How much of what is held can be judged whatever comes next."""
        held = self._held
        key = held.find(_KEY_MARK)
        if key == 0:
            return self._end_of_key(last)
        end = key if key > 0 else len(held)
        if key < 0 and not last:
            end = max(held.rfind(space) for space in " \t\r\n") + 1
        end = self._before_long_word(end, last)
        if end < len(held) or not last:
            end = self._before_begun(end)
        return end

    def _end_of_key(self, last: bool) -> int:
        """Where the private key ends that begins here; behind its first word if it is none."""
        held = self._held
        if len(held) < _KEY_DECIDED and not last:
            return 0
        begun = _KEY.match(held[:_KEY_DECIDED])
        if begun is None:
            return len(_KEY_MARK)
        if found := _KEY_END.search(held, 0, _LONGEST_KEY):
            return found.end()
        if len(held) < _LONGEST_KEY and not last:
            return 0
        whole = _KEY.match(held[:_LONGEST_KEY])
        return whole.end() if whole else len(_KEY_MARK)

    def _before_long_word(self, end: int, last: bool) -> int:
        held = self._held
        if len(held) < _LONGEST_WORD:
            return end
        for word in _WORD.finditer(held):
            if word.start() >= end and end:
                break
            if word.end() - word.start() >= _LONGEST_WORD:
                return word.start() or self._piece()
        return end

    def _piece(self) -> int:
        """Where the long word at the start can be cut without cutting a secret."""
        for match in _TOKEN.finditer(self._held[:_LONGEST_WORD]):
            if match.start() < _PIECE < match.end():
                return match.end()
        for secret in self.secrets:
            found = self._held.find(secret, max(0, _PIECE - len(secret) + 1), _PIECE + len(secret) - 1)
            if found >= 0:
                return found + len(secret)
        return _PIECE

    def _before_begun(self, end: int) -> int:
        """`end`, or where before it something began that goes on behind it."""
        if begun := _BEARER_AT_END.search(self._held[max(0, end - 40) : end]):
            end = max(0, end - 40) + begun.start()
        for secret in self.secrets:
            for size in range(min(len(secret) - 1, end), 0, -1):
                if self._held.endswith(secret[:size], 0, end) and any(space in secret for space in " \t\r\n"):
                    end -= size
                    break
        return end
