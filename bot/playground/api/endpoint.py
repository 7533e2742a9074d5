"""The HTTP side of the Web API: bodies, tokens, errors, rate limits and faults."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response

from bot.playground import multipart
from bot.playground.api.call import ApiError, Call, Method, Office, TokenKind
from bot.playground.api.table import ALL_SCOPES, METHODS
from bot.playground.availability import Availability
from bot.playground.connection import CutConnection
from bot.playground.faults import Fault, Faults
from bot.playground.objects import JSON, User
from bot.playground.rates import Rates
from bot.playground.workspace import Workspace


@dataclass(frozen=True, slots=True)
class ApiCall:
    """A call that the workspace received."""

    method: str
    arguments: JSON
    """As sent, without the token."""
    at: float
    """Seconds since 1970."""
    outcome: str
    """`ok`, Slack's error string, `rate_limited`, `http 500`, `reset` or `lost`."""


@dataclass(frozen=True, slots=True)
class Identity:
    """Whom a token stands for."""

    user: User
    kind: TokenKind


def identities(workspace: Workspace) -> dict[str, Identity]:
    """Every token of a workspace: one for each person, and the app's two."""
    app = workspace.app
    people = {
        f"xoxp-{workspace.team[1:]}-{user.id[1:]}-playground": Identity(user, "user")
        for user in workspace.users.values()
    }
    return people | {app.bot_token: Identity(app.user, "bot"), app.app_token: Identity(app.user, "app")}


class WebApi:
    """Answers `/api/{method}` for GET and POST, in the three encodings that Slack takes."""

    def __init__(
        self,
        workspace: Workspace,
        office: Office,
        identities: Mapping[str, Identity],
        scopes: set[str],
        faults: Faults,
        rates: Rates | None,
        availability: Availability,
        record: Callable[[ApiCall], None],
    ) -> None:
        self._workspace = workspace
        self._office = office
        self._identities = identities
        self._scopes = scopes
        self._faults = faults
        self._rates = rates
        self._availability = availability
        self._record = record

    async def respond(self, request: Request) -> Response:
        """One call, from its bytes to its answer."""
        name = request.path_params["method"]
        try:
            arguments, token = await _arguments(request)
        except ApiError as error:
            return JSONResponse(error.body())
        with self._recorded(name, arguments) as outcome:
            fault = self._faults.take(name)
            if fault and not fault.lose_response:
                return _failed(fault, outcome)
            response = self._answer(name, arguments, token, outcome)
            if fault:
                outcome.append("lost")
                return CutConnection()
            return response

    def identity(self, authorization: str) -> Identity | None:
        """Whom an `Authorization` header stands for."""
        return self._identities.get(authorization.removeprefix("Bearer ").strip())

    @contextmanager
    def _recorded(self, name: str, arguments: JSON) -> Iterator[list[str]]:
        outcome, at = list[str](), self._workspace.clock()
        try:
            yield outcome
        finally:
            self._record(ApiCall(name, arguments, at, outcome[-1] if outcome else "crashed"))

    def _answer(self, name: str, arguments: JSON, token: str, outcome: list[str]) -> Response:
        self._workspace.settle_streams()
        try:
            method = _method(name)
            call = self._call(method, arguments, token)
            self._availability.check(name, call)
            wait_s = self._rates.wait_s(method, call.text("channel")) if self._rates else 0
            if wait_s:
                return _failed(Fault(rate_limited_s=wait_s), outcome)
            call.need(*method.scopes)
            body = {"ok": True, **method.run(call)}
        except ApiError as error:
            body = error.body()
        outcome.append(body.get("error", "ok"))
        return JSONResponse(body, headers=self._scope_headers(name))

    def _call(self, method: Method, arguments: JSON, token: str) -> Call:
        if not token:
            raise ApiError("not_authed")
        identity = self._identities.get(token)
        if identity is None:
            raise ApiError("invalid_auth")
        if identity.kind not in method.tokens:
            raise ApiError("not_allowed_token_type")
        granted = frozenset(self._scopes) if identity.kind == "bot" else ALL_SCOPES
        return Call(self._workspace, self._office, identity.user, identity.kind, granted, arguments)

    def _scope_headers(self, name: str) -> dict[str, str]:
        accepted = METHODS[name].scopes if name in METHODS else ()
        return {
            "x-oauth-scopes": ",".join(sorted(self._scopes)),
            "x-accepted-oauth-scopes": ",".join(accepted),
        }


def _method(name: str) -> Method:
    if name not in METHODS:
        raise ApiError("unknown_method", req_method=name)
    return METHODS[name]


async def _arguments(request: Request) -> tuple[JSON, str]:
    """A call's arguments and its token, from query, body and header. Raises ApiError."""
    given: dict[str, Any] = dict(request.query_params)
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == "application/json":
        given |= _json_object(await request.body())
    elif multipart.is_multipart(kind):
        fields = multipart.parts(request.headers["content-type"], await request.body())
        given |= {field.name: field.content.decode() for field in fields if not field.is_file}
    elif request.method == "POST":
        given |= dict(parse_qsl((await request.body()).decode(errors="replace"), keep_blank_values=True))
    header = request.headers.get("authorization", "")
    token = header.removeprefix("Bearer ").strip() if header else str(given.get("token", ""))
    given.pop("token", None)
    return given, token


def _json_object(body: bytes) -> JSON:
    if not body:
        return {}
    try:
        given = json.loads(body)
    except ValueError as error:
        raise ApiError("invalid_json") from error
    if not isinstance(given, dict):
        raise ApiError("json_not_object")
    return {key: value for key, value in given.items() if value is not None}


def _failed(fault: Fault, outcome: list[str]) -> Response:
    """The answer that an injected fault, or a rate limit, stands for."""
    if fault.rate_limited_s is not None:
        outcome.append("rate_limited")
        headers = {"Retry-After": str(fault.rate_limited_s)}
        return JSONResponse({"ok": False, "error": "ratelimited"}, 429, headers=headers)
    if fault.status is not None:
        outcome.append(f"http {fault.status}")
        return PlainTextResponse("", fault.status)
    if fault.error is not None:
        outcome.append(fault.error)
        return JSONResponse({"ok": False, "error": fault.error})
    outcome.append("reset")
    return CutConnection()
