"""A bot that is killed while it streams: the next one completes the answer, in the same message."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path
from typing import Any

import pytest
from support.bot import buttons_of
from support.bot_processes import running_bot, slack_environment
from support.openai_server import OpenAIServer, text
from support.patience import patient_workspace

from bot.playground import Playground
from bot.slack.marker import Marker, read_marker

Json = dict[str, Any]

# Longer than any machine takes to start the next bot.
_LONG_S = 24 * 3600.0


@pytest.mark.parametrize("lifetime_s", [_LONG_S, 0.1], ids=["stream-goes-on", "stream-has-ended"])
async def test_half_an_answer_is_completed_on_sqlite(tmp_path: Path, lifetime_s: float) -> None:
    await _half_an_answer(f"sqlite:///{tmp_path}/bot.db", lifetime_s)


async def test_half_an_answer_is_completed_on_postgresql(postgres_url: str) -> None:
    await _half_an_answer(postgres_url, _LONG_S)


async def _half_an_answer(database_url: str, lifetime_s: float) -> None:
    """Another question waits in the same thread, and must not take the stream for its own."""
    never = asyncio.Event()
    model = OpenAIServer([text("First words ", "never.", hold=never), text("All of it."), text("And more.")])
    playground = patient_workspace(stream_lifetime_s=lifetime_s)
    async with model, playground.serve():
        environment = {
            **slack_environment(playground),
            "OPENAI_BASE_URL": model.base_url,
            "OPENAI_API_KEY": "sk-test-key-000000",
            "DATABASE_URL": database_url,
        }
        ada = playground.person("ada")
        async with running_bot(environment) as bot:
            await playground.connected()
            ts = await ada.say("#general", "@threadloop At length?")
            begun = await playground.until(lambda: _shown(playground, ts), what="a stream")
            second = await ada.say("#general", "@threadloop And?", thread_ts=ts)
            await playground.until(lambda: playground.in_flight == 0, what="the second question's run")
            bot.kill()
            assert await bot.ended() == -signal.SIGKILL
        async with running_bot(environment):
            await playground.until(lambda: len(_final(playground, ts)) == 2, what="both answers")
    (answer, mark), (more, second_mark) = _final(playground, ts)
    assert (answer["ts"], answer["text"], mark.question_ts) == (begun[0]["ts"], "All of it.", ts)
    assert (more["text"], second_mark.question_ts) == ("And more.", second)
    assert len(_shown(playground, ts)) == 2
    assert buttons_of(answer) == []
    never.set()


def _shown(playground: Playground, ts: str) -> list[Json]:
    thread = playground.thread("#general", ts)
    return [message for message in thread if message["user"] == playground.bot_user_id]


def _final(playground: Playground, ts: str) -> list[tuple[Json, Marker]]:
    marked = ((message, read_marker(message)) for message in _shown(playground, ts))
    return [(message, mark) for message, mark in marked if mark is not None and mark.state == "final"]
