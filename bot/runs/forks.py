"""Where a run that failed goes on when it is tried again: the steps before keep their results.

So a model's failure does not make people approve again what is done already, nor a tool run twice.
"""

from __future__ import annotations

from collections.abc import Iterable

from dbos import StepInfo, WorkflowStatus

from bot.errors import EmptyAnswer
from bot.runs.engine import APPLICATION_VERSION, OUTCOME, revision

# Names of steps, as who runs them calls them.
_MODEL = "model"
_TOOL = "tool "


def fork_of(run: WorkflowStatus, steps: Iterable[StepInfo]) -> tuple[str, int]:
    """The run to fork, and the number of the first step to be run again.

    It is the step that failed, or the model call that came to nothing. If there is none, then only showing the
    answer went wrong, and all steps that worked on it keep their results.
    """
    if run.app_version != APPLICATION_VERSION:
        # Its steps may be other ones: the question is asked anew, and so is who has to approve.
        return revision(run.workflow_id), 1
    steps = list(steps)
    failed = [step["function_id"] for step in steps if _failed(step)]
    if failed:
        return run.workflow_id, min(failed)
    asked = [step["function_id"] for step in steps if step["function_name"] == _MODEL]
    if asked and _error(run) == EmptyAnswer.__name__:
        return run.workflow_id, max(asked)
    # What a former attempt has told people is no work.
    called = [step["function_id"] for step in steps if step["function_name"].startswith(_TOOL)]
    return run.workflow_id, max([*asked, *called], default=0) + 1


def _failed(step: StepInfo) -> bool:
    output = step["output"]
    return step["error"] is not None or (isinstance(output, dict) and "error" in output)


def _error(run: WorkflowStatus) -> str | None:
    return OUTCOME.validate_python(run.output).error if run.output else None
