"""Traces: one for each question, with a span for each model and tool call, sent to an OpenTelemetry collector.

Names and attributes follow the GenAI semantic conventions. What was asked and answered is never in them.
Source: https://opentelemetry.io/docs/specs/semconv/gen-ai/gen-ai-agent-spans/
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from importlib.metadata import version

from opentelemetry.context import Context
from opentelemetry.sdk.resources import OTELResourceDetector, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import NoOpTracer, Span, SpanKind, Status, StatusCode, Tracer, set_span_in_context
from opentelemetry.util.types import Attributes

from bot.conversation import ModelReply, Outcome, Question, ToolResult

_AGENT = "threadloop"
_EXPORT_WITHIN_S = 5.0


@asynccontextmanager
async def open_tracer(endpoint: str | None) -> AsyncIterator[Tracer]:
    """A tracer that sends to the OTLP/HTTP collector at `endpoint`; without one, a tracer that does nothing.

    Spans are sent in batches from a thread of their own, the last ones when the block ends. The other `OTEL_`
    variables (headers, sampler, service name) mean what OpenTelemetry's SDK says.
    """
    if endpoint is None:
        yield NoOpTracer()
        return
    # It takes 80 ms to import and is rarely configured.
    from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter

    exporter = OTLPSpanExporter(f"{endpoint.rstrip('/')}/v1/traces", timeout=_EXPORT_WITHIN_S)
    ours = Resource({"service.name": _AGENT, "service.version": version(_AGENT)})
    # Not the global provider: two bots in a process would share it, and libraries would send their spans too.
    provider = TracerProvider(resource=ours.merge(OTELResourceDetector().detect()), shutdown_on_exit=False)
    provider.add_span_processor(BatchSpanProcessor(exporter))
    try:
        yield provider.get_tracer(_AGENT, version(_AGENT))
    finally:
        await asyncio.to_thread(provider.shutdown)


class Traces:
    """Opens the spans of questions, all answered by one model."""

    def __init__(self, tracer: Tracer, provider: str, model: str) -> None:
        self._tracer = tracer
        self._provider = provider
        self._model = model

    @contextmanager
    def question(self, question: Question, run_id: str) -> Iterator[Span]:
        """The root of a trace. A run that is resumed begins another, with the same `threadloop.run.id`."""
        attributes = {
            "gen_ai.operation.name": "invoke_agent",
            "gen_ai.agent.name": _AGENT,
            "gen_ai.provider.name": self._provider,
            "gen_ai.request.model": self._model,
            "gen_ai.conversation.id": question.thread,
            "threadloop.run.id": run_id,
            "threadloop.source": question.source,
        }
        with self._span(f"invoke_agent {_AGENT}", Context(), SpanKind.INTERNAL, attributes) as span:
            yield span

    @contextmanager
    def model_call(self, parent: Span) -> Iterator[Span]:
        """One call of the model."""
        attributes: Attributes = {
            "gen_ai.operation.name": "chat",
            "gen_ai.provider.name": self._provider,
            "gen_ai.request.model": self._model,
            "gen_ai.request.stream": True,
        }
        within = set_span_in_context(parent, Context())
        with self._span(f"chat {self._model}", within, SpanKind.CLIENT, attributes) as span:
            yield span

    @contextmanager
    def tool_call(self, parent: Span, tool: str) -> Iterator[Span]:
        """One call of a tool."""
        attributes = {
            "gen_ai.operation.name": "execute_tool",
            "gen_ai.tool.name": tool,
            "gen_ai.tool.type": "function",
        }
        within = set_span_in_context(parent, Context())
        with self._span(f"execute_tool {tool}", within, SpanKind.INTERNAL, attributes) as span:
            yield span

    @contextmanager
    def _span(self, name: str, context: Context, kind: SpanKind, attributes: Attributes) -> Iterator[Span]:
        """A span that ends with the block. An exception that ends it is named, without its text."""
        span = self._tracer.start_span(name, context, kind, attributes)
        try:
            yield span
        except GeneratorExit:  # whoever read the stream has the last of it
            raise
        except BaseException as error:  # a cancellation, too, is how a span can end
            _mark_failed(span, type(error).__name__)
            raise
        finally:
            span.end()


def mark_outcome(span: Span, outcome: Outcome) -> None:
    """Note how the question ended."""
    if outcome.error is not None:
        _mark_failed(span, outcome.error)


def mark_reply(span: Span, reply: ModelReply) -> None:
    """Note what the model's reply cost, and why it ended."""
    counts = {"input_tokens": reply.usage.input_tokens, "output_tokens": reply.usage.output_tokens}
    for name, count in counts.items():
        if count is not None:
            span.set_attribute(f"gen_ai.usage.{name}", count)
    if reply.finish_reason is not None:
        span.set_attribute("gen_ai.response.finish_reasons", [reply.finish_reason])


def mark_result(span: Span, result: ToolResult) -> None:
    """Note which call it was, and whether it went well."""
    span.set_attribute("gen_ai.tool.call.id", result.call_id)
    if not result.ok:
        _mark_failed(span, "tool_failed")


def _mark_failed(span: Span, error: str) -> None:
    span.set_attribute("error.type", error)
    span.set_status(Status(StatusCode.ERROR))
