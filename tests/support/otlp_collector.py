"""An OpenTelemetry collector on a local port: it takes OTLP over HTTP and keeps the spans."""

from __future__ import annotations

from contextlib import AsyncExitStack
from types import TracebackType
from typing import Any, Self

from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import (
    ExportTraceServiceRequest,
    ExportTraceServiceResponse,
)
from opentelemetry.proto.common.v1.common_pb2 import AnyValue
from opentelemetry.proto.trace.v1.trace_pb2 import Span
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.http_server import serve


class OtlpCollector:
    """Keeps what it gets: `spans`, by the order of their start, and `bodies` as they came."""

    def __init__(self) -> None:
        self.bodies: list[bytes] = []
        self.resources: list[dict[str, Any]] = []
        self._spans: list[Span] = []
        self._stack = AsyncExitStack()
        self.endpoint = ""

    async def __aenter__(self) -> Self:
        app = Starlette(routes=[Route("/v1/traces", self._take, methods=["POST"])])
        self.endpoint = await self._stack.enter_async_context(serve(app))
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()

    @property
    def spans(self) -> list[Span]:
        return sorted(self._spans, key=lambda span: span.start_time_unix_nano)

    def named(self, name: str) -> list[Span]:
        return [span for span in self.spans if span.name == name]

    async def _take(self, request: Request) -> Response:
        assert request.headers["content-type"] == "application/x-protobuf"
        body = await request.body()
        self.bodies.append(body)
        for group in ExportTraceServiceRequest.FromString(body).resource_spans:
            self.resources.append(attributes(group.resource))
            for scope in group.scope_spans:
                self._spans.extend(scope.spans)
        return Response(ExportTraceServiceResponse().SerializeToString(), media_type="application/x-protobuf")


def attributes(carrier: Any) -> dict[str, Any]:
    """A span's or a resource's attributes as Python values."""
    return {pair.key: _value(pair.value) for pair in carrier.attributes}


def _value(value: AnyValue) -> Any:
    kind = value.WhichOneof("value")
    assert kind is not None
    if kind == "array_value":
        return [_value(item) for item in value.array_value.values]
    return getattr(value, kind)
