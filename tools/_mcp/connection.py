"""One connection to a server: opened, asked what there is, and called."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any, Literal, TypeAlias, TypeVar

import httpx2
from mcp import Client, MCPError, StdioServerParameters, UrlElicitationRequiredError
from mcp.client.session import IncomingMessage
from mcp.client.stdio import stdio_client
from mcp.client.streamable_http import streamable_http_client
from mcp.types import (
    CONNECTION_CLOSED,
    INVALID_PARAMS,
    METHOD_NOT_FOUND,
    UNSUPPORTED_PROTOCOL_VERSION,
    URL_ELICITATION_REQUIRED,
    Implementation,
    ResourceListChangedNotification,
    ToolListChangedNotification,
)
from pydantic import ValidationError

from tools._framework.context import Context
from tools._framework.dynamic import DynamicTool
from tools._framework.errors import ToolFailed, ToolRetry
from tools._framework.limits import cut
from tools._mcp.complaints import Complaints
from tools._mcp.config import Http, ServerConfig, Stdio
from tools._mcp.content import result_of, text_of, text_of_resource
from tools._mcp.elicitation import Questions
from tools._mcp.faults import leaf
from tools._mcp.listing import Listing, listing_of
from tools._mcp.offer import Offer

_MOST_ERROR_CHARS = 1_000
_HTTP_TIMEOUT = httpx2.Timeout(30, read=None)
_OTHER_ERA = (UNSUPPORTED_PROTOCOL_VERSION, METHOD_NOT_FOUND)

Mode: TypeAlias = Literal["legacy", "auto"]
Result = TypeVar("Result")


@asynccontextmanager
async def connected(
    config: ServerConfig,
    complaints: Complaints,
    doubt: Callable[[], None],
    *,
    is_trusted: bool,
    call_timeout_s: float,
) -> AsyncIterator[Connection]:
    """A connection to a server, entered and left in one task.

    Args:
        config: the server.
        complaints: takes what the server says is wrong.
        doubt: called when what is known of the server may be wrong: its list changed, or a call met an error.
        is_trusted: whether its word is taken for what is read-only.
        call_timeout_s: seconds that a call may take.

    Raises:
        Exception: no connection, or it broke. The SDK wraps the cause in groups; see `leaf`.
    """
    questions = Questions(config.name)

    async def look(message: IncomingMessage) -> None:
        if isinstance(message, ToolListChangedNotification | ResourceListChangedNotification):
            doubt()

    def client(mode: Mode) -> Client:
        return Client(
            _transport(config, complaints, doubt),
            mode=mode,
            cache=None,
            message_handler=look,
            elicitation_callback=questions.answer,
            client_info=Implementation(name="threadloop", version=version("threadloop")),
        )

    async with AsyncExitStack() as stack:
        # The handshake first: a server that asks people something in mid-call can do so only after that one.
        # https://modelcontextprotocol.io/specification/2025-11-25/basic/lifecycle
        try:
            open_client = await stack.enter_async_context(client("legacy"))
        except Exception as error:
            cause = leaf(error)
            if not isinstance(cause, MCPError) or cause.code not in _OTHER_ERA:
                raise
            open_client = await stack.enter_async_context(client("auto"))
        connection = Connection(config, open_client, questions, doubt, is_trusted, call_timeout_s)
        try:
            yield connection
        finally:
            connection.has_ended = True


@asynccontextmanager
async def _transport(
    config: ServerConfig, complaints: Complaints, doubt: Callable[[], None]
) -> AsyncIterator[Any]:
    match config.transport:
        case Stdio() as stdio:
            parameters = StdioServerParameters(
                command=stdio.command,
                args=stdio.args,
                env=stdio.env,
                cwd=stdio.cwd,
                encoding_error_handler="replace",
            )
            async with complaints.listening(doubt) as errors, stdio_client(parameters, errors) as streams:
                errors.close()
                yield streams
        case Http() as http:

            async def note(response: httpx2.Response) -> None:
                if response.status_code >= 400:
                    complaints.add(f"HTTP {response.status_code} {response.reason_phrase}")

            async with (
                httpx2.AsyncClient(
                    headers=http.headers, timeout=_HTTP_TIMEOUT, event_hooks={"response": [note]}
                ) as client,
                streamable_http_client(http.url, http_client=client) as streams,
            ):
                yield streams


@dataclass(eq=False, repr=False, slots=True)
class Connection:
    """A server that has answered, for as long as its connection lasts."""

    _config: ServerConfig
    _client: Client
    _questions: Questions
    _doubt: Callable[[], None]
    _is_trusted: bool
    _call_timeout_s: float
    has_ended: bool = field(default=False, init=False)
    _offered: tuple[Listing, tuple[DynamicTool, ...]] = field(default=(Listing(), ()), init=False)

    async def tools(self) -> tuple[DynamicTool, ...]:
        """Ask the server what it offers now.

        Raises:
            MCPError: it refuses, or the connection broke.
        """
        listing = await listing_of(self._client)
        if listing != self._offered[0]:
            self._offered = listing, self._offer().tools(listing)
        return self._offered[1]

    def _offer(self) -> Offer:
        name, prefix = self._config.name, self._config.prefix
        return Offer(name, prefix, self._is_trusted, self._call_timeout_s, self._call, self._read)

    async def _call(self, tool: str, arguments: dict[str, Any], context: Context) -> object:
        async def report(progress: float, total: float | None, message: str | None) -> None:
            context.progress(_how_far(progress, total, message))

        result = await self._for(
            context, lambda: self._client.call_tool(tool, arguments, progress_callback=report)
        )
        if result.is_error:
            # The protocol has tools report this way what other arguments could mend.
            raise ToolRetry(cut(text_of(result), _MOST_ERROR_CHARS))
        return result_of(result)

    async def _read(self, uri: str, context: Context) -> object:
        result = await self._for(context, lambda: self._client.read_resource(uri))
        return text_of_resource(result.contents)

    async def _for(self, context: Context, work: Callable[[], Awaitable[Result]]) -> Result:
        if self.has_ended:
            raise self._lost()
        with self._in_words(), self._questions.during(context):
            try:
                return await work()
            except MCPError as error:
                if error.code != URL_ELICITATION_REQUIRED:
                    raise
                pages = UrlElicitationRequiredError.from_error(error.error).elicitations
                if not await self._questions.all_accepted(pages):
                    raise
                return await work()

    @contextmanager
    def _in_words(self) -> Iterator[None]:
        """What the SDK raises, as what a tool raises."""
        name = self._config.name
        try:
            yield
        except asyncio.CancelledError:
            # Often because time was up: then it is worth a look whether the server is still there.
            self._doubt()
            raise
        except MCPError as error:
            if error.code == INVALID_PARAMS:
                raise ToolRetry(cut(error.message, _MOST_ERROR_CHARS)) from error
            self._doubt()
            if error.code == CONNECTION_CLOSED:
                raise self._lost() from error
            raise ToolFailed(
                cut(f"The MCP server {name} refused the call: {error.message}", _MOST_ERROR_CHARS)
            ) from error
        except (ValidationError, RuntimeError) as error:
            # The SDK holds results against the protocol and against the schema that the server gave.
            raise ToolFailed(
                cut(f"The MCP server {name} answered with something unusable: {error}", _MOST_ERROR_CHARS)
            ) from error

    def _lost(self) -> ToolFailed:
        return ToolFailed(
            f"The connection to the MCP server {self._config.name} broke, and is being restored. Nobody knows "
            "whether the call took effect: look before doing it again."
        )


def _how_far(progress: float, total: float | None, message: str | None) -> str:
    if message:
        return message
    return f"{progress:g} of {total:g}" if total else f"{progress:g}"
