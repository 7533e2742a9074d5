"""The in-process transport: streaming, pressure, cancellation, failures."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator

import httpx
import pytest
from starlette.types import Receive, Scope, Send

from bot.gateway.transport import InProcessTransport


class Counting:
    """An application that streams numbers without end and tells how far it got."""

    def __init__(self) -> None:
        self.sent = 0
        self.stopped = asyncio.Event()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": [(b"x-a", b"b")]})
        try:
            while True:
                await send({"type": "http.response.body", "body": b"%d\n" % self.sent, "more_body": True})
                self.sent += 1
        finally:
            self.stopped.set()


def client(app: object) -> httpx.AsyncClient:
    transport = InProcessTransport(app)  # type: ignore[arg-type]  # any callable of the right shape
    return httpx.AsyncClient(transport=transport, base_url="http://app")


async def test_chunks_are_read_while_the_application_goes_on_and_never_runs_ahead() -> None:
    app = Counting()
    async with client(app) as http, http.stream("GET", "/") as response:
        chunks: AsyncIterator[bytes] = response.aiter_raw()
        assert response.headers["x-a"] == "b"
        assert [await anext(chunks) for _ in range(3)] == [b"0\n", b"1\n", b"2\n"]
        assert app.sent <= 4


async def test_closing_the_response_stops_the_application() -> None:
    app = Counting()
    async with client(app) as http, http.stream("GET", "/"):
        assert not app.stopped.is_set()
    assert app.stopped.is_set()


async def test_cancelling_the_request_stops_the_application() -> None:
    running, stopped = asyncio.Event(), asyncio.Event()

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        running.set()
        try:
            await asyncio.Event().wait()
        finally:
            stopped.set()

    async with client(app) as http:
        request = asyncio.create_task(http.get("/"))
        await running.wait()
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
    assert stopped.is_set()


async def test_the_application_sees_the_whole_request() -> None:
    seen: dict[str, object] = {}

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        seen.update(scope, body=(await receive())["body"])
        await send({"type": "http.response.start", "status": 204, "headers": []})
        await send({"type": "http.response.body", "body": b""})

    async with client(app) as http:
        response = await http.post("/a%20b?q=1", content=b"hello", headers={"X-Api-Key": "k"})

    assert response.status_code == 204
    assert (seen["method"], seen["path"], seen["query_string"], seen["body"]) == (
        "POST",
        "/a b",
        b"q=1",
        b"hello",
    )
    assert (b"x-api-key", b"k") in seen["headers"]  # type: ignore[operator]


@pytest.mark.parametrize("started", [False, True])
async def test_an_application_that_fails_is_a_broken_connection(
    started: bool, caplog: pytest.LogCaptureFixture
) -> None:
    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if started:
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": b"half", "more_body": True})
        raise ValueError("oops")

    async with client(app) as http:
        with pytest.raises(httpx.RemoteProtocolError):
            await http.get("/")
    assert "oops" in caplog.text
