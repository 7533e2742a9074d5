"""Secrets, taken out of a text that arrives bit by bit."""

from __future__ import annotations

import re

from bot.slack.prose.literal import SPELLED, WIDE, spelled_out
from tools import secret_shapes

_BEARER_AT_END = re.compile(r"(?<![A-Za-z0-9_])bearer\s+\Z", re.IGNORECASE)
_KEY_DECIDED = 400
_LONGEST_KEY = 10_000

# Chinese and Japanese have no spaces, and no token has their signs.
_BORDER = re.compile(rf"[ \t\r\n{WIDE}]")
_TO_LAST_BORDER = re.compile(rf".*[ \t\r\n{WIDE}]", re.DOTALL)
_WORD = re.compile(rf"[^ \t\r\n{WIDE}]+")
# What a token may consist of in Markdown's source.
_RUN = re.compile(r"[\w.&#;\\*`~-]+")
# A word that goes on and on is shown in pieces, and so is not held back for ever.
_LONGEST_WORD = 4_000
_PIECE = 3_000


class Redaction:
    """Takes out what looks like a token or key, and each of `secrets`; what may become one is held back."""

    def __init__(self, secrets: tuple[str, ...]) -> None:
        self._held = ""
        self.know(secrets)

    def know(self, secrets: tuple[str, ...]) -> None:
        """Take these out from now on."""
        # One may be part of another.
        self._secrets = sorted(filter(None, secrets), key=len, reverse=True)
        self._with_borders = [secret for secret in self._secrets if _BORDER.search(secret)]

    def feed(self, text: str, *, last: bool = False) -> str:
        """What of the text so far is certain, and was not given before."""
        self._held += text
        if not last and len(self._held) < _LONGEST_WORD and not _BORDER.search(text):
            return ""
        shown: list[str] = []
        while self._held and (end := self._certain(last)):
            shown.append(self.redacted(self._held[:end]))
            self._held = self._held[end:]
        return "".join(shown)

    def redacted(self, text: str) -> str:
        """A whole text without its secrets."""
        if SPELLED.search(text):
            # Models write `ghp\_…` for `ghp_…`, and what reads the Markdown undoes that.
            text = _WORD.sub(self._word, text)
        return secret_shapes.without_secrets(text, self._secrets)

    def _without_known(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, secret_shapes.GONE)
        return text

    def _word(self, match: re.Match[str]) -> str:
        return secret_shapes.GONE if self._hides_secret(match[0]) else match[0]

    def _hides_secret(self, word: str) -> bool:
        """Whether a reader of Markdown sees a secret in the word that cannot be taken out of its source."""
        if not SPELLED.search(word):
            return False
        seen = secret_shapes.TOKEN.sub(secret_shapes.GONE, self._without_known(spelled_out(word)))
        return seen != spelled_out(secret_shapes.TOKEN.sub(secret_shapes.GONE, self._without_known(word)))

    def _certain(self, last: bool) -> int:
        """How much of what is held can be judged whatever comes next."""
        held = self._held
        key = held.find(secret_shapes.PRIVATE_KEY_MARK)
        if key == 0:
            return self._end_of_key(last)
        end = key if key > 0 else len(held)
        if key < 0 and not last:
            border = _TO_LAST_BORDER.match(held)
            end = border.end() if border else 0
        end = self._before_long_word(end, last)
        if end < len(held) or not last:
            end = self._before_begun(end)
        return end

    def _end_of_key(self, last: bool) -> int:
        """Where the private key ends that begins here; behind its first word if it is none."""
        held = self._held
        if len(held) < _KEY_DECIDED and not last:
            return 0
        begun = secret_shapes.PRIVATE_KEY.match(held[:_KEY_DECIDED])
        if begun is None:
            return len(secret_shapes.PRIVATE_KEY_MARK)
        if found := secret_shapes.PRIVATE_KEY_END.search(held, 0, _LONGEST_KEY):
            return found.end()
        if len(held) < _LONGEST_KEY and not last:
            return 0
        whole = secret_shapes.PRIVATE_KEY.match(held[:_LONGEST_KEY])
        return whole.end() if whole else len(secret_shapes.PRIVATE_KEY_MARK)

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
        begun = self._held[:_LONGEST_WORD]
        for match in (*secret_shapes.TOKEN.finditer(begun), *_RUN.finditer(begun)):
            is_token = match.re is secret_shapes.TOKEN
            if match.start() < _PIECE < match.end() and (is_token or self._hides_secret(match[0])):
                return match.end()
        for secret in self._secrets:
            found = self._held.find(secret, max(0, _PIECE - len(secret) + 1), _PIECE + len(secret) - 1)
            if found >= 0:
                return found + len(secret)
        return _PIECE

    def _before_begun(self, end: int) -> int:
        """`end`, or where before it something began that goes on behind it."""
        if begun := _BEARER_AT_END.search(self._held[max(0, end - 40) : end]):
            end = max(0, end - 40) + begun.start()
        for secret in self._with_borders:
            for size in range(min(len(secret) - 1, end), 0, -1):
                if self._held.endswith(secret[:size], 0, end):
                    end -= size
                    break
        return end
