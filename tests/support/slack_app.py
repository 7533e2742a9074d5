"""Bots for tests: a real Bolt app, connected to the embedded workspace as it would be to Slack."""

from __future__ import annotations

import contextlib
from collections.abc import AsyncIterator
from typing import Any

from slack_bolt.adapter.asgi.async_handler import AsyncSlackRequestHandler
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.http_server import serve
from bot.playground import Playground, Seed

Event = dict[str, Any]


def unrestricted() -> Seed:
    """The default workspace with an app that has every scope and hears every event."""
    seed = Seed.default()
    return seed.model_copy(update={"app": seed.app.model_copy(update={"scopes": None, "events": None})})


def client_of(playground: Playground, token: str | None = None) -> AsyncWebClient:
    """A client without retries, so that a test sees each answer as it was given."""
    return AsyncWebClient(token or playground.bot_token, base_url=playground.api_url, retry_handlers=[])


def app_of(playground: Playground) -> AsyncApp:
    """A Bolt app without listeners."""
    return AsyncApp(client=client_of(playground), signing_secret=playground.signing_secret)


def recorded(app: AsyncApp) -> list[Event]:
    """Let `app` keep the body of every event it gets; the list grows."""
    bodies: list[Event] = []

    async def keep(body: Event) -> None:
        bodies.append(body)

    for kind in ("app_mention", "message", "reaction_added", "app_home_opened", "member_joined_channel"):
        app.event(kind)(keep)
    app.event("agent_session_stopped")(keep)
    return bodies


@contextlib.asynccontextmanager
async def on_sockets(playground: Playground, app: AsyncApp) -> AsyncIterator[None]:
    """Connect `app` by Socket Mode."""
    handler = AsyncSocketModeHandler(app, playground.app_token, web_client=client_of(playground))
    await handler.connect_async()  # type: ignore[no-untyped-call]  # Bolt leaves it without annotations
    await playground.connected()
    try:
        yield
    finally:
        await handler.close_async()  # type: ignore[no-untyped-call]  # as above


@contextlib.asynccontextmanager
async def on_http(playground: Playground, app: AsyncApp) -> AsyncIterator[str]:
    """Serve `app` at a request URL, and let the workspace use it."""
    handler: Any = AsyncSlackRequestHandler(app, path="/slack/events")
    async with serve(handler) as url:
        playground.use_request_url(f"{url}/slack/events")
        yield f"{url}/slack/events"
