"""A program that has imported the bot, and forks one whenever it is told to.

A bot's imports take four seconds, which a test with a hundred starts cannot wait for. What a fork runs is the
command itself, from the reading of its settings on; and it dies like any other process.

It obeys lines of JSON: `{"start": {…environment…}}` is answered with the bot's process id, and `{"wait": id}`
with its exit code, once there is one.
"""

from __future__ import annotations

import json
import os
import sys

import bot.app
import bot.cli

_IMPORTED = bot.app


def serve() -> None:
    """Obey until standard input ends."""
    for line in sys.stdin:
        order = json.loads(line)
        if "start" in order:
            answer = _start(order["start"])
        else:
            _, status = os.waitpid(order["wait"], 0)
            answer = os.waitstatus_to_exitcode(status)
        print(answer, flush=True)


def _start(environment: dict[str, str]) -> int:
    pid = os.fork()
    if pid == 0:
        os.environ.clear()
        os.environ.update(environment)
        # The orders are for the parent alone, and so are the answers to them.
        with open(os.devnull) as nothing:  # noqa: PTH123 — a descriptor is all that is wanted
            os.dup2(nothing.fileno(), 0)
        os.dup2(2, 1)
        bot.cli.main(["run"])
        sys.exit(0)
    return pid


serve()
