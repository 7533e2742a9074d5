"""What a tool raises on purpose, and what is raised about a tool or a policy that is written wrongly.

Exception
├── ToolError               ends one call; its text goes to the model
│   ├── ToolRetry           other arguments may help
│   └── ToolFailed          trying again will not help
├── BadTool                 raised at start, never during a call: the tool needs a change in its file
└── BadPolicy               raised at start: `policy.yaml` needs a change
"""

from __future__ import annotations


class ToolError(Exception):
    """A call that ended without a result. Its text is written for the model, and people may see it."""


class ToolRetry(ToolError):
    """The call failed in a way that different arguments can mend: say which, as in
    `raise ToolRetry("No place is called 'Bostn'. Did you mean Boston?")`."""


class ToolFailed(ToolError):
    """The call failed for good: the model should tell the asker instead of trying again."""


class BadTool(Exception):
    """A tool that cannot be offered: the message names its file and line, and the remedy."""


class BadPolicy(Exception):
    """A policy that cannot be followed: the message names its file and line."""
