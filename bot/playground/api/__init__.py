"""Slack's Web API: one module per family of methods, each method a small function in one table."""
