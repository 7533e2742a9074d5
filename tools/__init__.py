"""The tools that a model may call: `@tool` makes one, `Registry` finds and calls them."""

from tools._framework import secret_shapes
from tools._framework.budget import Budget, MemoryBudget
from tools._framework.context import Asker, Context
from tools._framework.discovery import load_folder
from tools._framework.dynamic import DynamicTool, Toolset
from tools._framework.elicitation import Elicit, Elicitation, ElicitationAnswer
from tools._framework.errors import BadPolicy, BadTool, ToolFailed, ToolRetry
from tools._framework.options import Options
from tools._framework.outcome import Outcome, Source
from tools._framework.policy import Access, Policy
from tools._framework.policy_file import read_policy, rules_for_nothing
from tools._framework.registry import Registry
from tools._framework.tool import tool
from tools._mcp import McpConfig, McpServers

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
    "load_folder",
    "read_policy",
    "rules_for_nothing",
    "secret_shapes",
    "tool",
]
