"""Durable runs: a question is stored before it is acknowledged, and answered exactly once.

The only package that imports the run engine, DBOS. It knows no Slack.

A run is one workflow. Its id is the question's `run_id`, so the same post delivered twice is one run; a
question that was edited is a further run `run_id#revision`. The results of finished steps are stored: when a
run is taken up again after a crash, they are not run again. A run `…#approved` goes on after an approval, and a
run `…#retry` with one that failed, whose finished steps it has.
"""

from bot.runs.acts import Act
from bot.runs.inspection import Inspection
from bot.runs.runs import Runs
from bot.runs.steps import StoredSteps
from bot.runs.turns import RunLimits

__all__ = ["Act", "Inspection", "RunLimits", "Runs", "StoredSteps"]
