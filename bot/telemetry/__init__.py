"""What the bot tells whoever runs it: logs, metrics, traces.

The logs are offered here, since every command begins with them. `metrics`, `traces` and `watch` are imported by
name where they are used: they take a tenth of a second each, which `--help` need not wait for.
"""

from bot.telemetry.logs import JsonFormatter, configure_logging, run_context

__all__ = ["JsonFormatter", "configure_logging", "run_context"]
