"""The tools that a model may call: `@tool` makes one, `Registry` finds and calls them."""

from tools._budget import Budget, MemoryBudget
from tools._context import Asker, Context
from tools._dynamic import DynamicTool, Toolset
from tools._elicitation import Elicit, Elicitation, ElicitationAnswer
from tools._errors import BadPolicy, BadTool, ToolFailed, ToolRetry
from tools._mcp import McpConfig, McpServers
from tools._options import Options
from tools._outcome import Outcome, Source
from tools._policy import Access, Policy
from tools._policy_file import read_policy, rules_for_nothing
from tools._registry import Registry
from tools._tool import tool

__all__ = [
    "Access",
    "Asker",
    "BadPolicy",
    "BadTool",
    "Budget",
    "Context",
    "DynamicTool",
    "Elicit",
    "Elicitation",
    "ElicitationAnswer",
    "McpConfig",
    "McpServers",
    "MemoryBudget",
    "Options",
    "Outcome",
    "Policy",
    "Registry",
    "Source",
    "ToolFailed",
    "ToolRetry",
    "Toolset",
    "read_policy",
    "rules_for_nothing",
    "tool",
]
