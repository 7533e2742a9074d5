"""Metrics: what happens is counted, once, under few labels."""

from __future__ import annotations

import asyncio
import time
from pathlib import Path
from typing import Any

import pytest
from support.cards import approve, until_asked, until_said
from support.http_bot import bot_over_http
from support.model_replies import Answer, Json
from support.notebook import Notebook, writes
from support.openai_server import OpenAIServer, failure, text, tool_calls
from support.patience import UNSTREAMED

from tools import Registry, ToolFailed, tool

MODEL = "openai/test"


@tool
def lottery(number: int) -> str:
    """Say whether a number wins.

    Args:
        number: the number
    """
    if number < 0:
        raise ToolFailed("There are no such numbers.")
    return "It wins."


def one_tool() -> Registry:
    return Registry([lottery])


async def test_an_answer_with_tools_is_counted_and_timed(tmp_path: Path) -> None:
    model = OpenAIServer(
        [tool_calls(("lottery", {"number": 7}), ("lottery", {"number": -7})), text("It wins.")]
    )
    began = time.monotonic()
    async with bot_over_http(
        tmp_path, model=model, tools=one_tool(), model_name=MODEL, timing=UNSTREAMED
    ) as scene:
        await scene.answer(await scene.ada.say("#general", "@threadloop Does 7 win?"))
        seen = await scene.samples()
    assert seen.value("threadloop_questions_total", source="mention") == 1
    assert seen.value("threadloop_answers_total") == 1
    assert seen.value("threadloop_failures_total") == 0
    assert seen.value("threadloop_run_seconds_count") == 1
    assert seen.value("threadloop_model_seconds_count", model=MODEL, outcome="ok") == 2
    assert seen.value("threadloop_tool_seconds_count", tool="lottery", outcome="ok") == 1
    assert seen.value("threadloop_tool_seconds_count", tool="lottery", outcome="failed") == 1
    assert seen.value("threadloop_tokens_total", model=MODEL, kind="input") > 0
    assert seen.value("threadloop_tokens_total", model=MODEL, kind="output") > 0
    assert seen.value("threadloop_slack_calls_total", method="chat.postMessage", outcome="ok") == 1
    assert 0 < seen.value("threadloop_run_seconds_sum") < time.monotonic() - began


async def test_a_failure_is_counted_by_its_cause(tmp_path: Path) -> None:
    async with bot_over_http(tmp_path, model=OpenAIServer([failure(429)]), model_name=MODEL) as scene:
        await scene.answer(await scene.ada.say("#general", "@threadloop Anything?"))
        seen = await scene.samples()
    assert seen.value("threadloop_failures_total", error="ModelRateLimited") == 1
    assert seen.value("threadloop_model_seconds_count", model=MODEL, outcome="ModelRateLimited") == 1
    assert seen.value("threadloop_answers_total") == 0


async def test_a_question_that_waits_for_a_decision_counts_once(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk", "eggs"), text("Done.")]), Notebook()
    async with bot_over_http(tmp_path, model=model, tools=notebook.registry()) as scene:
        ts = await scene.ada.say("#general", "@threadloop Write down milk and eggs")
        milk, eggs = await until_asked(scene, ts, times=2)
        await approve(scene.ada, milk)
        async with asyncio.timeout(20):
            while (paused := await scene.samples()).value("threadloop_approvals_waiting") != 1:
                pass  # counted when what follows from the decision is done
        await approve(scene.ada, eggs)
        await until_said(scene, ts, "Done.")
        await scene.bot.runs.outcome(
            f"{scene.playground.team_id}:{scene.playground.workspace.channel('#general').id}:{ts}#approved"
        )
        answered = await scene.samples()
    assert [seen.value("threadloop_questions_total") for seen in (paused, answered)] == [1, 1]
    assert [seen.value("threadloop_answers_total") for seen in (paused, answered)] == [0, 1]


@pytest.mark.parametrize(
    ("fault", "outcome"),
    [
        ({"rate_limited_s": 0}, "rate_limited"),
        ({"status": 500}, "server_error"),
        ({"error": "fatal_error"}, "refused"),
    ],
    ids=["rate-limited", "server-error", "refused"],
)
async def test_slacks_refusals_are_counted_by_method(
    tmp_path: Path, fault: dict[str, Any], outcome: str
) -> None:
    async with bot_over_http(tmp_path, model=OpenAIServer(reply=lambda _request: text("Fine."))) as scene:
        root = await scene.ada.say("#general", "A thread has to be read")
        scene.playground.faults.next("conversations.replies", **fault)
        ts = await scene.ada.say("#general", "@threadloop Anything?", thread_ts=root)
        await scene.answer(ts, root=root)
        seen = await scene.samples()
    assert seen.value("threadloop_slack_calls_total", method="conversations.replies", outcome=outcome) == 1


async def test_runs_are_open_until_they_are_answered_and_wait_for_those_before_them(tmp_path: Path) -> None:
    asked, hold = asyncio.Event(), asyncio.Event()

    def reply(_request: Json) -> Answer:
        asked.set()
        return text("Fine.", wait=hold)

    model = OpenAIServer(reply=reply)
    async with bot_over_http(tmp_path, model=model) as scene:
        first = await scene.ada.say("#general", "@threadloop One?")
        await asked.wait()
        second = await scene.ada.say("#general", "@threadloop Two?", thread_ts=first)
        await scene.playground.until(lambda: scene.bot.runs.waiting == 1, what="a run that waits")
        held = await scene.samples()
        hold.set()
        await scene.answer(second, root=first)
        after = await scene.samples()
    assert (held.value("threadloop_runs_open"), held.value("threadloop_runs_waiting")) == (1, 1)
    assert (after.value("threadloop_runs_open"), after.value("threadloop_runs_waiting")) == (0, 0)


async def test_no_label_holds_what_a_person_or_the_model_made_up(tmp_path: Path) -> None:
    model = OpenAIServer([tool_calls(("made_up_by_the_model", {})), text("I can't.")])
    async with bot_over_http(tmp_path, model=model, tools=one_tool()) as scene:
        ts = await scene.ada.say("#general", "@threadloop Do what you can't?")
        await scene.answer(ts)
        seen = await scene.samples()
        ids = [ts, scene.ada.id, scene.playground.team_id, scene.playground.workspace.channel("#general").id]
    values = {value for sample in seen.all for value in sample.labels.values()}
    assert not [value for value in values for id_ in ids if id_ in value]
    assert "made_up_by_the_model" not in values
    assert seen.value("threadloop_tool_seconds_count", tool="unknown", outcome="failed") == 1
