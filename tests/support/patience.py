"""What keeps tests from depending on how fast the machine is, and on what else it does."""

from __future__ import annotations

from typing import Any

from bot.playground import Playground, Seed
from bot.playground.server import PATIENCE_S
from bot.slack.reply import Timing

__all__ = ["PATIENCE_S", "UNSTREAMED", "patient_workspace"]

UNSTREAMED = Timing(text_after_s=PATIENCE_S, tasks_after_s=PATIENCE_S, session_after_s=PATIENCE_S)
"""An answer is one post when it is complete, however long the machine takes for that."""


def patient_workspace(seed: Seed | None = None, **options: Any) -> Playground:
    """A workspace that waits longer than Slack's three seconds. `options` are those of `Playground`."""
    patience = {"redelivery_s": PATIENCE_S, "trigger_lasts_s": PATIENCE_S}
    return Playground(seed or Seed.default(), **(patience | options))
