"""Ports for servers that can't choose one themselves."""

from __future__ import annotations

import random
import socket

# Below those that systems give to whoever asks for any: nobody else comes upon them by chance.
_PORTS = range(20_000, 30_000)


def free_port() -> int:
    """A loopback port at which nothing listens, and which the system gives to nobody meanwhile."""
    # Not the tests' random numbers, which begin alike in processes that run side by side.
    chance = random.SystemRandom()
    while True:
        port = chance.choice(_PORTS)
        with socket.socket() as probe:
            try:
                probe.bind(("127.0.0.1", port))
            except OSError:
                continue
        return port


def unreachable() -> str:
    """A base URL at which nothing listens."""
    return f"http://127.0.0.1:{free_port()}"
