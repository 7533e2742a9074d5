"""The workspace as a server: everything put together."""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import aiohttp
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from bot import http_server
from bot.playground.api.call import Call
from bot.playground.api.endpoint import ApiCall, Identity, WebApi, identities
from bot.playground.api.table import ALL_SCOPES, METHODS
from bot.playground.availability import Availability
from bot.playground.connection import Cuttable
from bot.playground.courier import Courier
from bot.playground.events import Events
from bot.playground.faults import Faults
from bot.playground.founding import found
from bot.playground.interactions import TRIGGER_LASTS_S, Interactions, Triggers
from bot.playground.notice import Notice, Ping, Unfurl
from bot.playground.objects import JSON, Change, User
from bot.playground.person import Person, Speaker
from bot.playground.pulse import Pulse
from bot.playground.rates import Rates
from bot.playground.request_url import RequestUrl
from bot.playground.response_urls import ResponseUrls
from bot.playground.seed import Seed
from bot.playground.shapes import Shapes
from bot.playground.socket_mode import DisconnectReason, SocketMode
from bot.playground.storage import Storage
from bot.playground.workspace import STREAM_LIFETIME_S, Clock, Workspace

Found = TypeVar("Found")
RETRY_DELAYS_S = (0.0, 60.0, 300.0)
"""When Slack delivers an unacknowledged event again: at once, after a minute, after five more."""
_WHAT_THIS_IS = """This is an embedded Slack workspace, for trying a bot without an account at Slack.

It speaks Slack's Web API under /api/. `make run` has a bot in it: talk to it in that terminal.
docs/playground.md tells how to use it in tests, and what of Slack it knows.
"""
PATIENCE_S = 300.0
"""For how long something is awaited before it is taken for lost: long enough for a slow or busy machine."""


@dataclass(frozen=True, slots=True)
class _Office:
    """What the Web API's methods reach beyond the workspace."""

    workspace: Workspace
    sockets: SocketMode
    triggers: Triggers

    def open_socket(self) -> str:
        return self.workspace.url.replace("http", "ws", 1) + self.sockets.new_path()

    def spend_trigger(self, trigger_id: str) -> User:
        return self.triggers.spend(trigger_id)


class Playground:
    """An embedded Slack workspace.

        playground = Playground(Seed.default())
        async with playground.serve() as url:
            ...                                   # connect a bot to f"{url}/api/" with playground.bot_token
            await playground.connected()
            ts = await playground.person("ada").say("#general", "Hi @threadloop!")
            await playground.until(lambda: len(playground.thread("#general", ts)) > 1)

    `redelivery_s` is how long the app may take to acknowledge, in seconds, and `retry_delays_s` what
    passes before each further delivery of an event. `enforce_rates` turns Slack's rate limits on.
    `stream_lifetime_s` is how long a message can be streamed, and `trigger_lasts_s` how long a modal can be
    opened with a `trigger_id`, in seconds.
    """

    def __init__(
        self,
        seed: Seed,
        *,
        redelivery_s: float = 3.0,
        retry_delays_s: Sequence[float] = RETRY_DELAYS_S,
        enforce_rates: bool = False,
        stream_lifetime_s: float = STREAM_LIFETIME_S,
        trigger_lasts_s: float = TRIGGER_LASTS_S,
        clock: Clock = time.time,
    ) -> None:
        self.workspace = workspace = found(seed, clock, stream_lifetime_s)
        self.scopes = set(ALL_SCOPES if seed.app.scopes is None else seed.app.scopes)
        """The scopes granted to the bot's token; take some away to see `missing_scope`."""
        self.calls: list[ApiCall] = []
        """Every call of the app, in order, posts to a `response_url` included."""
        self.faults = Faults()
        self._ack_within_s = redelivery_s
        self._pulse = Pulse()
        self._sockets = SocketMode(workspace.app.id, self._pulse)
        self._courier = Courier(
            self._sockets, self._pulse, ack_within_s=redelivery_s, retry_delays_s=retry_delays_s
        )
        triggers = Triggers(workspace, trigger_lasts_s)
        self._office = _Office(workspace, self._sockets, triggers)
        self._identities = identities(workspace)
        self._urls = ResponseUrls(workspace, self._app_call, self.faults, self._record)
        self._interactions = Interactions(workspace, self._courier, self._urls, triggers, self._app_call)
        rates = Rates(clock) if enforce_rates else None
        self._availability = Availability(METHODS)
        self._api = WebApi(
            workspace,
            self._office,
            self._identities,
            self.scopes,
            self.faults,
            rates,
            self._availability,
            self._record,
        )
        self._http: aiohttp.ClientSession | None = None
        workspace.listen(Events(workspace, self._courier.send).on_change)
        self._notice = Notice(workspace)
        workspace.listen(self._notice.on_change)
        workspace.listen(lambda _change: self._pulse.beat())

    # serving

    @contextlib.asynccontextmanager
    async def serve(self, *, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[str]:
        """Serve the workspace and yield its base URL. Raises PortTaken."""
        async with (
            aiohttp.ClientSession() as self._http,
            http_server.serve(self._application(), host=host, port=port) as url,
        ):
            self.workspace.url = url
            try:
                yield url
            finally:
                self.workspace.schedule.close()
                await self._courier.close()

    def use_request_url(self, url: str) -> None:
        """Deliver by HTTP to `url` from now on, instead of Socket Mode. Call it while served."""
        if self._http is None:
            raise RuntimeError("the workspace is not served yet: call this inside `async with serve()`")
        self._courier.transport = RequestUrl(url, self.workspace.app, self._http, self.workspace.clock)

    async def verify_request_url(self, url: str) -> bool:
        """Whether `url` answers Slack's `url_verification` challenge."""
        if self._http is None:
            raise RuntimeError("the workspace is not served yet: call this inside `async with serve()`")
        request_url = RequestUrl(url, self.workspace.app, self._http, self.workspace.clock)
        return await request_url.verify(self._ack_within_s)

    @property
    def api_url(self) -> str:
        """The Web API's base URL, for a client's `base_url`."""
        return f"{self.workspace.url}/api/"

    @property
    def bot_token(self) -> str:
        """The `xoxb-` token."""
        return self.workspace.app.bot_token

    @property
    def app_token(self) -> str:
        """The `xapp-` token, for Socket Mode."""
        return self.workspace.app.app_token

    @property
    def signing_secret(self) -> str:
        """What requests are signed with in HTTP mode."""
        return self.workspace.app.signing_secret

    @property
    def bot_user_id(self) -> str:
        """The app's user."""
        return self.workspace.app.user.id

    @property
    def team_id(self) -> str:
        """The workspace's id."""
        return self.workspace.team

    # people

    def person(self, who: str) -> Person:
        """A person, by handle or id. Raises LookupError."""
        user = self.workspace.user(who)
        token = next(token for token, one in self._identities.items() if one == Identity(user, "user"))
        return Person(self.workspace, user, self._interactions, token)

    def bot(self, who: str) -> Speaker:
        """Another app's bot, by handle or id. Raises LookupError."""
        return Speaker(self.workspace, self.workspace.user(who))

    # looking on

    def thread(self, channel: str, ts: str) -> list[JSON]:
        """A thread's messages as the API shows them, with their metadata, the root first."""
        self.workspace.settle_streams()
        room = self.workspace.channel(channel)
        return [Shapes(self.workspace).message(message, metadata=True) for message in room.thread(ts)]

    @property
    def pings(self) -> list[Ping]:
        """Who was notified by the app's messages, in order."""
        return self._notice.pings

    @property
    def unfurled(self) -> list[Unfurl]:
        """What Slack fetched because the app's messages link to it, in order."""
        self.workspace.settle_streams()
        return self._notice.unfurled

    @property
    def rate_limited_share(self) -> float:
        """How many of the app's calls were answered 429, from 0 to 1."""
        limited = sum(call.outcome == "rate_limited" for call in self.calls)
        return limited / len(self.calls) if self.calls else 0.0

    def without(self, pattern: str, *, error: str = "unknown_method", in_channels_only: bool = False) -> None:
        """Refuse methods from now on, such as `agents.*`. Raises LookupError if there is none of that name."""
        self._availability.withdraw(pattern, error, in_channels_only=in_channels_only)

    async def connected(self, timeout: float = PATIENCE_S) -> None:
        """Wait until the app has a Socket Mode connection that was greeted. Raises TimeoutError."""
        await self.until(lambda: self._sockets.connections > 0, timeout, what="a Socket Mode connection")

    async def until(
        self, condition: Callable[[], Found], timeout: float = PATIENCE_S, *, what: str = "what was awaited"
    ) -> Found:
        """Wait until `condition()` is true and return its value; it is asked after every change and call.

        Raises TimeoutError after `timeout` seconds, naming the last calls of the app.
        """
        try:
            async with asyncio.timeout(timeout):
                while not (found := condition()):
                    await self._pulse.wait()
                return found
        except TimeoutError as error:
            last = ", ".join(f"{call.method} → {call.outcome}" for call in self.calls[-8:]) or "none"
            raise TimeoutError(
                f"{what} did not come within {timeout:g} s; the last calls were: {last}"
            ) from error

    @property
    def in_flight(self) -> int:
        """How many events are on their way to the app, or wait to be acknowledged or sent again."""
        return self._courier.waiting

    def changes(self) -> AsyncIterator[Change]:
        """Every change from now on, as it happens."""
        queue: asyncio.Queue[Change] = asyncio.Queue()
        stop = self.workspace.listen(queue.put_nowait)
        return _drained(queue, stop)

    # delivery

    async def redeliver(self, event_id: str | None = None) -> None:
        """Deliver the last or the given event once more, as Slack's retry. Raises LookupError, NotDelivered."""
        await self._courier.redeliver(event_id)

    def events(self, which: Callable[[JSON], bool]) -> list[str]:
        """The ids of the events that were sent and fit, the oldest first."""
        return self._courier.sent(which)

    async def disconnect(self, reason: DisconnectReason = "refresh_requested") -> None:
        """Ask the app's Socket Mode connections to leave, as Slack does every few hours."""
        await self._sockets.disconnect(reason)

    def _application(self) -> Cuttable:
        storage = Storage(self.workspace, self._may_read)
        routes = [
            Route("/", _tell_what_this_is),
            Route("/api/{method}", self._api.respond, methods=["GET", "POST"]),
            *self._sockets.routes(),
            *storage.routes(),
            *self._urls.routes(),
        ]
        return Cuttable(Starlette(routes=routes))

    def _may_read(self, authorization: str, file_id: str) -> bool:
        identity = self._api.identity(authorization)
        file = self.workspace.files.get(file_id)
        if identity is None or file is None or file_id not in self.workspace.contents:
            return False
        if identity.kind == "bot" and "files:read" not in self.scopes:
            return False
        rooms = [self.workspace.channels[room] for room in file.shared_in]
        return file.user == identity.user.id or any(
            room.kind == "channel" or identity.user.id in room.members for room in rooms
        )

    def _app_call(self, arguments: JSON) -> Call:
        return Call(self.workspace, self._office, self.workspace.app.user, "bot", ALL_SCOPES, arguments)

    def _record(self, call: ApiCall) -> None:
        self.calls.append(call)
        self._pulse.beat()


async def _tell_what_this_is(_request: Request) -> Response:
    """For whoever opens the workspace's address in a browser."""
    return PlainTextResponse(_WHAT_THIS_IS)


async def _drained(queue: asyncio.Queue[Change], stop: Callable[[], None]) -> AsyncIterator[Change]:
    try:
        while True:
            yield await queue.get()
    finally:
        stop()
