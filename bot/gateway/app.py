"""Humanloop's v5 API as an ASGI application: the endpoints a bot needs, JSON errors for the rest."""

from __future__ import annotations

import hmac
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import Route
from starlette.types import Send

from bot.gateway.calls import PromptCallRun, file_to_wire
from bot.gateway.errors import GatewayError
from bot.gateway.logs import FileType, Log, file_of, new_log_id, storable
from bot.gateway.providers.pool import ProviderPool
from bot.gateway.providers.retry import RetryPolicy
from bot.gateway.store import LogStore
from bot.gateway.tables import StoredLog
from bot.gateway.wire import EvaluatorLog, FlowLog, FlowLogUpdate, LogRequest, PromptCall, ToolLog

_log = logging.getLogger(__name__)

_Endpoint = Callable[[Request], Awaitable[Response]]
_Body = TypeVar("_Body", bound=BaseModel)
_Raw = dict[str, Any]


class EventStream(StreamingResponse):
    """Server-sent events that close their source however the response ends."""

    media_type = "text/event-stream"

    def __init__(self, first: _Raw, rest: AsyncGenerator[_Raw, None]) -> None:
        self._events = _events(first, rest)
        self._source = rest
        super().__init__(self._events)

    async def stream_response(self, send: Send) -> None:
        """Send the events. A client that goes away ends the model's call."""
        try:
            await super().stream_response(send)
        finally:
            # Both: a generator that was never begun does not close what it reads from.
            await self._events.aclose()
            await self._source.aclose()


class Endpoints:
    """Humanloop's endpoints over one store and one set of providers."""

    def __init__(self, *, providers: ProviderPool, store: LogStore, retry: RetryPolicy) -> None:
        self._providers = providers
        self._store = store
        self._retry = retry

    async def call_prompt(self, request: Request) -> Response:
        """POST prompts/call: one model call, streamed or whole."""
        body, raw = await _parsed(request, PromptCall)
        run = PromptCallRun(body, raw, providers=self._providers, store=self._store, retry=self._retry)
        if not body.stream:
            return JSONResponse(await run.result())
        chunks = run.chunks()
        # The status line waits for the first chunk: until then a failure can still be an HTTP error.
        first = await anext(chunks)
        return EventStream(first, chunks)

    async def log_tool(self, request: Request) -> Response:
        """POST tools/log: one tool call that the client has run."""
        body, raw = await _parsed(request, ToolLog)
        log = self._add("tool", body, raw, body.tool or {})
        return JSONResponse({"id": log.id, "tool_id": log.file.id, "version_id": log.file.version_id})

    async def log_flow(self, request: Request) -> Response:
        """POST flows/log: the root of a question's trace."""
        body, raw = await _parsed(request, FlowLog)
        log = self._add("flow", body, raw, body.flow or {})
        return JSONResponse(
            {
                "id": log.id,
                "flow_id": log.file.id,
                "version_id": log.file.version_id,
                "log_status": log.status,
            }
        )

    async def update_flow_log(self, request: Request) -> Response:
        """PATCH flows/logs/{id}: usually its output and that it is complete."""
        body, _ = await _parsed(request, FlowLogUpdate)
        log = await self._store.find(request.path_params["log_id"])
        if log is None or log.file.type != "flow":
            raise _no_log(request.path_params["log_id"])
        changes = body.model_dump(exclude_none=True)
        return JSONResponse(_log_to_wire(StoredLog(self._store.update(log, storable(changes)))) | changes)

    async def log_evaluator(self, request: Request) -> Response:
        """POST evaluators/log: a judgment about another log, such as a person's rating."""
        body, raw = await _parsed(request, EvaluatorLog)
        log = self._add("evaluator", body, raw, body.spec or {}, evaluates=body.parent_id)
        return JSONResponse({"id": log.id, "parent_id": body.parent_id, "version_id": log.file.version_id})

    async def get_log(self, request: Request) -> Response:
        """GET logs/{id}: a log with everything nested under it."""
        stored = await self._store.read(request.path_params["log_id"])
        if stored is None:
            raise _no_log(request.path_params["log_id"])
        return JSONResponse(_log_to_wire(stored))

    async def list_logs(self, request: Request) -> Response:
        """GET logs?file_id=&page=&size=: a file's logs, newest first; none past the end."""
        page = max(1, _number(request, "page", 1))
        size = min(100, max(1, _number(request, "size", 10)))
        found, total = await self._store.page(request.query_params.get("file_id", ""), page, size)
        records = [_log_to_wire(StoredLog(log)) for log in found]
        return JSONResponse({"records": records, "page": page, "size": size, "total": total})

    def _add(
        self, kind: FileType, body: LogRequest, raw: _Raw, content: _Raw, evaluates: str | None = None
    ) -> Log:
        return self._store.add(
            Log(
                id=body.log_id or new_log_id(),
                file=file_of(kind, body.path, body.id, content),
                body=storable(raw, save=body.save),
                trace_parent_id=body.trace_parent_id,
                evaluates=evaluates,
                status=body.log_status,
            )
        )


def create_app(endpoints: Endpoints, *, api_key: str | None) -> Starlette:
    """The application. With `api_key`, requests must carry it in the `X-API-KEY` header."""
    table: list[tuple[str, str, _Endpoint]] = [
        ("POST", "/v5/prompts/call", endpoints.call_prompt),
        ("POST", "/v5/tools/log", endpoints.log_tool),
        ("POST", "/v5/flows/log", endpoints.log_flow),
        ("PATCH", "/v5/flows/logs/{log_id}", endpoints.update_flow_log),
        ("POST", "/v5/evaluators/log", endpoints.log_evaluator),
        ("GET", "/v5/logs", endpoints.list_logs),
        ("GET", "/v5/logs/{log_id}", endpoints.get_log),
    ]
    supported = ", ".join(f"{method} {path}" for method, path, _ in table)

    async def not_supported(request: Request) -> Response:
        raise GatewayError(
            f"{request.method} {request.url.path} is not one of the supported endpoints: {supported}.",
            status=404,
            code="not_found",
        )

    routes = [Route(path, _guarded(endpoint, api_key), methods=[method]) for method, path, endpoint in table]
    every_method = ["GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"]
    rest = Route("/{path:path}", _guarded(not_supported, api_key), methods=every_method)
    return Starlette(routes=[*routes, rest])


def _guarded(endpoint: _Endpoint, api_key: str | None) -> _Endpoint:
    """The endpoint behind the key check, with every failure as Humanloop's JSON."""

    async def respond(request: Request) -> Response:
        try:
            _check_key(request, api_key)
            return await endpoint(request)
        except GatewayError as error:
            return JSONResponse(error.to_wire(), error.status)
        except ValidationError as error:
            return JSONResponse({"detail": _validation_detail(error)}, 422)
        except Exception:
            _log.exception("%s %s failed", request.method, request.url.path)
            fault = GatewayError("The gateway failed; its log says how.", status=500, code="internal_error")
            return JSONResponse(fault.to_wire(), fault.status)

    return respond


def _check_key(request: Request, api_key: str | None) -> None:
    given = request.headers.get("x-api-key", "")
    if api_key is not None and not hmac.compare_digest(given.encode(), api_key.encode()):
        raise GatewayError(
            "The X-API-KEY header does not match the gateway's key: check HUMANLOOP_API_KEY.",
            status=401,
            code="gateway_key_refused",
        )


async def _parsed(request: Request, model: type[_Body]) -> tuple[_Body, _Raw]:
    """The request's body as the model, and as the JSON it came as."""
    content = await request.body()
    return model.model_validate_json(content), json.loads(content)


def _validation_detail(error: ValidationError) -> list[_Raw]:
    return [
        {"loc": ["body", *item["loc"]], "msg": item["msg"], "type": item["type"]}
        for item in error.errors(include_url=False, include_context=False, include_input=False)
    ]


async def _events(first: _Raw, rest: AsyncGenerator[_Raw, None]) -> AsyncGenerator[bytes, None]:
    yield _event(first)
    async for chunk in rest:
        yield _event(chunk)


def _event(chunk: _Raw) -> bytes:
    # ASCII only: the SDK splits lines at U+2028 and U+0085 too, and would lose the chunk.
    return b"data: " + json.dumps(chunk, ensure_ascii=True, separators=(",", ":")).encode() + b"\n\n"


def _log_to_wire(stored: StoredLog) -> _Raw:
    log = stored.log
    created_at = log.created_at.isoformat()
    return {
        **log.body,
        "id": log.id,
        log.file.type: {**log.file.content, **file_to_wire(log.file, created_at)},
        "trace_id": log.trace_id,
        "trace_parent_id": log.trace_parent_id,
        "log_status": log.status,
        "created_at": created_at,
        "evaluator_logs": [_log_to_wire(StoredLog(judgment)) for judgment in stored.judgments],
        "trace_children": [_log_to_wire(child) for child in stored.children],
    }


def _number(request: Request, name: str, default: int) -> int:
    text = request.query_params.get(name, "")
    return int(text) if text.isdecimal() else default


def _no_log(log_id: str) -> GatewayError:
    return GatewayError(f"There is no log {log_id!r} of this kind here.", status=404, code="not_found")
