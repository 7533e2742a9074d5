"""Sums and conversions in words, made into expressions for a calculator."""

from __future__ import annotations

import re
from dataclasses import dataclass

from bot.gateway.providers.mock import units

_NUMBER = r"-?\d[\d,]*(?:\.\d+)?"
_INTO = re.compile(
    rf"(?P<number>{_NUMBER})\s*(?P<source>{units.PATTERN})\s+(?:to|in|into|as|are how many|is how many|=)\s+"
    rf"(?P<target>{units.PATTERN})(?![\w/])",
    re.IGNORECASE,
)
_HOW_MANY = re.compile(
    rf"how (?:many|much)\s+(?P<target>{units.PATTERN})\s+(?:are there in|are in|is in|are|is|in|make)\s+"
    rf"(?P<number>{_NUMBER}|an?\s)\s*(?P<source>{units.PATTERN})(?![\w/])",
    re.IGNORECASE,
)

_PERCENT = re.compile(rf"({_NUMBER})\s*(?:%|percent|per cent)\s+of\s+({_NUMBER})", re.IGNORECASE)
_SPOKEN = (
    (_PERCENT, r"\1 / 100 * \2"),
    (re.compile(r"\b(?:the )?square root of\s+(\([^()]*\)|[\d.,]+)", re.IGNORECASE), r"sqrt(\1)"),
    (re.compile(r"(\d+)(?:!|\s+factorial\b)", re.IGNORECASE), r"factorial(\1)"),
    (re.compile(r"\b(?:multiplied by|times)\b", re.IGNORECASE), "*"),
    (re.compile(r"\b(?:divided by|over)\b", re.IGNORECASE), "/"),
    (re.compile(r"\b(?:to the power of|raised to)\b", re.IGNORECASE), "^"),
    (re.compile(r"\bplus\b", re.IGNORECASE), "+"),
    (re.compile(r"\bminus\b", re.IGNORECASE), "-"),
    (re.compile(r"\bmod(?:ulo)?\b", re.IGNORECASE), "%"),
    (re.compile(r"\bsquared\b", re.IGNORECASE), "^ 2"),
    (re.compile(r"\bcubed\b", re.IGNORECASE), "^ 3"),
    (re.compile(r"(?<=[\d)])\s*x\s*(?=[\d(])", re.IGNORECASE), " * "),
)
_FUNCTION = r"(?:sqrt|abs|round|min|max|log10|log|exp|sin|cos|tan|floor|ceil|factorial)\s*\("
_TERM = rf"{_FUNCTION}|\bpi\b|\be\b"
_EXPRESSION = re.compile(rf"(?:{_TERM}|[\d(.]|-(?=[\d(.]))(?:{_TERM}|[\d\s.,()*/+^%-])*", re.IGNORECASE)
_OPERATION = re.compile(rf"[\d)]\s*(?:\*\*|//|[*/+^%-])\s*[\d(.a-z]|{_FUNCTION}", re.IGNORECASE)
_ASKED = re.compile(
    r"\b(?:what|whats|how much|calculate|compute|calc|evaluate|work out|solve|sum|result|equals?)\b|=",
    re.IGNORECASE,
)
_DATE = re.compile(r"\b\d{4}-\d\d-\d\d\b|\b\d{1,2}/\d{1,2}/\d{2,4}\b")


@dataclass(frozen=True, slots=True)
class Sum:
    """An expression to calculate, and how a person would say it."""

    expression: str
    words: str
    unit: str = ""
    """The unit of the result, for conversions."""


def read_conversion(text: str) -> Sum | None:
    """The conversion that the text asks for, such as "72 F to celsius"."""
    found = _INTO.search(text) or _HOW_MANY.search(text)
    if found is None:
        return None
    written = found["number"].strip()
    number = written.replace(",", "") if written[-1].isdigit() else "1"
    source, target = units.symbol_of(found["source"]), units.symbol_of(found["target"])
    expression = units.formula(number, source, target)
    return Sum(expression, f"{number} {source}", target) if expression else None


def read_sum(text: str) -> Sum | None:
    """The sum that the text asks for, such as "what is 12.5 * (3+4)" or "15% of 80".

    A text that merely holds numbers, such as "a meeting at 10-12", asks for none.
    """
    if _DATE.search(text):
        return None
    written = text
    for words, sign in _SPOKEN:
        written = words.sub(sign, written)
    found = [match[0].strip(" ,.") for match in _EXPRESSION.finditer(written)]
    expression = max(filter(_OPERATION.search, found), key=len, default="")
    alone = written.strip(" ?!.=") == expression
    if not expression or not (alone or _ASKED.search(text)):
        return None
    tidy = " ".join(expression.split())
    percent = _PERCENT.search(text)
    return Sum(tidy, percent[0] if percent else tidy)
