"""Take secrets out of a text before a model, a person or a log sees it."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping

from tools._framework.secret_shapes import without_credentials

LEAST_SECRET_CHARS = 8
"""What is shorter, as `1` and `info` are, is no secret unless its name says so."""
_SECRET_NAME = re.compile(
    r"(?:key|token|secret|password|passphrase|credentials?)$|(?:^|[_.-])(?:auth|pass|passwd|pat|pwd)$",
    re.IGNORECASE,
)


def redact(text: str, config: Mapping[str, str]) -> str:
    """`text` without the secrets of `config`, and without what looks like one."""
    return without_credentials(text, secrets_in(config))


def secrets_in(config: Mapping[str, str]) -> tuple[str, ...]:
    """The secrets of `config`, as `as_repeated` gives them."""
    return as_repeated(value for name, value in config.items() if is_secret(name))


def is_secret(name: str) -> bool:
    """Whether a setting of this name holds a secret."""
    return _SECRET_NAME.search(name) is not None


def as_repeated(secrets: Iterable[str]) -> tuple[str, ...]:
    """What to look for in the words of whoever repeats one of `secrets`, the longest first.

    It may be a part of one alone: a line of a key, or what stands behind `Bearer`.
    """
    found = {part for secret in secrets for part in (secret.strip(), *_long_words(secret)) if part}
    return tuple(sorted(found, key=len, reverse=True))


def _long_words(text: str) -> Iterator[str]:
    return (word for word in text.split() if len(word) >= LEAST_SECRET_CHARS)
