"""Metrics of one bot, for Prometheus.

Labels have few values, all ours: error classes, tool names, methods. Never a user, a channel or a run, since
each value of a label is a series of its own that is kept for as long as the process lives.
"""

from __future__ import annotations

from collections.abc import Callable

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, ProcessCollector, generate_latest

_SECONDS = (0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20, 30, 60, 120, 300)
_TOOL_SECONDS = (0.005, 0.025, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 20)


class Metrics:
    """Every metric of a bot, in a registry of its own."""

    def __init__(self) -> None:
        self._registry = registry = CollectorRegistry()
        ProcessCollector(registry=registry)
        self.questions = Counter(
            "threadloop_questions",
            "Questions taken up; one that is taken up again after a crash, retried or edited counts again.",
            ["source"],
            registry=registry,
        )
        self.answers = Counter("threadloop_answers", "Questions answered.", registry=registry)
        self.failures = Counter(
            "threadloop_failures",
            "Questions that ended in a failure message, by the error's class.",
            ["error"],
            registry=registry,
        )
        self.run_seconds = Histogram(
            "threadloop_run_seconds",
            "From taking up a question to its last word, waiting for its turn included.",
            registry=registry,
            buckets=_SECONDS,
        )
        self.model_seconds = Histogram(
            "threadloop_model_seconds",
            "Model calls, to the end of their stream; outcome is ok or the error's class.",
            ["model", "outcome"],
            registry=registry,
            buckets=_SECONDS,
        )
        self.tool_seconds = Histogram(
            "threadloop_tool_seconds",
            "Tool calls; outcome is ok or failed, and a tool that does not exist is unknown.",
            ["tool", "outcome"],
            registry=registry,
            buckets=_TOOL_SECONDS,
        )
        self.tokens = Counter(
            "threadloop_tokens", "Tokens, by kind: input or output.", ["model", "kind"], registry=registry
        )
        self.approvals_waiting = Gauge(
            "threadloop_approvals_waiting",
            "Tool calls that wait for a person's decision, of all processes.",
            registry=registry,
        )
        self.slack_calls = Counter(
            "threadloop_slack_calls",
            "Requests to Slack's Web API, retries included; outcome is ok, refused, rate_limited (429), "
            "server_error or unreachable.",
            ["method", "outcome"],
            registry=registry,
        )

    def count_runs(self, running: Callable[[], int], waiting: Callable[[], int]) -> None:
        """Let the two callables say, whenever metrics are read, how many runs there are. Call this once."""
        open_runs = Gauge("threadloop_runs_open", "Runs being worked on here.", registry=self._registry)
        open_runs.set_function(running)
        waiting_runs = Gauge(
            "threadloop_runs_waiting", "Runs waiting here for their turn.", registry=self._registry
        )
        waiting_runs.set_function(waiting)

    def count_slack_call(self, method: str, outcome: str) -> None:
        """Count one request to Slack."""
        self.slack_calls.labels(method, outcome).inc()

    def exposition(self) -> bytes:
        """All metrics in Prometheus' text format."""
        return generate_latest(self._registry)
