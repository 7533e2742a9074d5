"""Socket Mode: envelopes over WebSockets (https://docs.slack.dev/apis/events-api/using-socket-mode)."""

from __future__ import annotations

import asyncio
import contextlib
import json
import secrets
import uuid
from typing import Any, Literal

from starlette.routing import WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from bot.playground.courier import Kind, NotDelivered, Reason
from bot.playground.objects import JSON
from bot.playground.pulse import Pulse

MOST_CONNECTIONS = 10
_CONNECTION_LASTS_S = 18_060
DisconnectReason = Literal["warning", "refresh_requested", "link_disabled", "too_many_websockets"]


class SocketMode:
    """The app's connections. Envelopes go to them in turn; a retry takes another one than before if it can."""

    def __init__(self, app_id: str, pulse: Pulse) -> None:
        self._app_id = app_id
        self._pulse = pulse
        self._tickets: set[str] = set()
        self._connections: list[WebSocket] = []
        self._acknowledgements: dict[str, asyncio.Future[Any]] = {}
        self._carriers: dict[str, WebSocket] = {}
        """For an event that was not acknowledged, the connection that carried it last."""
        self._turn = 0

    @property
    def connections(self) -> int:
        """How many connections have been greeted and are still up."""
        return len(self._connections)

    def routes(self) -> list[WebSocketRoute]:
        """The WebSocket's route."""
        return [WebSocketRoute("/link/", self._serve)]

    def new_path(self) -> str:
        """The path and query of a connection that may be made once."""
        ticket = secrets.token_hex(16)
        self._tickets.add(ticket)
        return f"/link/?ticket={ticket}&app_id={self._app_id}"

    async def disconnect(self, reason: DisconnectReason) -> None:
        """Tell every connection to leave, and close them; a `warning` leaves them open for now."""
        for connection in tuple(self._connections):
            await _say_goodbye(connection, reason)
            if reason != "warning":
                self._forget(connection)
                await connection.close()

    async def exchange(
        self, kind: Kind, payload: JSON, *, attempt: int, reason: Reason | None, within_s: float
    ) -> Any:
        """Send one envelope and wait for its acknowledgement."""
        key = str(payload.get("event_id", ""))
        connection = self._pick(avoid=self._carriers.pop(key, None))
        envelope_id = str(uuid.uuid4())
        acknowledged = asyncio.get_running_loop().create_future()
        self._acknowledgements[envelope_id] = acknowledged
        try:
            async with asyncio.timeout(within_s):
                await connection.send_text(json.dumps(_envelope(envelope_id, kind, payload, attempt, reason)))
                answer = await acknowledged
        except TimeoutError as error:
            self._carriers[key] = connection
            raise NotDelivered("timeout") from error
        except (WebSocketDisconnect, RuntimeError) as error:
            # Starlette raises RuntimeError for a send on a connection that has just been closed.
            self._forget(connection)
            raise NotDelivered("timeout") from error
        finally:
            del self._acknowledgements[envelope_id]
        return answer

    async def _serve(self, websocket: WebSocket) -> None:
        ticket = websocket.query_params.get("ticket", "")
        if ticket not in self._tickets:
            await websocket.close(code=4001)
            return
        self._tickets.discard(ticket)
        await websocket.accept()
        if len(self._connections) >= MOST_CONNECTIONS:
            await _say_goodbye(websocket, "too_many_websockets")
            await websocket.close()
            return
        await websocket.send_text(json.dumps(self._hello()))
        self._connections.append(websocket)
        self._pulse.beat()
        try:
            await self._listen(websocket)
        finally:
            self._forget(websocket)
            self._pulse.beat()

    async def _listen(self, websocket: WebSocket) -> None:
        with contextlib.suppress(WebSocketDisconnect, RuntimeError):
            while websocket.application_state is WebSocketState.CONNECTED:
                self._acknowledge(await websocket.receive_text())

    def _acknowledge(self, frame: str) -> None:
        try:
            answer = json.loads(frame)
        except ValueError:
            return
        waiting = (
            self._acknowledgements.get(answer.get("envelope_id", "")) if isinstance(answer, dict) else None
        )
        if waiting is not None and not waiting.done():
            waiting.set_result(answer.get("payload"))

    def _pick(self, avoid: WebSocket | None) -> WebSocket:
        choice = [each for each in self._connections if each is not avoid] or self._connections
        if not choice:
            raise NotDelivered("no_connection")
        self._turn += 1
        return choice[self._turn % len(choice)]

    def _forget(self, websocket: WebSocket) -> None:
        with contextlib.suppress(ValueError):
            self._connections.remove(websocket)
        self._carriers = {key: carrier for key, carrier in self._carriers.items() if carrier is not websocket}

    def _hello(self) -> JSON:
        return {
            "type": "hello",
            "num_connections": len(self._connections) + 1,
            "debug_info": {
                "host": "applink-playground",
                "build_number": 1,
                "approximate_connection_time": _CONNECTION_LASTS_S,
            },
            "connection_info": {"app_id": self._app_id},
        }


async def _say_goodbye(websocket: WebSocket, reason: DisconnectReason) -> None:
    goodbye = {"type": "disconnect", "reason": reason, "debug_info": {"host": "applink-playground"}}
    await websocket.send_text(json.dumps(goodbye))


def _envelope(envelope_id: str, kind: Kind, payload: JSON, attempt: int, reason: Reason | None) -> JSON:
    envelope: JSON = {
        "envelope_id": envelope_id,
        "type": kind,
        "accepts_response_payload": kind != "events_api",
        "payload": payload,
    }
    return (
        {**envelope, "retry_attempt": attempt, "retry_reason": reason or ""}
        if kind == "events_api"
        else envelope
    )
