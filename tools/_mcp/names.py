"""Names under which servers' tools are offered: `server__tool`, as model providers allow them."""

from __future__ import annotations

import hashlib
import re
from collections import Counter
from collections.abc import Iterable
from fnmatch import fnmatchcase

MOST_PREFIX_CHARS = 40
_MOST_CHARS = 64
"""https://platform.openai.com/docs/api-reference/chat/create: a function's name."""
_HASH_CHARS = 6
_MISFITS = re.compile(r"[^A-Za-z0-9_-]")
_RUNS = re.compile(r"[^A-Za-z0-9-]+")


def prefix_of(server: str) -> str:
    """What the names of a server's tools begin with. It holds no `__`, so that the first one ends it."""
    return _RUNS.sub("_", server).strip("_")


def prefix_in(name: str) -> str:
    """The prefix of the server whose tool this could be."""
    return name.partition("__")[0]


def could_begin(prefix: str, pattern: str) -> bool:
    """Whether a policy's pattern could fit a name with this prefix. If in doubt, it could."""
    server, border, _ = pattern.partition("__")
    if border:
        return fnmatchcase(prefix, server)
    start, star, _ = pattern.partition("*")
    return bool(star) and fnmatchcase(prefix, f"{start}*")


def offered_names(prefix: str, names: Iterable[str]) -> dict[str, str]:
    """For each of a server's own names the one under which it is offered, unique among them.

    A name is changed as little as possible, and in the same way on every start: what cannot stand in a name
    becomes `_`, and only a name that is then too long, or that another one has by right, ends with a hash.
    """
    plain = {name: f"{prefix}__{_MISFITS.sub('_', name)}" for name in names}
    holders = Counter(plain.values())

    def offered(name: str, full: str) -> str:
        unique = holders[full] == 1 or full == f"{prefix}__{name}"
        return full if unique and len(full) <= _MOST_CHARS else _shortened(full, name)

    return {name: offered(name, full) for name, full in plain.items()}


def _shortened(full: str, name: str) -> str:
    digest = hashlib.sha256(name.encode()).hexdigest()[:_HASH_CHARS]
    return f"{full[: _MOST_CHARS - _HASH_CHARS - 1]}_{digest}"
