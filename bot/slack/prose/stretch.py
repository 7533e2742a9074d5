"""Where a stretch of prose can be cut off: behind a word, outside every construct."""

from __future__ import annotations

import re

from bot.slack.prose.emphasis import Run

# Chinese and Japanese put no spaces between words; what ends a clause is the best place then.
_STOPS = "\u3001\u3002\uff0c\uff0e\uff01\uff1f\uff1b\uff1a"
_CLOSING = "\u2026\u201d\u2019\u300d\u300f\uff09\u3011\u3009\u300b"
_STEP = re.compile(
    rf"(?P<word>[^\\`*_~\[\]()<>&$\s{_STOPS}]+)|(?P<stop>[{_STOPS}][{_STOPS}{_CLOSING}]*)"
    r"|(?P<line>\n)|(?P<space>[^\S\n])|(?P<ticks>`+)|(?P<marks>\*+|_+|~~+)|(?P<dollars>\$+)"
    r"|(?P<escape>\\(?:&(?:amp;)*#?\w{1,31};|\S))|(?P<entity>&(?:amp;)*(?P<name>#?\w{1,31});)|(?P<sign>.)",
    re.DOTALL,
)
_MAYBE_ENTITY = re.compile(r"&(?:amp;)*#?\w{0,31}\Z")
_LT = re.compile(r"<|&(?:amp;)*(?:lt|LT|#0*60|#[xX]0*3[cC]);")
_GT = re.compile(r">|&(?:amp;)*(?:gt|GT|#0*62|#[xX]0*3[eE]);")
_BEGINS_TAG = re.compile(r"[A-Za-z/?]|\s{0,20}[!@#]")
# Unlike a number with a dot, which begins a list's item.
_GOES_ON = re.compile(r"[^\S\n]*(?:[^\W\d_]|[\"'(<&$]|\d{1,9}[^\d.)])")
_LINE_UNDECIDED = re.compile(r"[^\S\n]*\d{0,9}\Z")

MOST_HELD = 1_000
"""No construct is waited for any longer, in characters."""
_PATIENCE = {"<": 300, "$": 120}
_LONGEST = 1_200


class Stretch:
    """Reads on from `start`, once, and says where the stretch ends."""

    def __init__(self, start: int) -> None:
        self.start = start
        self._at = start
        self._open: list[tuple[str, int]] = []

    def move(self, by: int) -> None:
        """The text that it reads has been moved."""
        self.start += by
        self._at += by
        self._open = [(sign, at + by) for sign, at in self._open]

    def end(self, text: str, *, last: bool) -> tuple[int, bool] | None:
        """Where the stretch ends, and whether inside a word that is too long; none if more must come first."""
        most = self.start + _LONGEST
        while self._at < len(text):
            if self._at >= most:
                return most, True
            match = _STEP.match(text, self._at, most)
            if match is None:  # never: the last alternative takes any character
                break
            if not last and self._undecided(match, text):
                return (most, True) if len(text) >= most + _LONGEST else None
            if self._ends(match, text):
                return match.end(), False
            self._at = match.end()
        return (len(text), False) if last else None

    def _undecided(self, match: re.Match[str], text: str) -> bool:
        """Whether what comes next could make something else of the match."""
        if match["line"]:
            return bool(self._open) and bool(_LINE_UNDECIDED.match(text, match.end()))
        if match["space"]:
            return False
        if _LT.fullmatch(match[0].removeprefix("\\")):
            return not text[match.end() :].lstrip() and len(text) - match.end() < 20
        if match[0] in ("&", "\\&"):
            return bool(_MAYBE_ENTITY.match(text, match.end() - 1))
        return match.end() == len(text)

    def _ends(self, match: re.Match[str], text: str) -> bool:
        """Take one step; whether the stretch ends behind it."""
        kind = match.lastgroup
        if kind == "line":
            return not (self._open and _GOES_ON.match(text, match.end()))
        if kind in ("space", "stop"):
            self._give_up(match.start())
            goes_on = kind == "stop" and text[match.end() : match.end() + 1].isspace()
            return not (self._open or goes_on)
        self._step(kind or "", match, text)
        return False

    def _step(self, kind: str, match: re.Match[str], text: str) -> None:
        sign = match[0]
        if self._open and self._open[-1][0][0] == "`" and kind != "ticks":
            return
        if kind == "ticks":
            self._toggle(sign, match.start(), opens=True, closes=True)
        elif kind in ("marks", "dollars"):
            before = text[match.start() - 1] if match.start() > self.start else ""
            after = text[match.end() : match.end() + 1]
            run = Run.of(sign, before, after) if kind == "marks" else _dollars(sign, before, after)
            self._toggle(sign, match.start(), opens=run.opens, closes=run.closes)
        elif sign in ("\\(", "\\)", "\\[", "\\]"):
            self._bracket(sign, match.start(), {"\\(": "\\)", "\\[": "\\]"})
        # Not every reader looks for escapes before it looks for tokens.
        elif _LT.fullmatch(sign.removeprefix("\\")):
            if _BEGINS_TAG.match(text, match.end()):
                self._open.append(("<", match.start()))
        elif _GT.fullmatch(sign.removeprefix("\\")):
            self._shut("<")
        elif sign == "(":
            if text[match.start() - 1 : match.start()] == "]" or self._has("("):
                self._open.append(("(", match.start()))
        elif kind != "escape":
            self._bracket(sign, match.start(), {"[": "]", "(": ")"})

    def _bracket(self, sign: str, at: int, pairs: dict[str, str]) -> None:
        for opening, closing in pairs.items():
            if sign == opening:
                self._open.append((opening, at))
            elif sign == closing:
                self._shut(opening)

    def _toggle(self, sign: str, at: int, *, opens: bool, closes: bool) -> None:
        if closes and self._has(sign):
            self._shut(sign)
        elif opens:
            self._open.append((sign, at))

    def _has(self, sign: str) -> bool:
        return any(begun == sign for begun, _ in self._open)

    def _shut(self, sign: str) -> None:
        for index in range(len(self._open) - 1, -1, -1):
            if self._open[index][0] == sign:
                del self._open[index:]
                return

    def _give_up(self, at: int) -> None:
        """Stop waiting for the end of what began too long ago."""
        while self._open and at - self._open[0][1] > _PATIENCE.get(self._open[0][0], MOST_HELD):
            del self._open[0]


def _dollars(sign: str, before: str, after: str) -> Run:
    if len(sign) > 1:
        return Run(sign, opens=len(sign) == 2, closes=len(sign) == 2)
    opens = bool(after) and not after.isspace() and not after.isdigit() and not before.isalnum()
    return Run(sign, opens, bool(before) and not before.isspace() and not after.isalnum())
