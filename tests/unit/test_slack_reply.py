"""The reply in the embedded workspace, where Slack's own slowness is the matter."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import aiohttp
from support.passing_time import LetPass

from bot.conversation import History, Person, Question, TextDelta
from bot.playground import Playground, Seed
from bot.slack.client import PacedClient
from bot.slack.delivery import Delivery
from bot.slack.pacing import Pacer
from bot.slack.reply import Replies, ThreadReply, Timing, show_stopped


class Attentive(Pacer):
    """A pacer that tells when a stream has given its place back."""

    def __init__(self) -> None:
        super().__init__()
        self.closed = asyncio.Event()

    def close_stream(self) -> None:
        super().close_stream()
        self.closed.set()


class SlowAnswers:
    """Holds back what Slack answers to one method."""

    def __init__(self, method: str) -> None:
        self._method = method
        self.has_come, self.goes_on = asyncio.Event(), asyncio.Event()

    def trace(self) -> aiohttp.TraceConfig:
        trace = aiohttp.TraceConfig()
        trace.on_request_end.append(self._hold)
        return trace

    async def _hold(self, _session: Any, _context: Any, end: aiohttp.TraceRequestEndParams) -> None:
        if end.url.name == self._method:
            self.has_come.set()
            await self.goes_on.wait()


async def test_a_stream_that_slack_begins_only_when_its_question_is_stopped_gives_its_place_back(
    let_pass: LetPass,
) -> None:
    playground, slow, pacer = Playground(Seed.default()), SlowAnswers("chat.startStream"), Attentive()
    async with playground.serve(), aiohttp.ClientSession(trace_configs=[slow.trace()]) as session:
        client = PacedClient(pacer, token=playground.bot_token, base_url=playground.api_url, session=session)
        replies = Replies(client, playground.bot_user_id, title=lambda call: call.name, timing=Timing(0, 0))
        ada = playground.person("ada")
        ts = await ada.say("#general", "@threadloop Anything?", deliver=False)
        room = playground.workspace.channel("#general").id
        question = Question(playground.team_id, room, ts, ts, ada.id, "Anything?", "mention")
        steps: Any = SimpleNamespace(run_id=question.run_id, may_have_posted=False, resumes=None)
        reply = ThreadReply(replies, question, steps)
        await reply.begin()
        reply.know(History((), Person(ada.id, "Ada"), "#general", ()))
        reply.show(TextDelta("Some words. "))
        await slow.has_come.wait()
        abandoning = asyncio.create_task(reply.abandon())
        await let_pass(60)
        slow.goes_on.set()
        await abandoning
        assert pacer.closed.is_set()
        await show_stopped(Delivery(client, question, playground.bot_user_id))
        (shown,) = playground.thread("#general", ts)[1:]
        assert shown["text"] == "Some words.\n\n_Stopped._"
        await replies.afterwards.aclose()
