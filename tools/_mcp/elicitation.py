"""A server's questions, on their way to the person whose call they belong to."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from urllib.parse import urlsplit

from mcp.client.context import ClientRequestContext
from mcp.types import ElicitRequestFormParams, ElicitRequestParams, ElicitRequestURLParams, ElicitResult

from tools._framework.context import Context
from tools._framework.elicitation import Elicit, Elicitation, ElicitationAnswer

_log = logging.getLogger(__name__)

_DECLINED = ElicitResult(action="decline")


class _Call:
    """One call that runs: whose it is, and what its person is being asked."""

    def __init__(self, context: Context) -> None:
        self.context = context
        self._ended = asyncio.Event()
        self._asking: set[asyncio.Task[ElicitationAnswer]] = set()

    @property
    def person(self) -> tuple[str, str, str]:
        return self.context.asker.id, self.context.channel, self.context.thread_ts

    async def ask(self, elicit: Elicit, question: Elicitation) -> ElicitationAnswer:
        """The person's answer; `cancel` if the call ends before there is one."""
        if self._ended.is_set():
            return ElicitationAnswer("cancel")
        task = asyncio.ensure_future(elicit(question))
        self._asking.add(task)
        try:
            return await task
        except asyncio.CancelledError:
            if self._ended.is_set():
                return ElicitationAnswer("cancel")
            raise
        finally:
            self._asking.remove(task)

    def end(self) -> None:
        """Nobody is asked any more."""
        self._ended.set()
        for task in self._asking:
            task.cancel()


# The HTTP transport handles what arrives on a request's own stream in the context of the request's sender, and
# so does the SDK with a question that is a call's result. Over stdio nothing says what a question belongs to.
_calling: ContextVar[_Call | None] = ContextVar("mcp_call", default=None)


class Questions:
    """The calls that run on one server, and whom its questions are for."""

    def __init__(self, server: str) -> None:
        self._server = server
        self._calls: list[_Call] = []

    @contextmanager
    def during(self, context: Context) -> Iterator[None]:
        """Mark a call as running: the server's questions may be its."""
        call = _Call(context)
        self._calls.append(call)
        token = _calling.set(call)
        try:
            yield
        finally:
            _calling.reset(token)
            self._calls.remove(call)
            call.end()

    async def answer(self, context: ClientRequestContext, params: ElicitRequestParams) -> ElicitResult:
        """Answer a server's question; the SDK calls this."""
        return await self._ask(params)

    async def all_accepted(self, pages: Iterable[ElicitRequestURLParams]) -> bool:
        """Whether the person agrees to visit each of the pages that a server wants visited before a call."""
        return all([(await self._ask(page)).action == "accept" for page in pages])

    async def _ask(self, question: ElicitRequestParams) -> ElicitResult:
        """Ask the person. Nobody to ask, or not clear whom: the answer is no."""
        call = _calling.get() or self._only_possible()
        elicitation = self._in_our_terms(question)
        if call is None or call.context.elicit is None or elicitation is None:
            return _DECLINED
        return _in_its_terms(await call.ask(call.context.elicit, elicitation), elicitation)

    def _only_possible(self) -> _Call | None:
        """The latest call, unless those of several people run: a question must not reach the wrong one."""
        if len({call.person for call in self._calls}) > 1:
            _log.warning(
                "MCP server %s asked something while it worked for several people: declined", self._server
            )
            return None
        return self._calls[-1] if self._calls else None

    def _in_our_terms(self, question: ElicitRequestParams) -> Elicitation | None:
        # People must see who asks: the words are the server's own.
        message = f"{self._server} asks: {question.message}"
        match question:
            case ElicitRequestURLParams(url=url):
                return Elicitation(message, url=url) if urlsplit(url).scheme in ("http", "https") else None
            case ElicitRequestFormParams(requested_schema=schema):
                return Elicitation(message, schema if schema.get("properties") else None)


def _in_its_terms(answer: ElicitationAnswer, question: Elicitation) -> ElicitResult:
    if answer.action != "accept" or question.url:
        return ElicitResult(action=answer.action)
    return ElicitResult(action="accept", content=dict(answer.content or {}))
