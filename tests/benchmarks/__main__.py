"""`make bench`: every benchmark, its figures beside their goals. Exits with 1 if a goal is missed.

`make bench ONLY=storm` runs one of them.
"""

from __future__ import annotations

import asyncio
import sys

from benchmarks import burst, one_question, registry, storm, streaming
from benchmarks.report import Report

_BENCHMARKS = {
    "registry": registry.measure,
    "one_question": one_question.measure,
    "streaming": streaming.measure,
    "burst": burst.measure,
    "storm": storm.measure,
}


def main() -> None:
    """Run them all, or those that are named."""
    report = Report()
    for name in sys.argv[1:] or _BENCHMARKS:
        asyncio.run(_BENCHMARKS[name](report))
    sys.exit(1 if report.missed else 0)


main()
