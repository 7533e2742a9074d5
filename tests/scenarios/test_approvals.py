"""A tool that writes asks first: a card in the thread, a decision, and then the answer goes on."""

from __future__ import annotations

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
from support.bot import Scene, blocks_of, bot_in_workspace
from support.cards import Card, approve, cards, deny, until_asked, until_closed, until_said
from support.notebook import Notebook, results, writes
from support.openai_server import OpenAIServer, text, tool_calls
from support.passing_tools import PassingTools

from bot.conversation import Paused, ToolFinished
from tools import Registry, tool


async def test_the_card_says_what_would_happen_in_words_and_with_the_arguments(tmp_path: Path) -> None:
    async with _asking(tmp_path, writes("milk")) as (scene, ts, _):
        (card,) = await until_asked(scene, ts)
        assert card.text == f'<@{scene.ada.id}> May I do this?\n\nWriting down milk\n```\ntext: "milk"\n```'
        assert list(card.buttons) == ["Approve", "Deny…"]


async def test_nothing_runs_before_the_decision_and_the_pause_holds_nothing(tmp_path: Path) -> None:
    async with _asking(tmp_path, writes("milk")) as (scene, ts, notebook):
        await until_asked(scene, ts)
        outcome = await scene.bot.runs.outcome(_run_id(scene, ts))
        assert outcome is not None
        assert outcome.state == "paused"
        assert (scene.bot.runs.running, scene.bot.runs.waiting) == (0, 0)
        assert notebook.keys == []


async def test_approve_runs_the_call_once_and_the_answer_goes_on_in_the_thread(tmp_path: Path) -> None:
    async with _asking(tmp_path, writes("milk", say="I will write."), text("Done.")) as (scene, ts, notebook):
        (card,) = await until_asked(scene, ts)
        assert await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        assert notebook.written == ["milk"]
        # What was said before the pause, the card, and below it what comes after.
        said = [message["text"] for message in scene.playground.thread("#general", ts)[1:]]
        assert said[0] == "I will write."
        assert "Approved by Ada Lovelace" in said[1]
        assert said[2] == "Done."
        assert cards(scene, ts)[0].buttons == {}


async def test_deny_with_a_reason_is_told_to_the_model_which_answers(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk"), text("Then not.")])
    async with _scene(tmp_path, model) as (scene, ts, notebook):
        (card,) = await until_asked(scene, ts)
        await deny(scene.ada, card, "We have enough")
        await until_said(scene, ts, "Then not.")
        assert notebook.keys == []
        await until_closed(scene, ts, "Denied by Ada Lovelace: We have enough")
    (result,) = results(model)
    assert "not approved" in json.loads(result)["error"]
    assert "We have enough" in json.loads(result)["error"]


async def test_a_denial_needs_no_reason(tmp_path: Path) -> None:
    async with _asking(tmp_path, writes("milk"), text("Then not.")) as (scene, ts, _):
        (card,) = await until_asked(scene, ts)
        await deny(scene.ada, card)
        await until_said(scene, ts, "Then not.")
        await until_closed(scene, ts, "_Denied by Ada Lovelace_")


async def test_several_calls_of_a_turn_have_a_card_each_and_go_on_when_all_are_decided(tmp_path: Path) -> None:
    model = OpenAIServer([writes("milk", "eggs", "tea"), text("Two of three.")])
    async with _scene(tmp_path, model) as (scene, ts, notebook):
        milk, eggs, tea = await until_asked(scene, ts, times=3)
        await approve(scene.ada, tea)
        await deny(scene.ada, eggs)
        await until_closed(scene, ts, "Approved", "Denied")
        assert len(model.requests) == 1
        assert notebook.keys == []
        await approve(scene.ada, milk)
        await until_said(scene, ts, "Two of three.")
        assert sorted(notebook.written) == ["milk", "tea"]
    first, second, third = results(model)
    assert (first, third) == ("milk is written down", "tea is written down")
    assert "not approved" in second


async def test_calls_that_need_no_approval_run_at_once_and_only_once(tmp_path: Path) -> None:
    turn = tool_calls(("look_up", {"word": "milk"}), ("write_down", {"text": "milk"}))
    model = OpenAIServer([turn, text("Both.")])
    async with _scene(tmp_path, model) as (scene, ts, notebook):
        (card,) = await until_asked(scene, ts)
        assert notebook.looked_up == ["milk"]
        await approve(scene.ada, card)
        await until_said(scene, ts, "Both.")
        assert notebook.looked_up == ["milk"]
    assert results(model) == ["milk means milk", "milk is written down"]


async def test_the_model_may_ask_for_another_approval_after_the_first(tmp_path: Path) -> None:
    async with _asking(tmp_path, writes("milk"), writes("eggs"), text("Both.")) as (scene, ts, notebook):
        for _ in range(2):
            (card,) = await until_asked(scene, ts)
            await approve(scene.ada, card)
            await until_closed(scene, ts, *["Approved"] * len(cards(scene, ts)))
        await until_said(scene, ts, "Both.")
        assert notebook.written == ["milk", "eggs"]
        assert len({*notebook.keys}) == 2


async def test_the_same_call_approved_twice_runs_twice(tmp_path: Path) -> None:
    async with _asking(tmp_path, writes("milk", "milk"), text("Twice.")) as (scene, ts, notebook):
        for card in await until_asked(scene, ts, times=2):
            await approve(scene.ada, card)
        await until_said(scene, ts, "Twice.")
        assert notebook.written == ["milk", "milk"]


async def test_a_tool_that_fails_after_its_approval_is_explained_to_the_model(tmp_path: Path) -> None:
    model = OpenAIServer([tool_calls(("burn", {"page": 7})), text("It is fireproof.")])
    async with _scene(tmp_path, model) as (scene, ts, _):
        (card,) = await until_asked(scene, ts)
        await approve(scene.ada, card)
        await until_said(scene, ts, "It is fireproof.")
    assert "Page 7 does not burn." in results(model)[0]


async def test_a_call_whose_arguments_do_not_fit_asks_nobody(tmp_path: Path) -> None:
    model = OpenAIServer([tool_calls(("write_down", {"txt": "milk"})), text("Sorry.")])
    async with _scene(tmp_path, model) as (scene, ts, _):
        await until_said(scene, ts, "Sorry.")
        assert cards(scene, ts) == []
    assert "text" in json.loads(results(model)[0])["error"]


@pytest.mark.parametrize(
    ("call", "arguments", "objection"),
    [
        ("post_message", {"channel": "#nowhere", "text": "Lunch?"}, "nowhere"),
        ("post_message_later", {"channel": "#general", "when": "yesterday", "text": "Lunch?"}, "yesterday"),
        ("remind_me", {"when": "in 200 days", "text": "Lunch"}, "120 days"),
    ],
)
async def test_a_call_that_could_only_fail_asks_nobody(
    tmp_path: Path, call: str, arguments: dict[str, str], objection: str
) -> None:
    model = OpenAIServer([tool_calls((call, arguments)), text("Where, and when?")])
    async with bot_in_workspace(tmp_path, model=model) as scene:
        ts = await scene.ada.say("#general", "@threadloop do it")
        await until_said(scene, ts, "Where, and when?")
        assert cards(scene, ts) == []
    assert objection in json.loads(results(model)[0])["error"]


async def test_a_slash_command_is_told_to_ask_in_a_thread(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk"), text("Ask me in a thread.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry()) as scene:
        await scene.ada.command("/ask", "Write down milk", channel="#general")
        await scene.playground.until(
            lambda: any("in a thread" in shown["text"] for shown in scene.ada.ephemerals("#general"))
        )
        assert notebook.keys == []
        assert not scene.calls("chat.postMessage")
    told = json.loads(results(model)[0])
    assert "approved" in told["error"]
    assert "thread" in told["advice"]


async def test_a_direct_message_has_its_card_there(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk"), text("Done.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry()) as scene:
        dm = await scene.ada.open_dm()
        ts = await scene.ada.say(dm, "Write down milk")
        (card,) = await until_asked(scene, ts, dm)
        await approve(scene.ada, card)
        assert await scene.answer(ts, dm) == "Done."


@pytest.mark.parametrize(
    "words",
    [
        "<!channel> <!here|all> <!subteam^S1> <@U1> &lt;!everyone&gt; < !channel>",
        "https://evil.example/x [a](https://evil.example/y) <https://evil.example/z|our wiki>",
        "# Head\n```\n*bold* _it_ ~~gone~~ `code`\n| a | b |\n|--|--|\n> quote ![i](https://evil.example/i.png)",
        'back\\slash \\" \\n \\u0041 \x00\x1b[31m \u202egnp.exe \u200bzero \U000e0041tag',
        "line\nother: 1\n\n\n```\nfence",
    ],
)
async def test_hostile_arguments_are_shown_as_they_are_and_ping_nobody(tmp_path: Path, words: str) -> None:
    async with _asking(tmp_path, writes(words), text("Done.")) as (scene, ts, notebook):
        (card,) = await until_asked(scene, ts)
        assert _shown_text(card) == words
        pings = [ping.target for ping in scene.playground.pings]
        await approve(scene.ada, card)
        await until_closed(scene, ts, "Approved")
        assert _shown_text(cards(scene, ts)[0]) == words
        assert pings == [scene.ada.id]
        assert scene.playground.pings[len(pings) :] == []
        assert scene.playground.unfurled == []
        await until_said(scene, ts, "Done.")
        assert notebook.written == [words]


async def test_long_arguments_are_in_a_file_above_the_card(tmp_path: Path) -> None:
    words = " ".join(f"word{number}" for number in range(1_500))
    async with _asking(tmp_path, writes(words), text("Done.")) as (scene, ts, notebook):
        (card,) = await until_asked(scene, ts)
        assert "word1" in card.text
        assert "word1499" not in card.text
        assert "in the file above" in card.text
        (file,) = (
            file for message in scene.playground.thread("#general", ts) for file in message.get("files", ())
        )
        content = scene.playground.workspace.contents[file["id"]].decode()
        assert json.dumps(words) in content
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        assert notebook.written == [words]


async def test_a_closed_card_says_what_was_decided_though_the_tool_is_away(tmp_path: Path) -> None:
    server = PassingTools()
    model = OpenAIServer([tool_calls(("pens__write", {"text": "milk"})), text("Then not.")])
    async with bot_in_workspace(tmp_path, model=model, tools=Registry([], toolsets=[server])) as scene:
        ts = await scene.ada.say("#general", "@threadloop Please do")
        (card,) = await until_asked(scene, ts)
        server.is_up = False
        await deny(scene.ada, card)
        await until_closed(scene, ts, 'pens__write\n```\ntext: "milk"\n```\n\n_Denied by Ada Lovelace_')
        await until_said(scene, ts, "Then not.")


async def test_a_card_shows_the_arguments_though_the_tool_went_away_before_it_was_posted(
    tmp_path: Path,
) -> None:
    server = PassingTools()

    @tool
    async def unplug() -> str:
        """Unplug the server."""
        server.is_up = False
        return "unplugged"

    model = OpenAIServer([tool_calls(("pens__write", {"text": "milk"}), ("unplug", {}))])
    async with bot_in_workspace(tmp_path, model=model, tools=Registry([unplug], toolsets=[server])) as scene:
        ts = await scene.ada.say("#general", "@threadloop Please do")
        (card,) = await until_asked(scene, ts)
        assert 'text: "milk"' in card.text


async def test_a_card_says_that_a_secret_is_not_shown(tmp_path: Path) -> None:
    words = "xox" + "b-123456789012-AbCdEfGhIjKl is the token"
    async with _asking(tmp_path, writes(words), text("Done.")) as (scene, ts, notebook):
        (card,) = await until_asked(scene, ts)
        assert 'text: "[redacted] is the token"\n```\n_A secret in it is not shown._' in card.text
        await approve(scene.ada, card)
        await until_closed(scene, ts, "_A secret in it is not shown._")
        await until_said(scene, ts, "Done.")
        assert notebook.written == [words]


async def test_a_card_that_slack_shows_only_in_a_plainer_form_keeps_its_buttons(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk"), text("Done.")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry()) as scene:
        scene.playground.faults.next("chat.postMessage", error="invalid_blocks")
        ts = await scene.ada.say("#general", "@threadloop Please do")
        (card,) = await until_asked(scene, ts)
        assert 'text: "milk"' in card.message["blocks"][0]["text"]["text"]
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")


async def test_where_slack_refuses_every_card_with_buttons_the_question_fails(tmp_path: Path) -> None:
    model, notebook = OpenAIServer([writes("milk")]), Notebook()
    async with bot_in_workspace(tmp_path, model=model, tools=notebook.registry()) as scene:
        scene.playground.faults.next("chat.postMessage", error="invalid_blocks", times=2)
        ts = await scene.ada.say("#general", "@threadloop Please do")
        assert "Slack did not let me finish" in await scene.answer(ts)
        assert cards(scene, ts) == []


async def test_a_reason_or_a_name_can_ping_nobody_either(tmp_path: Path) -> None:
    async with _asking(tmp_path, writes("milk"), text("Then not.")) as (scene, ts, _):
        (card,) = await until_asked(scene, ts)
        await deny(scene.ada, card, "<!channel> see https://evil.example/x")
        await until_closed(scene, ts, "Denied by Ada Lovelace: @channel see `https://evil.example/x`")
        assert [ping.target for ping in scene.playground.pings] == [scene.ada.id]
        await until_said(scene, ts, "Then not.")


async def test_the_quiet_line_counts_what_was_done_before_the_approvals_too(tmp_path: Path) -> None:
    look = tool_calls(("look_up", {"word": "milk"}), ("look_up", {"word": "eggs"}))
    model = OpenAIServer([look, writes("milk"), writes("tea"), writes("eggs"), text("Done.")])
    async with _scene(tmp_path, model) as (scene, ts, _):
        decided: list[str] = []
        for word in ("Approved", "Denied", "Approved"):
            (card,) = await until_asked(scene, ts)
            await (approve if word == "Approved" else deny)(scene.ada, card)
            decided.append(word)
            await until_closed(scene, ts, *decided)
        await until_said(scene, ts, "Done.")
        (line,) = blocks_of(scene.answers(ts)[-1], "context")
        assert " · 2 look_up, 2 write_down · " in line["elements"][0]["text"]
        outcome = await scene.bot.runs.outcome(f"{_run_id(scene, ts)}#approved")
    assert outcome is not None
    assert outcome.pause is not None
    assert outcome.pause.seconds > 0


async def test_what_happens_is_seen_by_whoever_looks_on(tmp_path: Path) -> None:
    async with _asking(tmp_path, writes("milk"), text("Done.")) as (scene, ts, _):
        (card,) = await until_asked(scene, ts)
        await approve(scene.ada, card)
        await until_said(scene, ts, "Done.")
        kinds = [type(event) for _, event in scene.seen]
        assert kinds.index(Paused) < kinds.index(ToolFinished)


@asynccontextmanager
async def _asking(folder: Path, *turns: Any) -> AsyncIterator[tuple[Scene, str, Notebook]]:
    async with _scene(folder, OpenAIServer(turns)) as scene:
        yield scene


@asynccontextmanager
async def _scene(folder: Path, model: OpenAIServer) -> AsyncIterator[tuple[Scene, str, Notebook]]:
    """Ada has asked something; the scene, her question, and the tools."""
    notebook = Notebook()
    async with bot_in_workspace(folder, model=model, tools=notebook.registry()) as scene:
        yield scene, await scene.ada.say("#general", "@threadloop Please do"), notebook


def _run_id(scene: Scene, ts: str) -> str:
    return f"{scene.playground.team_id}:{scene.playground.workspace.channel('#general').id}:{ts}"


def _shown_text(card: Card) -> str:
    """The argument `text` as somebody reads it in the card's code block."""
    elements = [
        e for block in card.message["blocks"] if block["type"] == "rich_text" for e in block["elements"]
    ]
    (code,) = (e for e in elements if e["type"] == "rich_text_preformatted")
    line = "".join(leaf["text"] for leaf in code["elements"]).strip("\n")
    name, _, value = line.partition(": ")
    assert name == "text"
    assert "\n" not in line
    shown: str = json.loads(value)
    return shown
