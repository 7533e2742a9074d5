"""How Slack's events reach the bot: a Socket Mode connection, or signed HTTP requests."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from contextlib import suppress
from types import TracebackType
from typing import Any, Protocol, Self

from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from slack_sdk.socket_mode.async_client import AsyncBaseSocketModeClient
from slack_sdk.socket_mode.request import SocketModeRequest
from slack_sdk.socket_mode.response import SocketModeResponse
from starlette.routing import BaseRoute, Route

from bot.errors import SettingsError
from bot.slack.questions import is_overheard

EVENTS_PATH = "/slack/events"
# As long as Slack waits for an acknowledgement.
_ACKNOWLEDGE_WITHIN_S = 3.0


class Connection(Protocol):
    """A way from Slack to the bot, open while its `async with` block lasts."""

    @property
    def routes(self) -> Sequence[BaseRoute]:
        """What an HTTP server must offer to Slack."""

    @property
    def connected(self) -> asyncio.Event:
        """Set at each new connection; whoever acts on it clears it."""

    @property
    def count(self) -> int:
        """How many connections there have been: what was asked between two of them may have been missed."""

    async def fault(self) -> str | None:
        """Why nothing can come from Slack at the moment, if so."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...


class SocketMode:
    """A connection that the bot opens; when it is lost it comes back by itself."""

    routes: Sequence[BaseRoute] = ()

    def __init__(self, app: AsyncApp, app_token: str) -> None:
        self.connected = asyncio.Event()
        self.count = 0
        self._handler = AsyncSocketModeHandler(app, app_token, web_client=app.client)
        self._handler.client.message_listeners.append(self._on_message)
        self._handler.client.socket_mode_request_listeners[:] = [self._on_request]
        self._closing = False
        self._in_hand = 0
        self._idle = asyncio.Event()
        self._idle.set()

    async def _on_message(self, _client: object, message: dict[str, Any], _raw: str | None = None) -> None:
        if message.get("type") == "hello":
            self.count += 1
            self.connected.set()

    async def _on_request(self, client: AsyncBaseSocketModeClient, request: SocketModeRequest) -> None:
        if self._closing:
            return
        if is_overheard(request.payload):
            # Most of what a bot hears in a busy workspace: Bolt would take milliseconds to find no listener.
            await client.send_socket_mode_response(SocketModeResponse(envelope_id=request.envelope_id))
            return
        self._in_hand += 1
        self._idle.clear()
        try:
            await self._handler.handle(client, request)  # type: ignore[arg-type]  # Bolt names its own client
        finally:
            self._in_hand -= 1
            if not self._in_hand:
                self._idle.set()

    async def fault(self) -> str | None:
        """Why nothing can come from Slack at the moment, if so."""
        connected = await self._handler.client.is_connected()
        return None if connected else "the Socket Mode connection is down"

    async def __aenter__(self) -> Self:
        """Connect.

        Raises:
            SettingsError: Slack refuses the app-level token.
        """
        try:
            await self._handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
        except SlackApiError as error:
            await self._handler.close_async()  # type: ignore[no-untyped-call]  # ditto
            raise SettingsError(
                f"Slack refuses SLACK_APP_TOKEN ({error.response.get('error')}): make one under Basic "
                "Information → App-Level Tokens with the scope connections:write, and switch Socket Mode on."
            ) from error
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        # What is being stored is acknowledged first; whoever connects next finds the rest.
        self._closing = True
        with suppress(TimeoutError):
            async with asyncio.timeout(_ACKNOWLEDGE_WITHIN_S):
                await self._idle.wait()
        await self._handler.close_async()  # type: ignore[no-untyped-call]  # ditto


class RequestUrl:
    """Slack posts events, interactivity and commands to `/slack/events`; Bolt checks their signatures."""

    def __init__(self, app: AsyncApp) -> None:
        self.connected = asyncio.Event()
        self.connected.set()
        self.count = 1
        handler = AsyncSlackRequestHandler(app, path=EVENTS_PATH)
        self.routes: Sequence[BaseRoute] = [Route(EVENTS_PATH, handler, methods=["POST"])]

    async def fault(self) -> str | None:
        """Nothing: whoever can ask whether the bot is ready can reach it, and so can Slack."""
        return None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing to close: the HTTP server is not ours."""
