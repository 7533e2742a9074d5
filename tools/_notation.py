"""Sums as people write them, made into an expression in Python's grammar."""

from __future__ import annotations

import re
from collections.abc import Iterable

from tools._framework.errors import ToolRetry

_SIGNS = {
    ord("\N{MULTIPLICATION SIGN}"): "*",
    ord("\N{MIDDLE DOT}"): "*",
    ord("\N{DIVISION SIGN}"): "/",
    ord("\N{MINUS SIGN}"): "-",
    ord("\N{EN DASH}"): "-",
    ord("\N{GREEK SMALL LETTER PI}"): "pi",
}
_TOKEN = re.compile(
    r"\s*(?:(?P<number>(?:\d[\d_]*\.?\d*|\.\d+)(?:[eE][+-]?\d+)?)|(?P<name>[a-z][a-z0-9_]*)"
    r"|(?P<sign>\*\*|//|[-+*/%^(),!²³√]))"
)
_THOUSANDS = re.compile(r"(?<![\d.])\d{1,3}(?:,\d{3})+(?![\d,])")
_CALL = re.compile(r"(?<![a-z])(?!(?:of|x)\b)[a-z]\w*\s*\(")

# Anything else after it is a number, which makes the sign a remainder: 17 % 5.
_AFTER_PERCENT = frozenset({"", "of", "+", "-", "*", "/", "//", "**", "^", ")", ",", "x"})
_OTHER_SPELLINGS = {"of": "*", "x": "*", "^": "**"}

_DIVIDING = frozenset({"/", "//", "%", "^", "**"})

POSTFIX = {"%": "percent", "!": "factorial", "²": "squared", "³": "cubed"}
"""The attributes that stand for signs after a number: `15 .percent`. They bind as tightly as the signs do."""
MAX_SIGNS = 600
"""Numbers, names and signs of an expression."""


def to_python(expression: str, names: Iterable[str]) -> str:
    """`expression` in Python's grammar, holding only numbers, operators, parentheses and `names`.

    Understands typographic signs, `^` for powers, thousands separators outside of calls, `15%`, `15% of 80`,
    `3 x 4`, `5!`, `3²`, `√2`, `2pi`, `2(3 + 4)` and a closing `=`.

    Raises:
        ToolRetry: there is something in it that is none of these.
    """
    text = re.sub(r"\s*=\s*\??\s*$", "", expression.translate(_SIGNS).lower())
    if _CALL.search(text):
        if ", " in text and (thousands := _THOUSANDS.search(text)):
            raise ToolRetry(
                f"In a call, commas separate numbers: write {thousands[0].replace(',', '')} or "
                f"{thousands[0].replace(',', ', ')} instead of {thousands[0]}."
            )
    else:
        # In a call the comma separates arguments: max(1,200) is 200.
        text = _THOUSANDS.sub(lambda match: match[0].replace(",", ""), text)
    tokens = list(_tokens(text))
    if len(tokens) > MAX_SIGNS:
        raise ToolRetry(
            f"The expression has {len(tokens)} numbers and signs, more than {MAX_SIGNS}. Split it up."
        )
    known = {*names, "of", "x"}
    if strange := [token for token in tokens if token[0].isalpha() and token not in known]:
        raise ToolRetry(f"{strange[0][:40]!r} is unknown here. Known names: {', '.join(sorted(names))}.")
    return " ".join(_spelled(tokens))


def _tokens(text: str) -> Iterable[str]:
    position = 0
    text = text.rstrip()
    while position < len(text):
        match = _TOKEN.match(text, position)
        if match is None:
            rest = text[position:].lstrip()
            raise ToolRetry(
                f"The expression cannot be read from {rest[:20]!r} on. Write it like (2 + 3) * 4^2."
            )
        yield match[match.lastgroup or 0]
        position = match.end()


def _spelled(tokens: list[str]) -> Iterable[str]:
    for before, word, after in zip(["", *tokens], tokens, [*tokens[1:], ""], strict=False):
        if word in POSTFIX and (word != "%" or after in _AFTER_PERCENT):
            yield f".{POSTFIX[word]}"
        elif word == "√":
            yield "sqrt" if after == "(" else "sqrt ("
        elif word in _OTHER_SPELLINGS:
            yield _OTHER_SPELLINGS[word]
        else:
            # A leading zero, as in 007, is an error in Python and nowhere else.
            yield re.sub(r"^0+(?=\d)", "", word)
            if before == "√" and word != "(":
                yield ")"
        if _is_number(word) and (
            after in ("(", "√") or (after[:1].isalpha() and after not in _OTHER_SPELLINGS)
        ):
            if before in _DIVIDING:
                # 1/2pi is a half of pi to some, and the half of 1/pi to others.
                raise ToolRetry(
                    f"{before} {word} {after} can be read in two ways: write * out, and parentheses."
                )
            yield "*"


def _is_number(token: str) -> bool:
    return token[0] == "." or token[0].isdigit()
