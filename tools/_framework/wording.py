"""What pydantic says about a value that somebody wrote, in plain words."""

from __future__ import annotations

import json
import re

from pydantic_core import ErrorDetails

_MOST_VALUE_CHARS = 80
_PLAIN = {
    "^Input should be a valid tuple": "must be a list",
    "^Input should be a valid dictionary or instance of .*": "must be a mapping of names to values",
    "^Tuple should have at least 1 item.*": "must not be an empty list: leave it out",
    "^(Input|String) should": "must",
    re.escape("match pattern '^[CDG][A-Z0-9]+$'"): "be a channel's id, such as C0123ABCD",
    re.escape("match pattern '^[UW][A-Z0-9]+$'"): "be a person's id, such as U0123ABCD",
    re.escape("match pattern '^S[A-Z0-9]+$'"): "be a user group's id, such as S0123ABCD",
}


def in_plain_words(fault: ErrorDetails) -> str:
    """What a value must be, and what it is, as in `must be a list, and is "C1"`."""
    message = fault["msg"]
    for technical, plain in _PLAIN.items():
        message = re.sub(technical, plain, message)
    given = json.dumps(fault["input"], default=str)[:_MOST_VALUE_CHARS]
    return f"{message[:1].lower()}{message[1:]}, and is {given}"
