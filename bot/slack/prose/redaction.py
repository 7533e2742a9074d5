"""Secrets, taken out of a text that arrives bit by bit."""

from __future__ import annotations

import re

from bot.slack.prose.literal import SPELLED, WIDE, spelled_out

_GONE = "[redacted]"
_TOKEN = re.compile(
    r"xox[a-z](?:\.xox[a-z])?-[A-Za-z0-9-]{8,}"
    r"|(?<![A-Za-z0-9])(?:xapp-[A-Za-z0-9-]{8,}"
    r"|sk[-_][A-Za-z0-9_-]{16,}"
    r"|gh[pousr]_[A-Za-z0-9]{16,}"
    r"|glpat-[A-Za-z0-9_-]{16,}"
    r"|hf_[A-Za-z0-9]{16,}"
    r"|ya29\.[A-Za-z0-9_-]{16,}"
    r"|hooks\.slack\.com/(?:services|workflows|triggers)/[A-Za-z0-9/_-]{16,}"
    r"|github_pat_[A-Za-z0-9_]{16,}"
    r"|A(?:KIA|SIA)[A-Z0-9]{16}"
    r"|AIza[A-Za-z0-9_-]{30,}"
    r"|eyJ[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]{8,}\.[A-Za-z0-9_-]*"
    r")"
)
# "Bearer authentication" is no secret: it takes a digit, or more letters than a word has.
_BEARER = re.compile(
    r"(?<![A-Za-z0-9_])(bearer\s+)(?=[A-Za-z._~+/=\\&#;-]{0,200}\d|[A-Za-z._~+/=-]{24})"
    r"[A-Za-z0-9._~+/=\\&#;-]{8,}",
    re.IGNORECASE,
)
_BEARER_AT_END = re.compile(r"(?<![A-Za-z0-9_])bearer\s+\Z", re.IGNORECASE)

_KEY_MARK = "-----BEGIN"
_KEY = re.compile(
    r"-----BEGIN [A-Z0-9 ]{0,40}PRIVATE KEY(?: BLOCK)?-----(?:\s{1,3}(?:Version|Comment): [^\n]{1,80}){0,3}"
    r"(?=(?:\s|\\n|>){0,9}(?:[A-Za-z0-9+/]{16}|Proc-Type|DEK-Info))[A-Za-z0-9+/=\s\\,:>-]*"
)
_KEY_END = re.compile(r"-----END [A-Z0-9 ]{0,40}-----")
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
        text = self._without_known(text)
        if _KEY_MARK in text:
            text = _KEY_END.sub("", _KEY.sub(_GONE, text)) if _KEY.search(text) else text
        return _TOKEN.sub(_GONE, _BEARER.sub(rf"\1{_GONE}", text))

    def _without_known(self, text: str) -> str:
        for secret in self._secrets:
            text = text.replace(secret, _GONE)
        return text

    def _word(self, match: re.Match[str]) -> str:
        return _GONE if self._hides_secret(match[0]) else match[0]

    def _hides_secret(self, word: str) -> bool:
        """Whether a reader of Markdown sees a secret in the word that cannot be taken out of its source."""
        if not SPELLED.search(word):
            return False
        seen = _TOKEN.sub(_GONE, self._without_known(spelled_out(word)))
        return seen != spelled_out(_TOKEN.sub(_GONE, self._without_known(word)))

    def _certain(self, last: bool) -> int:
        """How much of what is held can be judged whatever comes next."""
        held = self._held
        key = held.find(_KEY_MARK)
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
        begun = self._held[:_LONGEST_WORD]
        for match in (*_TOKEN.finditer(begun), *_RUN.finditer(begun)):
            if match.start() < _PIECE < match.end() and (match.re is _TOKEN or self._hides_secret(match[0])):
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
