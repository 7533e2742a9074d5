"""`make bench`: every benchmark, its figures beside their goals. Exits with 1 if a goal is missed."""

from __future__ import annotations

import asyncio
import sys

from benchmarks import burst, one_question
from benchmarks.report import Report


def main() -> None:
    """Run them all."""
    report = Report()
    asyncio.run(one_question.measure(report))
    asyncio.run(burst.measure(report))
    sys.exit(1 if report.missed else 0)


main()
