"""What the scripted model servers share: serving, recording, and streams that can be held or cut."""

from __future__ import annotations

import asyncio
from abc import ABC, abstractmethod
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import AsyncExitStack
from types import TracebackType
from typing import Self

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send
from support.model_replies import Answer, Failure, Json, Reply, ReplyFunction, Script
from support.patience import PATIENCE_S

from bot.http_server import serve


class CuttableStream(Response):
    """A stream of server-sent events that can end without its end, as a dying server's does."""

    def __init__(self, events: AsyncIterator[str], *, cut: bool) -> None:
        super().__init__(media_type="text/event-stream")
        del self.headers["content-length"]
        self._events = events
        self._cut = cut

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        async for event in self._events:
            await send({"type": "http.response.body", "body": event.encode(), "more_body": True})
        if not self._cut:
            await send({"type": "http.response.body", "body": b"", "more_body": False})


class ModelServer(ABC):
    """A model provider on a local port. `requests` holds the bodies it got, `headers` their headers."""

    path: str
    prefix = ""

    def __init__(
        self, replies: Sequence[Reply] = (), *, reply: ReplyFunction | None = None, numbers_calls: bool = True
    ) -> None:
        self.requests: list[Json] = []
        self.headers: list[dict[str, str]] = []
        self.base_url = ""
        self._script = Script(replies, reply)
        self._stack = AsyncExitStack()
        self._calls = 0
        self._numbers_calls = numbers_calls
        self._asked = asyncio.Condition()

    async def __aenter__(self) -> Self:
        app = Starlette(routes=[Route(self.prefix + self.path, self._answer, methods=["POST"])])
        self.base_url = await self._stack.enter_async_context(serve(app)) + self.prefix
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._stack.aclose()
        if error is None:
            self._script.check()

    async def until_asked(self, times: int) -> None:
        """Wait for so many requests in all. Raises TimeoutError."""
        async with asyncio.timeout(PATIENCE_S), self._asked:
            await self._asked.wait_for(lambda: len(self.requests) >= times)

    async def _answer(self, request: Request) -> Response:
        body = await request.json()
        self.requests.append(body)
        async with self._asked:
            self._asked.notify_all()
        self.headers.append(dict(request.headers))
        reply = self._script.next(body)
        if isinstance(reply, Failure):
            return JSONResponse(self._error(reply.kind, reply.message), reply.status, dict(reply.headers))
        if reply.wait is not None:
            await reply.wait.wait()
        return CuttableStream(self._held(body, reply), cut=reply.cut)

    async def _held(self, request: Json, answer: Answer) -> AsyncIterator[str]:
        for event in self._begin(request, answer):
            yield event
        for position, piece in enumerate(answer.pieces):
            if position == 1 and answer.hold is not None:
                await answer.hold.wait()
            yield self._piece(piece)
            if answer.pause_s:
                await asyncio.sleep(answer.pause_s)
        if answer.error is not None:
            yield self._error_event(*answer.error)
        elif not answer.cut:
            for event in self._end(request, answer):
                yield event

    def _call_id(self) -> str:
        """The next call's id; one that is empty if the server is of those that give none."""
        if not self._numbers_calls:
            return ""
        self._calls += 1
        return f"call_{self._calls}"

    @abstractmethod
    def _begin(self, request: Json, answer: Answer) -> Iterable[str]: ...

    @abstractmethod
    def _piece(self, piece: str) -> str: ...

    @abstractmethod
    def _end(self, request: Json, answer: Answer) -> Iterable[str]: ...

    @abstractmethod
    def _error(self, kind: str, message: str) -> Json: ...

    @abstractmethod
    def _error_event(self, kind: str, message: str) -> str: ...
