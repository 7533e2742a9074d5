"""How Slack's events reach the bot: a Socket Mode connection, or signed HTTP requests."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import cast

from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.errors import SlackApiError
from starlette.types import ASGIApp

from bot.errors import SettingsError
from bot.http_server import serve

EVENTS_PATH = "/slack/events"


@asynccontextmanager
async def socket_mode(app: AsyncApp, app_token: str) -> AsyncIterator[None]:
    """Stay connected over Socket Mode for as long as the block lasts; lost connections come back by themselves.

    Raises:
        SettingsError: Slack refuses the app-level token.
    """
    handler = AsyncSocketModeHandler(app, app_token, web_client=app.client)
    try:
        await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it untyped
    except SlackApiError as error:
        await handler.close_async()  # type: ignore[no-untyped-call]  # ditto
        raise SettingsError(
            f"Slack refuses SLACK_APP_TOKEN ({error.response.get('error')}): make one under Basic Information "
            "→ App-Level Tokens with the scope connections:write, and switch Socket Mode on."
        ) from error
    try:
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]  # ditto


@asynccontextmanager
async def http(app: AsyncApp, port: int, host: str = "0.0.0.0") -> AsyncIterator[None]:  # noqa: S104 — a container is reached from outside
    """Take events, interactivity and commands at `/slack/events` for as long as the block lasts."""
    handler = cast(ASGIApp, AsyncSlackRequestHandler(app, path=EVENTS_PATH))  # Bolt types ASGI in its own words
    async with serve(handler, host=host, port=port):
        yield
