"""Hold a tool to its bounds over very many generated inputs: time, and that none of them is executed.

hold_to_bounds(calculate_it, (words.expression() for _ in range(100_000)))
"""

from __future__ import annotations

import contextlib
import random
import sys
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence

from tools import ToolFailed, ToolRetry

COUNT = 100_000
LONGEST_S = 0.010
"""Processor time that one input may take. Time on the wall would measure the machine's other work."""
_TRIES = 5
"""What seems to take too long is tried again: a collection of garbage is not its own."""

_DEEDS = (
    "exec",
    "import",
    "open",
    "os.",
    "subprocess.",
    "socket.",
    "shutil.",
    "ctypes.",
    "marshal.",
    "pickle.",
)
_deeds: list[str] = []
_watched: set[int] = set()


def _watch(event: str, _: object) -> None:
    if threading.get_ident() in _watched and event.startswith(_DEEDS):
        _deeds.append(event)


# An audit hook cannot be taken away again, so there is one, which looks the other way for everybody else.
sys.addaudithook(_watch)


def hold_to_bounds(call: Callable[[str], object], inputs: Iterable[str]) -> None:
    """Give `inputs` to `call`: each is answered or refused in time, and none executes or opens anything."""
    slowest, slowest_input = 0.0, ""
    _deeds.clear()
    _watched.add(threading.get_ident())
    try:
        for text in inputs:
            took = _time_of(call, text)
            for _ in range(_TRIES - 1):
                if took < LONGEST_S:
                    break
                took = min(took, _time_of(call, text))
            if took > slowest:
                slowest, slowest_input = took, text
    finally:
        _watched.discard(threading.get_ident())
    assert _deeds == []
    assert slowest < LONGEST_S, f"{slowest * 1000:.1f} ms for {slowest_input!r}"


def _time_of(call: Callable[[str], object], text: str) -> float:
    begun = time.thread_time()
    with contextlib.suppress(ToolRetry, ToolFailed):
        call(text)
    return time.thread_time() - begun


def generated(words: Sequence[str], *, most_words: int, seed: int, count: int = COUNT) -> Iterator[str]:
    """Texts of up to `most_words` of `words` in a row; the same ones for the same seed."""
    chance = random.Random(seed)
    for _ in range(count):
        yield "".join(chance.choices(words, k=chance.randint(0, most_words)))
