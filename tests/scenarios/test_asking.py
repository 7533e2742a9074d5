"""Somebody asks, somewhere, and is answered there."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from support.anthropic_server import AnthropicServer
from support.bot import bot_in_workspace
from support.model_server import ModelServer
from support.openai_server import OpenAIServer, text, tool_calls
from support.patience import UNSTREAMED
from support.weather_server import WeatherServer

GUIDES_QUESTION = "@threadloop What's the weather like in both Boston AND London tonight?"
TWO_CITIES = tool_calls(
    ("get_weather_forecast", {"location": "Boston, MA", "when": "tonight"}),
    ("get_weather_forecast", {"location": "London", "when": "tonight"}),
)


async def test_the_guides_question_is_answered_with_two_calls_in_one_turn(tmp_path: Path) -> None:
    model = OpenAIServer([TWO_CITIES, text("Boston is wet, ", "London is cloudy.")])
    async with WeatherServer() as weather, bot_in_workspace(tmp_path, model=model, **_urls(weather)) as scene:
        ts = await scene.ada.say("#general", GUIDES_QUESTION)
        assert await scene.answer(ts) == "Boston is wet, London is cloudy."
    second = model.requests[1]["messages"]
    results = [message for message in second if message["role"] == "tool"]
    calls = next(message["tool_calls"] for message in second if message.get("tool_calls"))
    assert [result["tool_call_id"] for result in results] == [call["id"] for call in calls]
    assert [json.loads(result["content"])["place"].split(",")[0] for result in results] == ["Boston", "London"]


async def test_the_same_question_goes_through_anthropic(tmp_path: Path) -> None:
    model = AnthropicServer([TWO_CITIES, text("Boston is wet, London is cloudy.")])
    async with WeatherServer() as weather, bot_in_workspace(tmp_path, model=model, **_urls(weather)) as scene:
        ts = await scene.ada.say("#general", GUIDES_QUESTION)
        assert await scene.answer(ts) == "Boston is wet, London is cloudy."
    results = [
        part
        for message in model.requests[1]["messages"]
        if isinstance(message["content"], list)
        for part in message["content"]
        if part["type"] == "tool_result"
    ]
    assert len(results) == 2


async def test_without_a_model_the_bot_answers_offline_and_says_so(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, sample_data=True) as scene:
        ts = await scene.ada.say("#general", GUIDES_QUESTION)
        answer = await scene.answer(ts)
    assert "Boston" in answer
    assert "London" in answer
    assert "sample data" in answer
    assert "OPENAI_API_KEY" in answer


TICKETS = '''
from tools import Context, tool

@tool(needs=("TICKETS_URL",))
def find_ticket(context: Context) -> str:
    """Find a ticket."""
    return context.setting("TICKETS_URL", "nowhere")
'''


async def test_a_tool_outside_is_called_with_its_own_setting(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "own_tools").mkdir()
    (tmp_path / "own_tools/tickets.py").write_text(TICKETS)
    monkeypatch.setenv("TICKETS_URL", "https://tickets.example")
    model = OpenAIServer([tool_calls(("find_ticket", {})), text("Found.")])
    async with bot_in_workspace(tmp_path, model=model, tools_dir=tmp_path / "own_tools") as scene:
        ts = await scene.ada.say("#general", "@threadloop Find my ticket")
        assert await scene.answer(ts) == "Found."
    assert model.requests[1]["messages"][-1]["content"] == "https://tickets.example"


@pytest.mark.parametrize("channel", ["#general", "#ops"])
async def test_a_mention_in_a_channel_is_answered_in_its_thread(tmp_path: Path, channel: str) -> None:
    """#general is public, #ops is private."""
    async with bot_in_workspace(tmp_path, model=_model("Yes.")) as scene:
        ts = await scene.ada.say(channel, "@threadloop Are you there?")
        assert await scene.answer(ts, channel) == "Yes."
        room = scene.playground.workspace.channel(channel)
        assert [message.ts for message in room.top_level()][-1] == ts


async def test_one_mention_yields_two_events_and_one_answer(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=_model("Once."), timing=UNSTREAMED) as scene:
        ts = await scene.ada.say("#general", "@threadloop How often?")
        await scene.answer(ts)
        await scene.playground.redeliver()
        assert len(scene.answers(ts)) == 1
        assert len(scene.calls("chat.postMessage")) == 1


async def test_a_mention_in_a_group_dm_is_answered(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=_model("Hello, both.")) as scene:
        channel = await scene.ada.open_group_dm("grace")
        ts = await scene.ada.say(channel, "@threadloop Say hello")
        assert await scene.answer(ts, channel) == "Hello, both."


async def test_a_direct_message_needs_no_mention(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=_model("Hello.")) as scene:
        channel = await scene.ada.open_dm()
        ts = await scene.ada.say(channel, "Hello?")
        assert await scene.answer(ts, channel) == "Hello."


async def test_what_is_not_meant_for_the_bot_is_left_alone(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=_model("Only to you."), timing=UNSTREAMED) as scene:
        await scene.playground.person("grace").say("#general", "Nothing for bots in here")
        await scene.playground.bot("deploybot").say("#general", "@threadloop deployed")
        ts = await scene.ada.say("#general", "@threadloop And this?")
        await scene.answer(ts)
        assert {message["thread_ts"] for message in scene.calls("chat.postMessage")} == {ts}


async def test_a_follow_up_sees_what_was_said_and_answered(tmp_path: Path) -> None:
    model = OpenAIServer([text("4"), text("8")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        root = await scene.ada.say("#general", "@threadloop 2 + 2?")
        await scene.answer(root)
        ts = await scene.playground.person("grace").say("#general", "@threadloop twice that?", thread_ts=root)
        assert await scene.answer(ts, root=root) == "8"
    said = [(message["role"], message["content"]) for message in model.requests[1]["messages"][1:4]]
    assert said == [
        ("user", "Ada Lovelace: 2 + 2?"),
        ("assistant", "4"),
        ("user", "Grace Hopper: twice that?"),
    ]


async def test_an_answer_takes_two_slack_calls_once_names_are_known(tmp_path: Path) -> None:
    async with bot_in_workspace(tmp_path, model=_model("Few."), timing=UNSTREAMED) as scene:
        await scene.caught_up()
        await scene.answer(await scene.ada.say("#general", "@threadloop How many calls?"))
        before = len(scene.playground.calls)
        await scene.answer(await scene.ada.say("#general", "@threadloop And now?"))
        made = [call.method for call in scene.playground.calls[before:]]
        assert sorted(made) == ["assistant.threads.setStatus", "chat.postMessage"]


def _model(answer: str) -> ModelServer:
    return OpenAIServer(reply=lambda _request: text(answer))


def _urls(weather: WeatherServer) -> dict[str, Any]:
    return {name.lower(): value for name, value in weather.config.items()}
