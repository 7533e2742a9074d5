"""The tools that a model may call: `@tool` makes one, `Registry` finds and calls them."""

from tools._context import Asker, Context
from tools._errors import BadTool, ToolFailed, ToolRetry
from tools._registry import Outcome, Registry
from tools._tool import tool

__all__ = ["Asker", "BadTool", "Context", "Outcome", "Registry", "ToolFailed", "ToolRetry", "tool"]
