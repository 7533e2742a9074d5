"""Traces: one for each question, by OpenTelemetry's GenAI conventions, without a word of what was said."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from opentelemetry.proto.trace.v1.trace_pb2 import Span, Status
from support.http_bot import bot_over_http
from support.openai_server import OpenAIServer, failure, text, tool_calls
from support.otlp_collector import OtlpCollector, attributes

from tools import Registry, ToolFailed, tool

MODEL = "openai/test-model"


@tool
def lottery(number: int) -> str:
    """Say whether a number wins.

    Args:
        number: the number
    """
    if number < 0:
        raise ToolFailed("There are no such numbers.")
    return "jackpot-in-the-result"


async def ask(folder: Path, collector: OtlpCollector, model: OpenAIServer, *questions: str) -> list[str]:
    """Ask, and stop the bot, so that all its spans are sent. Returns the run ids."""
    async with bot_over_http(
        folder,
        model=model,
        tools=Registry([lottery]),
        model_name=MODEL,
        otel_exporter_otlp_endpoint=collector.endpoint,
    ) as scene:
        room = scene.playground.workspace.channel("#general").id
        run_ids = []
        for question in questions:
            ts = await scene.ada.say("#general", f"@threadloop {question}")
            await scene.answer(ts)
            run_ids.append(f"{scene.playground.team_id}:{room}:{ts}")
        return run_ids


async def test_a_question_is_one_trace_with_its_model_and_tool_calls(tmp_path: Path) -> None:
    model = OpenAIServer([tool_calls(("lottery", {"number": 7})), text("It wins.")])
    async with OtlpCollector() as collector:
        (run_id,) = await ask(tmp_path, collector, model, "Does 7 win?")
    root, *children = collector.spans
    assert [span.name for span in collector.spans] == [
        "invoke_agent threadloop",
        "chat test-model",
        "execute_tool lottery",
        "chat test-model",
    ]
    assert {span.trace_id for span in children} == {root.trace_id}
    assert {span.parent_span_id for span in children} == {root.span_id}
    assert root.parent_span_id == b""
    assert all(root.start_time_unix_nano <= span.start_time_unix_nano for span in children)
    assert all(span.end_time_unix_nano <= root.end_time_unix_nano for span in children)
    assert attributes(root)["threadloop.run.id"] == run_id
    assert collector.resources[0]["service.name"] == "threadloop"


async def test_spans_follow_the_genai_conventions(tmp_path: Path) -> None:
    model = OpenAIServer([tool_calls(("lottery", {"number": 7})), text("It wins.")])
    async with OtlpCollector() as collector:
        await ask(tmp_path, collector, model, "Does 7 win?")
    root, chat, tool_span, _ = collector.spans
    assert root.kind == Span.SPAN_KIND_INTERNAL
    assert attributes(root).items() >= {
        ("gen_ai.operation.name", "invoke_agent"),
        ("gen_ai.agent.name", "threadloop"),
        ("gen_ai.provider.name", "openai"),
    }
    assert chat.kind == Span.SPAN_KIND_CLIENT
    assert attributes(chat).items() >= {
        ("gen_ai.operation.name", "chat"),
        ("gen_ai.provider.name", "openai"),
        ("gen_ai.request.model", "test-model"),
    }
    assert attributes(chat)["gen_ai.usage.input_tokens"] > 0
    assert attributes(chat)["gen_ai.usage.output_tokens"] > 0
    assert attributes(chat)["gen_ai.response.finish_reasons"] == ["tool_calls"]
    assert tool_span.kind == Span.SPAN_KIND_INTERNAL
    assert attributes(tool_span) == {
        "gen_ai.operation.name": "execute_tool",
        "gen_ai.tool.name": "lottery",
        "gen_ai.tool.type": "function",
        "gen_ai.tool.call.id": "call_1",
    }
    assert {span.status.code for span in collector.spans} == {Status.STATUS_CODE_UNSET}


async def test_failures_are_marked_with_their_kind(tmp_path: Path) -> None:
    model = OpenAIServer([tool_calls(("lottery", {"number": -7})), failure(400, "words-of-the-provider")])
    async with OtlpCollector() as collector:
        await ask(tmp_path, collector, model, "Does -7 win?")
    kinds = {span.name: attributes(span).get("error.type") for span in collector.spans}
    assert kinds == {
        "invoke_agent threadloop": "ModelRefused",
        "chat test-model": "ModelRefused",
        "execute_tool lottery": "tool_failed",
    }
    failed = [span for span in collector.spans if "error.type" in attributes(span)]
    assert {span.status.code for span in failed} == {Status.STATUS_CODE_ERROR}
    assert not [span for span in collector.spans if span.status.message or span.events]


async def test_questions_do_not_share_a_trace(tmp_path: Path) -> None:
    model = OpenAIServer(reply=lambda _request: text("Fine."))
    async with OtlpCollector() as collector:
        await ask(tmp_path, collector, model, "One?", "Two?")
    roots = collector.named("invoke_agent threadloop")
    assert len({span.trace_id for span in roots}) == len(roots) == 2


async def test_nothing_that_was_said_is_in_a_trace(tmp_path: Path) -> None:
    model = OpenAIServer(
        [tool_calls(("lottery", {"number": 70707})), tool_calls(("invented-name", {})), text("It wins-a-lot.")]
    )
    async with OtlpCollector() as collector:
        await ask(tmp_path, collector, model, "Does my-secret-number win?")
    sent = b"".join(collector.bodies)
    for word in (b"my-secret-number", b"70707", b"jackpot-in-the-result", b"invented-name", b"wins-a-lot"):
        assert word not in sent


async def test_a_collector_that_is_away_costs_no_answer(tmp_path: Path) -> None:
    model = OpenAIServer([text("Fine.")])
    async with bot_over_http(tmp_path, model=model, otel_exporter_otlp_endpoint="http://127.0.0.1:9") as scene:
        assert await scene.answer(await scene.ada.say("#general", "@threadloop Anything?")) == "Fine."


def test_the_exporter_is_imported_only_where_a_collector_is_configured() -> None:
    imported = "import sys, bot.app; sys.exit(any('otlp' in name for name in sys.modules))"
    subprocess.run([sys.executable, "-c", imported], cwd=Path(__file__).parents[2], check=True)
