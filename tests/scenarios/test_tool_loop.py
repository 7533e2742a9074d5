"""The loop under a model that behaves badly, and under tools that do."""

from __future__ import annotations

import asyncio
import json
from pathlib import Path
from typing import Any

from support.bot import bot_in_workspace
from support.openai_server import OpenAIServer, text, tool_calls

from tools import Registry, tool


class Counter:
    """Tools that tell how often they ran."""

    def __init__(self) -> None:
        self.calls: list[str] = []
        self.both = asyncio.Barrier(2)

    def registry(self, **limits: Any) -> Registry:
        @tool
        async def look_up(word: str) -> str:
            """Look a word up.

            Args:
                word: the word.
            """
            self.calls.append(word)
            return f"{word} means {word}"

        @tool
        async def break_down() -> str:
            """Fail."""
            raise RuntimeError("out of order, key sk-live-1234567890abcdef")

        @tool(timeout_s=0.05)
        async def hang() -> str:
            """Never end."""
            await asyncio.Event().wait()
            return ""

        @tool
        async def meet(name: str) -> str:
            """Return only when it runs twice at once.

            Args:
                name: who meets.
            """
            await self.both.wait()
            return f"{name} met"

        @tool
        async def talk() -> str:
            """Talk at length."""
            return "x" * 50_000

        return Registry([look_up, break_down, hang, meet, talk], **limits)


async def test_calls_of_one_turn_run_at_the_same_time(tmp_path: Path) -> None:
    turns = [tool_calls(("meet", {"name": "a"}), ("meet", {"name": "b"})), text("done")]
    assert await _results(tmp_path, turns) == ["a met", "b met"]


async def test_arguments_that_are_no_json_are_explained_to_the_model(tmp_path: Path) -> None:
    (result,) = await _results(tmp_path, [tool_calls(("look_up", '{"word": ')), text("sorry")])
    assert "JSON" in json.loads(result)["error"]


async def test_arguments_that_do_not_fit_the_schema_are_explained_to_the_model(tmp_path: Path) -> None:
    (result,) = await _results(tmp_path, [tool_calls(("look_up", {"term": "a"})), text("sorry")])
    assert "word" in json.loads(result)["error"]


async def test_an_unknown_tool_is_explained_to_the_model(tmp_path: Path) -> None:
    (result,) = await _results(tmp_path, [tool_calls(("lookup", {"word": "a"})), text("sorry")])
    assert "look_up" in result


async def test_a_tool_that_raises_gives_a_result_without_its_secrets(tmp_path: Path) -> None:
    (result,) = await _results(tmp_path, [tool_calls(("break_down", {})), text("sorry")])
    assert "RuntimeError" in result
    assert "sk-live" not in result


async def test_a_tool_that_hangs_is_given_up(tmp_path: Path) -> None:
    (result,) = await _results(tmp_path, [tool_calls(("hang", {})), text("sorry")])
    assert "0.05" in result


async def test_a_long_result_is_cut_with_a_note(tmp_path: Path) -> None:
    (result,) = await _results(tmp_path, [tool_calls(("talk", {})), text("long")])
    assert len(result) <= 12_000
    assert "50000" in result.replace(",", "")


async def test_identical_calls_are_answered_from_the_first(tmp_path: Path) -> None:
    counter = Counter()
    again = tool_calls(("look_up", {"word": "a"}), ("look_up", '{"word":   "a"}'))
    results = await _results(tmp_path, [again, again, text("done")], counter)
    assert results == ["a means a"] * 4
    assert counter.calls == ["a"]


async def test_endless_tool_calls_end_in_an_answer(tmp_path: Path) -> None:
    def reply(request: dict[str, Any]) -> Any:
        if request.get("tool_choice") == "none":
            return text("That is all I found.")
        return tool_calls(("look_up", {"word": f"w{len(request['messages'])}"}))

    model, counter = OpenAIServer(reply=reply), Counter()
    async with bot_in_workspace(tmp_path, model=model, tools=counter.registry(), tool_turns=3) as scene:
        ts = await scene.ada.say("#general", "@threadloop Go on for ever")
        assert await scene.answer(ts) == "That is all I found."
    assert len(counter.calls) == 3
    assert len(model.requests) == 4


async def test_a_question_that_takes_too_long_ends_with_a_sentence(tmp_path: Path) -> None:
    model = OpenAIServer([text("never", wait=asyncio.Event())])
    async with bot_in_workspace(tmp_path, model=model, question_timeout_s=0.3) as scene:
        ts = await scene.ada.say("#general", "@threadloop Take your time")
        answer = await scene.answer(ts)
        assert "longer than I may spend" in answer
        assert f":{ts}`" in answer


async def _results(folder: Path, turns: list[Any], counter: Counter | None = None) -> list[str]:
    """The tool results that the model read in its last call."""
    model = OpenAIServer(turns)
    async with bot_in_workspace(folder, model=model, tools=(counter or Counter()).registry()) as scene:
        ts = await scene.ada.say("#general", "@threadloop Use your tools")
        await scene.answer(ts)
    return [message["content"] for message in model.requests[-1]["messages"] if message["role"] == "tool"]
